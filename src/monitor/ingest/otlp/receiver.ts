/**
 * The step that both OTLP transports share: it decodes the bytes of one request, stores its items, and returns the bytes of
 * the answer.
 */
import { setImmediate } from 'node:timers/promises';
import { VitrineError } from '../../../base/errors.ts';
import { RETRY_AFTER_SECONDS } from '../request/byte-budget.ts';
import type { Intake, Outcome } from '../request/intake.ts';
import type { Road, Signal } from '../checks/counters.ts';
import { RejectionTally } from '../checks/rejections.ts';
import { decodeLogsJson } from './logs-json.ts';
import { decodeLogs } from './logs-protobuf.ts';
import { decodeMetricsJson } from './metrics-json.ts';
import { decodeMetrics } from './metrics-protobuf.ts';
import { listParts, metricParts } from './parts.ts';
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
      return inTurns(metricParts(json ? decodeMetricsJson(body) : decodeMetrics(body)), (part) =>
        intake.metrics(part, road),
      );
    case 'traces':
      return inTurns(listParts(json ? decodeTracesJson(body) : decodeTraces(body)), (part) => intake.spans(part, road));
    default:
      return inTurns(listParts(json ? decodeLogsJson(body) : decodeLogs(body)), (part) => intake.logs(part, road));
  }
}

/** The outcome of all parts together. */
async function inTurns<T>(parts: Iterable<T>, store: (part: T) => Promise<Outcome>): Promise<Outcome> {
  let outcome: Outcome | undefined;
  const tally = new RejectionTally();
  for (const part of parts) {
    if (outcome !== undefined) await setImmediate();
    const { accepted, rejected } = await store(part);
    tally.addAll(rejected);
    outcome = { accepted: (outcome?.accepted ?? 0) + accepted, rejected: tally.list() };
  }
  return outcome ?? { accepted: 0, rejected: [] };
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
