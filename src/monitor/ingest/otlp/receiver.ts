/**
 * The step that both OTLP transports share: it decodes the bytes of one request, stores its items, and returns the bytes of
 * the answer.
 */
import { VitrineError } from '../../../base/errors.ts';
import { RETRY_AFTER_SECONDS } from '../request/byte-budget.ts';
import type { Intake, Outcome } from '../request/intake.ts';
import type { Road, Signal } from '../checks/counters.ts';
import { RejectionTally } from '../checks/rejections.ts';
import { decodeLogsJson } from './logs-json.ts';
import { decodeLogs } from './logs-protobuf.ts';
import { decodeMetricsJson } from './metrics-json.ts';
import { decodeMetrics } from './metrics-protobuf.ts';
import { inSteps, type Steps } from '../request/steps.ts';
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
  // Without this, the bodies of all senders that end in one turn are decoded in it.
  if (intake.turns.due) await intake.turns.next();
  const outcome = await take(intake, signal, encoding, body, road);
  refuseIfNothingKept(outcome);
  return exportResponse(signal, outcome.rejected, encoding);
}

async function take(
  intake: Intake,
  signal: Signal,
  encoding: OtlpEncoding,
  body: Uint8Array,
  road: Road,
): Promise<Outcome> {
  const json = encoding === 'json';
  const decoded = <T>(work: Steps<T>): Promise<T> => inSteps(intake.turns, work);
  switch (signal) {
    case 'metrics': {
      const resources = await decoded(json ? decodeMetricsJson(body) : decodeMetrics(body));
      return inTurns(intake, metricParts(resources), (part) => intake.metrics(part, road));
    }
    case 'traces': {
      const spans = await decoded(json ? decodeTracesJson(body) : decodeTraces(body));
      return inTurns(intake, listParts(spans), (part) => intake.spans(part, road));
    }
    default: {
      const records = await decoded(json ? decodeLogsJson(body) : decodeLogs(body));
      return inTurns(intake, listParts(records), (part) => intake.logs(part, road));
    }
  }
}

/** The outcome of all parts together. */
async function inTurns<T>(intake: Intake, parts: Iterable<T>, store: (part: T) => Promise<Outcome>): Promise<Outcome> {
  let outcome: Outcome | undefined;
  const tally = new RejectionTally();
  for (const part of parts) {
    if (outcome !== undefined) await intake.turns.next();
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
