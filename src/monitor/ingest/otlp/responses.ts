/**
 * Answers of an OTLP server: Export<Signal>ServiceResponse and google.rpc.Status, in protobuf or JSON. `partial_success` is
 * set only when items were refused; messages are shortened so that an answer stays small.
 */
import { ERRORS, VitrineError } from '../../../base/errors.ts';
import type { Rejection } from '../../../model/ports.ts';
import { ProtobufWriter } from '../../../telemetry/road/protobuf-writer.ts';
import { rejectionText } from '../checks/rejections.ts';
import type { Signal } from '../checks/counters.ts';

export type OtlpEncoding = 'protobuf' | 'json';

const MESSAGE_MAX = 4096;
/** Initial size: an answer without a long message fits. */
const WRITER_BYTES = 256;

const REJECTED_FIELD: Readonly<Record<Signal, string>> = {
  metrics: 'rejectedDataPoints',
  traces: 'rejectedSpans',
  logs: 'rejectedLogRecords',
};

export function exportResponse(signal: Signal, rejected: readonly Rejection[], encoding: OtlpEncoding): Uint8Array {
  let count = 0;
  for (const rejection of rejected) count += rejection.count;
  const message = rejectionText(rejected).slice(0, MESSAGE_MAX);
  if (encoding === 'json') {
    const partialSuccess = { [REJECTED_FIELD[signal]]: String(count), errorMessage: message };
    return Buffer.from(JSON.stringify(rejected.length === 0 ? {} : { partialSuccess }));
  }
  const writer = new ProtobufWriter(WRITER_BYTES);
  if (rejected.length > 0) {
    const partialSuccess = writer.open(1);
    writer.uint(1, count);
    writer.string(2, message);
    writer.close(partialSuccess);
  }
  return writer.take();
}

/** google.rpc.Code numbers. */
export const RPC = {
  INVALID_ARGUMENT: 3,
  RESOURCE_EXHAUSTED: 8,
  UNIMPLEMENTED: 12,
  INTERNAL: 13,
  UNAVAILABLE: 14,
  UNAUTHENTICATED: 16,
} as const;

/** The gRPC code of an error. */
export function rpcCode(error: unknown): number {
  if (!(error instanceof VitrineError)) return RPC.INTERNAL;
  const { status } = ERRORS[error.code];
  if (status === 401) return RPC.UNAUTHENTICATED;
  if (status === 413) return RPC.RESOURCE_EXHAUSTED;
  if (status === 415 || status === 404 || status === 405) return RPC.UNIMPLEMENTED;
  if (status === 429 || status === 502 || status === 503 || status === 504) return RPC.UNAVAILABLE;
  return status < 500 ? RPC.INVALID_ARGUMENT : RPC.INTERNAL;
}

/** The text of an error for the sender: the message of a VitrineError, and a general text for any other error. */
export function publicMessage(error: unknown): string {
  if (!(error instanceof VitrineError)) return 'An unexpected error was logged.';
  return error.told.slice(0, MESSAGE_MAX);
}

export function statusBody(error: unknown, encoding: OtlpEncoding): Uint8Array {
  const code = rpcCode(error);
  const message = publicMessage(error);
  if (encoding === 'json') return Buffer.from(JSON.stringify({ code, message, details: [] }));
  return statusWriter(code, message).take();
}

/** google.rpc.Status with a RetryInfo detail, which gRPC senders read as the time to wait. */
export function throttleStatus(error: unknown, retryAfterSeconds: number): Uint8Array {
  const writer = statusWriter(rpcCode(error), publicMessage(error));
  const detail = writer.open(3);
  writer.string(1, 'type.googleapis.com/google.rpc.RetryInfo');
  writer.bytes(2, retryInfo(retryAfterSeconds));
  writer.close(detail);
  return writer.take();
}

/** RetryInfo { retry_delay = 1: Duration { seconds = 1 } }, with lengths in the shortest form. */
function retryInfo(seconds: number): Uint8Array {
  const writer = new ProtobufWriter(WRITER_BYTES);
  writer.uint(1, seconds);
  writer.bytes(1, writer.take());
  return writer.take();
}

/** Code and message of a google.rpc.Status. */
function statusWriter(code: number, message: string): ProtobufWriter {
  const writer = new ProtobufWriter(WRITER_BYTES);
  writer.uint(1, code);
  writer.string(2, message);
  return writer;
}
