/**
 * The health matrix: one row for each service, with a sentence about its problem. The rows come from PromQL, so a service is
 * included whoever sent its telemetry. The rules are simple on purpose and the same for every service; alert rules can be
 * finer. A firing alert that names a service decides the state of that service.
 */
import { REQUESTS } from '../../dashboards/queries.ts';
import { SIGNALS } from '../../dashboards/services.ts';
import type { SignalName } from '../../dashboards/services.ts';
import type { Alert } from '../../model/alert.ts';
import type { ReportedStatus } from '../../model/health.ts';
import { worst } from '../../model/health.ts';
import type { Querier } from '../../model/ports.ts';
import type { Labels } from '../../model/labels.ts';
import type { ServiceRow, ServicesAnswer } from './contract.ts';

export const SLOW_SECONDS = 0.2;
const VERY_SLOW_SECONDS = 1;
const SOME_ERRORS = 0.01;
const MANY_ERRORS = 0.05;
const STRIP_MINUTES = 15;
const MAX_SERVICES = 200;
const QUERY_TIMEOUT_MS = 5_000;

export interface Verdict {
  readonly state: ReportedStatus;
  readonly reason: string;
}

const percent = (ratio: number): string => `${Number((ratio * 100).toPrecision(3))} %`;
const millis = (seconds: number): string => `${Number((seconds * 1_000).toPrecision(3))} ms`;

/**
 * The mean time to the first byte, for services that measure phases. Their whole time has the transfer in it, and event
 * streams and large bodies take as long as they take: the rule SlowResponses leaves it out too.
 */
const FIRST_BYTE =
  'sum by (job) (rate(vitrine_balancer_phase_duration_seconds_sum{vitrine_phase!="transfer"}[1m]))' +
  ` / sum by (job) (rate(${REQUESTS}_count[1m]))`;

export interface Signals {
  readonly errorRatio: number | null;
  readonly p95Seconds: number | null;
  readonly firstByteSeconds: number | null;
}

/** The verdict on one service at one moment, from its signals. Pure. */
export function verdictOf({ errorRatio, p95Seconds, firstByteSeconds }: Signals): Verdict {
  const reasons: string[] = [];
  const states: ReportedStatus[] = [];
  if (errorRatio !== null && errorRatio >= SOME_ERRORS) {
    states.push(errorRatio >= MANY_ERRORS ? 'unhealthy' : 'degraded');
    reasons.push(`errors ${percent(errorRatio)}`);
  }
  const seconds = firstByteSeconds ?? p95Seconds;
  if (seconds !== null && seconds > SLOW_SECONDS) {
    states.push(seconds > VERY_SLOW_SECONDS ? 'unhealthy' : 'degraded');
    reasons.push(`${firstByteSeconds === null ? 'p95' : 'mean time to first byte'} ${millis(seconds)}`);
  }
  return { state: worst(states), reason: reasons.join(', ') };
}

const serviceName = (labels: Labels): string => labels.get('job') || labels.get('service');

type Values = ReadonlyMap<string, number>;

const exprOf = (signal: SignalName | 'first_byte'): string =>
  signal === 'first_byte' ? FIRST_BYTE : SIGNALS[signal].expr('', '1m');

async function instantOf(querier: Querier, expr: string, atMs: number): Promise<Values> {
  const { value } = await querier.instant(expr, atMs, { timeoutMs: QUERY_TIMEOUT_MS });
  if (value.kind !== 'vector') return new Map();
  return new Map(
    value.series
      .map(({ labels, point }): [string, number] => [serviceName(labels), point.v])
      .filter(([, v]) => Number.isFinite(v)),
  );
}

type Strips = ReadonlyMap<string, ReadonlyMap<number, number>>;

async function stripOf(querier: Querier, expr: string, endMs: number): Promise<Strips> {
  const startMs = endMs - (STRIP_MINUTES - 1) * 60_000;
  const { value } = await querier.range(expr, startMs, endMs, 60_000, { timeoutMs: QUERY_TIMEOUT_MS });
  if (value.kind !== 'matrix') return new Map();
  return new Map(
    value.series.map(({ labels, t, v }) => [
      serviceName(labels),
      new Map([...t].map((at, index): [number, number] => [at, v[index]]).filter(([, y]) => Number.isFinite(y))),
    ]),
  );
}

interface StripSignals {
  readonly errors: Strips;
  readonly p95: Strips;
  readonly firstByte: Strips;
}

