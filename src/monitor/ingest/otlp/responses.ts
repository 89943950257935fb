/**
 * Answers of an OTLP server: Export<Signal>ServiceResponse and google.rpc.Status, in protobuf or JSON. `partial_success` is
 * set only when items were refused; messages are shortened so that an answer stays small.
 */
import { BinaryWriter } from '@bufbuild/protobuf/wire';
import { ERRORS, VitrineError } from '../../../base/errors.ts';
import type { Rejection } from '../../../model/ports.ts';
import { rejectionText } from '../checks/rejections.ts';
import type { Signal } from '../checks/counters.ts';

export type OtlpEncoding = 'protobuf' | 'json';

const MESSAGE_MAX = 4096;

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
  const writer = new BinaryWriter();
  if (rejected.length > 0) {
    writer.uint32(0x0a).fork();
    writer.uint32(0x08).int64(count);
    writer.uint32(0x12).string(message);
    writer.join();
  }
  return writer.finish();
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

/** The text of an error for the sender: a VitrineError's own message, nothing of any other error. */
export function publicMessage(error: unknown): string {
  if (!(error instanceof VitrineError)) return 'An unexpected error was logged.';
  const { message, hint } = error;
  return (hint === undefined ? message : `${message}. ${hint}`).slice(0, MESSAGE_MAX);
}

export function statusBody(error: unknown, encoding: OtlpEncoding): Uint8Array {
  const code = rpcCode(error);
  const message = publicMessage(error);
  if (encoding === 'json') return Buffer.from(JSON.stringify({ code, message, details: [] }));
  return new BinaryWriter().uint32(0x08).int32(code).uint32(0x12).string(message).finish();
}

/** google.rpc.Status with a RetryInfo detail, which gRPC senders read as the time to wait. */
export function throttleStatus(error: unknown, retryAfterSeconds: number): Uint8Array {
  const writer = new BinaryWriter().uint32(0x08).int32(rpcCode(error)).uint32(0x12).string(publicMessage(error));
  writer.uint32(0x1a).fork();
  writer.uint32(0x0a).string('type.googleapis.com/google.rpc.RetryInfo');
  // RetryInfo { retry_delay = 1: Duration { seconds = 1 } }
  writer.uint32(0x12).fork().uint32(0x0a).fork().uint32(0x08).int64(retryAfterSeconds).join().join();
  return writer.join().finish();
}
