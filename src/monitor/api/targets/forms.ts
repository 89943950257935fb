/** Targets, history, evidence and availability as JSON. */
import { iso } from '../../../base/units.ts';
import { VitrineError } from '../../../base/errors.ts';
import { relativeTimeMs, timeMsOf } from '../../search/literals.ts';
import type { CheckResult, PhaseTimes } from '../../targets/check.ts';
import { availability, availabilityOfEach, type Span } from '../../targets/history/availability.ts';
import type { StoredCheck, StoredEvidence } from '../../targets/history/check-tables.ts';
import type { Run } from '../../targets/history/runs.ts';
import type { TargetStatus } from '../../targets/target-parts.ts';
import type { Targets } from '../../targets/targets.ts';
import type { EvidenceJson, HistoryJson, TargetJson } from './contract.ts';

const DAY_MS = 86_400_000;
const STRIP_PARTS = 48;

const phasesMs = (phases: PhaseTimes): Record<string, number> =>
  Object.fromEntries(Object.entries(phases).map(([name, seconds]) => [name, seconds * 1_000]));

/** `from` and `to` of a query: epoch milliseconds, RFC 3339 or `now-1h`. Throws VitrineError `bad_request`. */
export function rangeOf(query: URLSearchParams, nowMs: number, defaultMs: number): Span {
  const time = (name: string, fallback: number): number => {
    const text = query.get(name);
    if (text === null || text === '') return fallback;
    const ms = /^\d+$/.test(text) ? Number(text) : (relativeTimeMs(text, nowMs) ?? timeMsOf(text));
    if (ms === undefined || !Number.isFinite(ms)) throw new VitrineError('bad_request', `"${name}" is not a time.`);
    return ms;
  };
  const toMs = time('to', nowMs);
  const fromMs = time('from', toMs - defaultMs);
  if (fromMs >= toMs) throw new VitrineError('bad_request', '"from" must be before "to".');
  return { fromMs, toMs };
}

/** The state of each part of a range; the worst that happened in it. */
export function stripOf(
  { runs, maintenance }: { readonly runs: readonly Run[]; readonly maintenance: readonly Span[] },
  { fromMs, toMs }: Span,
  parts = STRIP_PARTS,
): TargetJson['strip'] {
  const each = (toMs - fromMs) / parts;
  const spans = Array.from({ length: parts }, (_, at) => ({
    fromMs: fromMs + at * each,
    toMs: fromMs + (at + 1) * each,
  }));
  return availabilityOfEach(runs, maintenance, spans).map((figure) => {
    if (figure.downMs > 0) return 'down';
    if (figure.upMs > 0) return 'up';
    return figure.maintenanceMs > 0 ? 'maintenance' : 'unknown';
  });
}

const lastOf = (last: CheckResult): NonNullable<TargetJson['last']> => ({
  time: iso(last.timeMs),
  success: last.success,
  duration_ms: last.durationSeconds * 1_000,
  reason: last.reason,
  phases: phasesMs(last.phases),
  trace_id: last.traceId,
});

export function targetJson(targets: Targets, status: TargetStatus, nowMs: number): TargetJson {
  const { target, state, sinceMs, last, cause, maintenance } = status;
  const day = { fromMs: nowMs - DAY_MS, toMs: nowMs };
  const past = targets.past(target.id, day);
  const expiry = last?.series.find(({ name }) => name === 'probe_ssl_earliest_cert_expiry')?.value;
  const beat = targets.heartbeat(target.id);
  return {
    id: target.id,
    name: target.name,
    kind: target.kind,
    instance: target.instance,
    origin: target.origin,
    state,
    since: sinceMs === undefined ? null : iso(sinceMs),
    enabled: target.enabled,
    competitor: target.competitor,
    group: target.group,
    tags: target.tags,
    depends_on: target.dependsOn,
    cause: cause ?? null,
    maintenance,
    interval_ms: target.intervalMs,
    last: last === undefined ? null : lastOf(last),
    certificate_expires: expiry === undefined || expiry <= 0 ? null : iso(expiry * 1_000),
    availability_24h: availability(past.runs, past.maintenance, day).ratio,
    strip: stripOf(past, day),
    ...(beat === undefined
      ? {}
      : { heartbeat: { last: beat.lastMs === undefined ? null : iso(beat.lastMs), deadline: iso(beat.deadlineMs) } }),
  };
}

export const checkJson = ({
  timeMs,
  success,
  durationMs,
  status,
  reason,
  phases,
}: StoredCheck): HistoryJson['checks'][number] => ({
  time: iso(timeMs),
  success,
  duration_ms: durationMs,
  status,
  reason,
  phases: phasesMs(phases),
});

export function evidenceJson(stored: StoredEvidence): EvidenceJson['evidence'][number] {
  const { timeMs, durationMs, traceId, sentHeaders, certificate, phases, ...rest } = stored;
  return {
    ...rest,
    time: iso(timeMs),
    duration_ms: durationMs,
    trace_id: traceId,
    phases: phasesMs(phases),
    ...(sentHeaders === undefined ? {} : { sent_headers: sentHeaders }),
    ...(certificate === undefined
      ? {}
      : {
          certificate: {
            subject: certificate.subject,
            issuer: certificate.issuer,
            names: certificate.names,
            valid_from: iso(certificate.validFromMs),
            valid_to: iso(certificate.validToMs),
            fingerprint256: certificate.fingerprint256,
            error: certificate.error,
          },
        }),
  };
}