function stripFor(service: string, endMs: number, { errors, p95, firstByte }: StripSignals): ServiceRow['strip'] {
  return Array.from({ length: STRIP_MINUTES }, (_, at) => {
    const t = endMs - (STRIP_MINUTES - 1 - at) * 60_000;
    const errorRatio = errors.get(service)?.get(t) ?? null;
    const p95Seconds = p95.get(service)?.get(t) ?? null;
    if (errorRatio === null && p95Seconds === null) return 'no_data';
    return verdictOf({ errorRatio, p95Seconds, firstByteSeconds: firstByte.get(service)?.get(t) ?? null }).state;
  });
}

/** Alerts of severity `info` only inform and do not change the verdict. */
function alertVerdict(service: string, alerts: readonly Alert[]): Verdict {
  const own = alerts.filter(
    ({ state, resolvedAtMs, labels }) =>
      state === 'firing' &&
      resolvedAtMs === undefined &&
      labels.get('severity') !== 'info' &&
      [labels.get('job'), labels.get('service')].includes(service),
  );
  return {
    state: worst(own.map(({ labels }) => (labels.get('severity') === 'critical' ? 'unhealthy' : 'degraded'))),
    reason: own.map(({ labels }) => labels.get('alertname')).join(', '),
  };
}

const ORDER: Readonly<Record<ServiceRow['state'], number>> = { unhealthy: 0, degraded: 1, no_data: 2, healthy: 3 };

/** Worst first; at most 200 services. Throws the errors of the querier. */
export async function servicesAnswer(
  querier: Querier,
  alerts: readonly Alert[],
  nowMs: number,
): Promise<ServicesAnswer> {
  const endMs = Math.floor(nowMs / 1_000) * 1_000;
  const instant = (signal: SignalName | 'first_byte'): Promise<Values> => instantOf(querier, exprOf(signal), endMs);
  const strip = (signal: SignalName | 'first_byte'): Promise<Strips> => stripOf(querier, exprOf(signal), endMs);
  const [requests, errors, p95, firstByte, cpu, logs, uptime] = await Promise.all([
    instant('requests'),
    instant('error_ratio'),
    instant('latency_p95'),
    instant('first_byte'),
    instant('cpu'),
    instant('logs'),
    instant('uptime'),
  ]);
  const [errorStrip, p95Strip, firstByteStrip, uptimeStrip, logStrip] = await Promise.all([
    strip('error_ratio'),
    strip('latency_p95'),
    strip('first_byte'),
    strip('uptime'),
    strip('logs'),
  ]);
  // Every service seen in the last 15 minutes has a row, because a service that has stopped sending must be visible.
  const seen = [requests, logs, uptime, errorStrip, uptimeStrip, logStrip];
  const names = [...new Set(seen.flatMap((values) => [...values.keys()]))];
  const services = names
    .filter((name) => name !== '')
    .sort()
    .slice(0, MAX_SERVICES)
    .map((service): ServiceRow => {
      const ratio = errors.get(service) ?? null;
      const seconds = p95.get(service) ?? null;
      const firstByteSeconds = firstByte.get(service) ?? null;
      const own = verdictOf({ errorRatio: ratio, p95Seconds: seconds, firstByteSeconds });
      const alerted = alertVerdict(service, alerts);
      // The monitor still counts log lines for a service that sends none.
      const silent = !requests.has(service) && !uptime.has(service) && !((logs.get(service) ?? 0) > 0);
      const state = worst([own.state, alerted.state]);
      return {
        service,
        state: silent ? 'no_data' : state,
        reason: silent
          ? 'no telemetry for a minute'
          : [own.reason, alerted.reason].filter((part) => part !== '').join(', '),
        requests_per_second: requests.get(service) ?? null,
        error_ratio: ratio,
        p95_seconds: seconds,
        first_byte_seconds: firstByteSeconds,
        cpu_cores: cpu.get(service) ?? null,
        logs_per_minute: logs.get(service) ?? null,
        uptime_seconds: uptime.get(service) ?? null,
        strip: stripFor(service, endMs, { errors: errorStrip, p95: p95Strip, firstByte: firstByteStrip }),
      };
    })
    .sort((a, b) => ORDER[a.state] - ORDER[b.state] || (a.service < b.service ? -1 : 1));
  return { time: new Date(nowMs).toISOString(), services };
}
