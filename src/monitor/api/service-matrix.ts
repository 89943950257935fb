/**
 * The health matrix: one row for each service, with a sentence about its problem. The rows come from PromQL, so a service is
 * included whoever sent its telemetry. The rules are simple on purpose and the same for every service; alert rules can be
 * finer. A firing alert that names a service decides the state of that service.
 */
import { REQUESTS } from '../../dashboards/queries.ts';
import { SIGNALS } from '../../dashboards/services.ts';
import type { SignalName } from '../../dashboards/services.ts';
import type { Clock } from '../../base/clock.ts';
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
const MINUTE_MS = 60_000;
/** Nobody waits for them this long: see ServiceStrips. */
const STRIPS_TIMEOUT_MS = 30_000;
const STRIPS_WAIT_MS = 3_000;

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

const exprOf = (signal: Signal): string => (signal === 'first_byte' ? FIRST_BYTE : SIGNALS[signal].expr('', '1m'));

async function instantOf(querier: Querier, expr: string, atMs: number): Promise<Values> {
  const { value } = await querier.instant(expr, atMs, { timeoutMs: QUERY_TIMEOUT_MS });
  if (value.kind !== 'vector') return new Map();
  return new Map(
    value.series
      .map(({ labels, point }): [string, number] => [serviceName(labels), point.v])
      .filter(([, v]) => Number.isFinite(v)),
  );
}

type Signal = SignalName | 'first_byte';
type Strip = ReadonlyMap<string, ReadonlyMap<number, number>>;

/** The signals of the whole minutes up to one, by service and time. */
interface Strips {
  readonly minuteMs: number;
  readonly errors: Strip;
  readonly p95: Strip;
  readonly firstByte: Strip;
  readonly uptime: Strip;
  readonly logs: Strip;
}

const NO_STRIPS = { errors: new Map(), p95: new Map(), firstByte: new Map(), uptime: new Map(), logs: new Map() };

async function stripsUpTo(querier: Querier, minuteMs: number): Promise<Strips> {
  const strip = async (signal: Signal): Promise<Strip> => {
    const startMs = minuteMs - (STRIP_MINUTES - 2) * MINUTE_MS;
    const options = { timeoutMs: STRIPS_TIMEOUT_MS };
    const { value } = await querier.range(exprOf(signal), startMs, minuteMs, MINUTE_MS, options);
    if (value.kind !== 'matrix') return new Map();
    return new Map(
      value.series.map(({ labels, t, v }) => [
        serviceName(labels),
        new Map([...t].map((at, index): [number, number] => [at, v[index]]).filter(([, y]) => Number.isFinite(y))),
      ]),
    );
  };
  const [errors, p95, firstByte, uptime, logs] = await Promise.all([
    strip('error_ratio'),
    strip('latency_p95'),
    strip('first_byte'),
    strip('uptime'),
    strip('logs'),
  ]);
  return { minuteMs, errors, p95, firstByte, uptime, logs };
}

/**
 * The strips of whole minutes, evaluated once a minute for all viewers, because with many series they are the expensive part
 * of the matrix. While those of a new minute are evaluated, the ones of the minute before are shown. A request that has
 * neither waits for a short time and then answers without.
 */
export class ServiceStrips {
  readonly #querier: Querier;
  readonly #clock: Pick<Clock, 'after'>;
  #known: Strips | undefined;
  #coming: Promise<Strips> | undefined;

  constructor(querier: Querier, clock: Pick<Clock, 'after'>) {
    this.#querier = querier;
    this.#clock = clock;
  }

  async at(nowMs: number): Promise<Strips> {
    const minuteMs = Math.floor(nowMs / MINUTE_MS) * MINUTE_MS;
    const known = this.#known;
    if (known?.minuteMs === minuteMs) return known;
    const coming = this.#load(minuteMs);
    if (known?.minuteMs === minuteMs - MINUTE_MS) return known;
    const late = Promise.withResolvers<Strips>();
    const cancel = this.#clock.after(STRIPS_WAIT_MS, () => late.resolve({ minuteMs, ...NO_STRIPS }));
    return Promise.race([coming, late.promise]).finally(cancel);
  }

  /** One evaluation at a time. */
  #load(minuteMs: number): Promise<Strips> {
    if (this.#coming !== undefined) return this.#coming;
    const coming = stripsUpTo(this.#querier, minuteMs)
      .then((strips) => (this.#known = strips))
      .finally(() => (this.#coming = undefined));
    // A request that did not wait for it asks again.
    coming.catch(() => {});
    this.#coming = coming;
    return coming;
  }
}

/** The whole minutes, and as the last mark the present. */
function stripFor(service: string, present: ServiceRow['state'], strips: Strips): ServiceRow['strip'] {
  const past = Array.from({ length: STRIP_MINUTES - 1 }, (_, at): ServiceRow['state'] => {
    const t = strips.minuteMs - (STRIP_MINUTES - 2 - at) * MINUTE_MS;
    const errorRatio = strips.errors.get(service)?.get(t) ?? null;
    const p95Seconds = strips.p95.get(service)?.get(t) ?? null;
    if (errorRatio === null && p95Seconds === null) return 'no_data';
    return verdictOf({ errorRatio, p95Seconds, firstByteSeconds: strips.firstByte.get(service)?.get(t) ?? null }).state;
  });
  return [...past, present];
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
  strips: ServiceStrips,
  alerts: readonly Alert[],
  nowMs: number,
): Promise<ServicesAnswer> {
  const endMs = Math.floor(nowMs / 1_000) * 1_000;
  const instant = (signal: Signal): Promise<Values> => instantOf(querier, exprOf(signal), endMs);
  const [requests, errors, p95, firstByte, cpu, logs, uptime, past] = await Promise.all([
    instant('requests'),
    instant('error_ratio'),
    instant('latency_p95'),
    instant('first_byte'),
    instant('cpu'),
    instant('logs'),
    instant('uptime'),
    strips.at(endMs),
  ]);
  // Every service seen in the last 15 minutes has a row, because a service that has stopped sending must be visible.
  const seen = [requests, logs, uptime, past.errors, past.uptime, past.logs];
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
        strip: stripFor(service, ratio === null && seconds === null ? 'no_data' : own.state, past),
      };
    })
    .sort((a, b) => ORDER[a.state] - ORDER[b.state] || (a.service < b.service ? -1 : 1));
  return { time: new Date(nowMs).toISOString(), services };
}
