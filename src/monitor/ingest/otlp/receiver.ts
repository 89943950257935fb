/**
 * The step that both OTLP transports share: it decodes the bytes of one request, stores its items, and returns the bytes of
 * the answer.
 */
import { VitrineError } from '../../../base/errors.ts';
import { RETRY_AFTER_SECONDS } from '../request/byte-budget.ts';
import type { Intake, Outcome } from '../request/intake.ts';
import type { Road, Signal } from '../checks/counters.ts';
import { decodeLogsJson } from './logs-json.ts';
import { decodeLogs } from './logs-protobuf.ts';
import { decodeMetricsJson } from './metrics-json.ts';
import { decodeMetrics } from './metrics-protobuf.ts';
import type { OtlpEncoding } from './responses.ts';
import { exportResponse } from './responses.ts';
import { decodeTracesJson } from './traces-json.ts';
import { decodeTraces } from './traces-protobuf.ts';

/** Throws VitrineError: `bad_request`, `overloaded`, `storage_full`. */
export async function receive(
  intake: Intake,
  signal: Signal,
  encoding: OtlpEncoding,
  body: Uint8Array,
  road: Road,
): Promise<Uint8Array> {
  const outcome = await take(intake, signal, encoding, body, road);
  refuseIfNothingKept(outcome);
  return exportResponse(signal, outcome.rejected, encoding);
}

function take(intake: Intake, signal: Signal, encoding: OtlpEncoding, body: Uint8Array, road: Road): Promise<Outcome> {
  const json = encoding === 'json';
  switch (signal) {
    case 'metrics':
      return intake.metrics(json ? decodeMetricsJson(body) : decodeMetrics(body), road);
    case 'traces':
      return intake.spans(json ? decodeTracesJson(body) : decodeTraces(body), road);
    default:
      return intake.logs(json ? decodeLogsJson(body) : decodeLogs(body), road);
  }
}

/**
 * A partial success is final: senders drop refused items. So when every item was refused only because there was no room, the
 * answer is an error that makes senders keep the items and try again.
 */
export function refuseIfNothingKept({ accepted, rejected }: Outcome): void {
  if (accepted > 0 || rejected.length === 0) return;
  if (!rejected.every(({ reason }) => reason === 'queue_full' || reason === 'storage_full')) return;
  const [{ reason, message }] = rejected;
  throw new VitrineError(reason === 'storage_full' ? 'storage_full' : 'overloaded', message, {
    headers: { 'Retry-After': String(RETRY_AFTER_SECONDS) },
  });
}
