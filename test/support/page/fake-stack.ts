/**
 * A fake stack for viewing the page and for its tests: a balancer with two servers whose second release
 * made one route slow. Deterministic but for the clock: the same second always has the same figures.
 */
import type { Alert } from '../../../src/model/alert.ts';
import type { CareCall, CareReply } from '../../../src/model/care.ts';
import type { Frame, FrameHistogram, FrameMetric, FramePoint } from '../../../src/model/frame.ts';
import type { Health } from '../../../src/model/health.ts';
import type {
  Querier,
  QueryResult,
  QueryValue,
  MatrixSeries,
  SpanSource,
  LogSource,
} from '../../../src/model/ports.ts';
import { Labels } from '../../../src/model/labels.ts';
import type { Attributes, LogRecord, SpanRecord } from '../../../src/model/records.ts';
import { serviceOf } from '../../../src/model/records.ts';
import { seededRandom } from '../../../src/base/random.ts';
import { formatUptime } from '../../../src/base/units.ts';
import { DURATION_BOUNDS, METRICS } from '../../../src/telemetry/names.ts';

export const HOSTILE = '<img src=x onerror="alert(1)">';

const noise = (t: number, seed: number): number => {
  const random = seededRandom(Math.floor(t / 1_000) * 31 + seed);
  return random() + random() - 1;
};
/** 0 before the release, 1 after it; the release lies six minutes back. */
export const ramp = (t: number, releasedMs: number): number => Math.min(1, Math.max(0, (t - releasedMs) / 45_000));

export interface Signals {
  readonly rate: Readonly<Record<string, number>>;
  readonly p50: number;
  readonly p95: number;
  readonly p99: number;
  readonly hitRatio: number;
}

export function signalsAt(t: number, releasedMs: number): Signals {
  const r = ramp(t, releasedMs);
  const wave = Math.sin(t / 140_000) * 4 + Math.sin(t / 41_000) * 2.5;
  return {
    rate: {
      '2xx': 112 + wave + noise(t, 1) * 3,
      '3xx': 3.6 + noise(t, 2) * 0.6,
      '4xx': 2.3 + noise(t, 3) * 0.7,
      '5xx': 0.15 + r * 1.75 + noise(t, 4) * 0.1,
    },
    p50: 0.014 + r * 0.004 + noise(t, 5) * 0.001,
    p95: 0.088 + r * 0.18 + noise(t, 6) * (r > 0.5 ? 0.018 : 0.005) + wave * 0.0006,
    p99: 0.142 + r * 0.29 + noise(t, 7) * (r > 0.5 ? 0.03 : 0.009) + wave * 0.001,
    hitRatio: 0.75 - r * 0.27 + noise(t, 8) * 0.01,
  };
}

/** [method, route, requests/s, now ms by phase, usual ms by phase] */
const ROUTES: readonly (readonly [string, string, number, readonly number[], readonly number[]])[] = [
  ['POST', '/payments', 9.2, [24, 0, 41, 242, 12], [1, 0, 2, 66, 3]],
  ['GET', '/payments', 18, [12, 3, 18, 74, 31], [1, 3, 2, 41, 19]],
  ['POST', '/sessions', 6.8, [4, 0, 7, 88, 2], [1, 0, 2, 84, 2]],
  ['GET', '/payments/:id', 34, [6, 4, 9, 29, 4], [1, 3, 1, 8, 2]],
  ['GET', '/accounts/:id', 52, [1, 2, 1, 5, 2], [1, 2, 1, 5, 2]],
];
const PHASES = ['queue', 'cache', 'connect', 'upstream', 'transfer'];

const histogram = (count: number, meanSeconds: number): FrameHistogram => {
  // An exponential distribution around the mean, cut into the buckets.
  const edges = [0, ...DURATION_BOUNDS];
  const counts = DURATION_BOUNDS.map((bound, at) =>
    Math.round(count * (Math.exp(-edges[at] / meanSeconds) - Math.exp(-bound / meanSeconds))),
  );
  let placed = 0;
  for (const n of counts) placed += n;
  return {
    kind: 'histogram',
    bounds: DURATION_BOUNDS,
    counts: [...counts, Math.max(0, Math.round(count) - placed)],
    sum: count * meanSeconds,
    count: Math.round(count),
  };
};

const metric = (
  { name, unit, kind }: (typeof METRICS)[keyof typeof METRICS],
  points: readonly FramePoint[],
): FrameMetric => ({
  name,
  unit,
  description: '',
  kind: kind === 'histogram' ? 'histogram' : kind === 'gauge' ? 'gauge' : 'sum',
  monotonic: kind === 'counter',
  points,
});

const point = (attributes: Attributes, value: FramePoint['value']): FramePoint => ({
  attributes,
  startMs: 0,
  endMs: 0,
  value,
});

/** Frames of the balancer, one for each second asked for, cumulative since `startMs`. */
export class FakeBalancer {
  readonly #startMs: number;
  readonly #releasedMs: number;
  readonly #routes = ROUTES.map(() => ({ count: 0, sum: 0, phases: [0, 0, 0, 0, 0], errors: 0 }));
  #lookups = { hit: 0, miss: 0 };
  #sequence = 0;
  #cpu = 0;

  constructor(startMs: number, releasedMs: number) {
    this.#startMs = startMs;
    this.#releasedMs = releasedMs;
  }

  frame(timeMs: number, health?: Health): Frame {
    const r = ramp(timeMs, this.#releasedMs);
    const { hitRatio } = signalsAt(timeMs, this.#releasedMs);
    for (const [at, [, , rate, now, usual]] of ROUTES.entries()) {
      const sums = this.#routes[at];
      sums.count += rate;
      sums.errors += at === 0 ? rate * (0.01 + 0.19 * r) : 0;
      for (let phase = 0; phase < 5; phase += 1) {
        const seconds = (rate * (usual[phase] + r * (now[phase] - usual[phase]))) / 1_000;
        sums.phases[phase] += seconds;
        sums.sum += seconds;
      }
    }
    this.#lookups.hit += 5 * hitRatio;
    this.#lookups.miss += 5 * (1 - hitRatio);
    this.#cpu += 0.35 + 0.09 * r + noise(timeMs, 9) * 0.03;
    this.#sequence += 1;
    return {
      kind: 'frame',
      sequence: this.#sequence,
      timeMs,
      resource: { 'service.name': 'vitrine-balancer', 'service.instance.id': '127.0.0.1:8080' },
      metrics: this.#metrics((timeMs - this.#startMs) / 1_000),
      spans: [],
      logs: [],
      health,
      skippedFrames: 0,
      droppedSpans: 0,
      droppedLogs: 0,
    };
  }

  #metrics(uptime: number): FrameMetric[] {
    const requests = ROUTES.flatMap(([method, route], at) => {
      const { count, sum, errors } = this.#routes[at];
      const of = (status: number, part: number): FramePoint =>
        point(
          { 'http.request.method': method, 'http.route': route, 'http.response.status_code': status },
          histogram(part, sum / Math.max(1, count)),
        );
      return errors > 0 ? [of(200, count - errors), of(503, errors)] : [of(200, count)];
    });
    const phases = ROUTES.flatMap(([method, route], at) =>
      PHASES.map((phase, k) =>
        point(
          { 'http.request.method': method, 'http.route': route, 'vitrine.phase': phase },
          { ...histogram(1, 1), sum: this.#routes[at].phases[k], count: Math.round(this.#routes[at].count) },
        ),
      ),
    );
    const total = this.#routes.reduce((all, { count }) => all + count, 0) * 0.6;
    const up = (name: string, value: number): FramePoint => point({ 'vitrine.upstream': name }, value);
    return [
      metric(METRICS.httpServerDuration, requests),
      metric(METRICS.phaseDuration, phases),
      metric(METRICS.cacheLookups, [
        point({ 'vitrine.cache.result': 'hit' }, this.#lookups.hit),
        point({ 'vitrine.cache.result': 'miss' }, this.#lookups.miss),
      ]),
      metric(METRICS.cacheEntries, [point({}, 1_204)]),
      metric(METRICS.cacheSize, [point({}, 52_428_800)]),
      metric(METRICS.queueSize, [point({}, 3)]),
      metric(METRICS.upstreamUp, [up('127.0.0.1:8081', 1), up('127.0.0.1:8082', 1), up(HOSTILE, 0)]),
      metric(METRICS.upstreamRequests, [
        up('127.0.0.1:8081', total * 0.52),
        up('127.0.0.1:8082', total * 0.48),
        up(HOSTILE, 0),
      ]),
      metric(
        METRICS.componentUptime,
        ['balancer', 'server', 'cache', 'monitor'].map((name, at) =>
          point({ 'vitrine.component': name }, 187_200 + uptime - at * 7),
        ),
      ),
      {
        name: 'process.cpu.time',
        unit: 's',
        description: '',
        kind: 'sum',
        monotonic: true,
        points: [point({}, this.#cpu)],
      },
      {
        name: 'process.memory.usage',
        unit: 'By',
        description: '',
        kind: 'sum',
        monotonic: false,
        points: [point({}, 120 * 1_048_576)],
      },
    ];
  }
}

const vector = (rows: readonly (readonly [Record<string, string>, number])[], t: number): QueryValue => ({
  kind: 'vector',
  series: rows.map(([labels, v]) => ({ labels: Labels.from(labels), point: { t, v } })),
});

const SERVICES: readonly (readonly [string, number, number, number, number, number, number])[] = [
  // service, req/s, errors, p95 s, cpu, logs/m, uptime
  ['payments', 55.2, 0.034, 0.372, 0.62, 88, 8_100],
  ['bank-api', 9.6, 0.188, 0.35, 0, 0, 0],
  ['vitrine-balancer', 120, 0.016, 0.268, 0.38, 40, 187_200],
  ['accounts', 14.8, 0, 0.094, 0.31, 61, 187_140],
  ['ledger-db', 64.4, 0, 0.009, 0.27, 12, 187_100],
  [HOSTILE, 0.2, 0, 0.004, 0.01, 1, 60],
];

/** The buckets of the latency in requests a second, cumulative. */
function bucketRows(r: number): (readonly [Record<string, string>, number])[] {
  return [...DURATION_BOUNDS, Infinity].map((bound) => {
    const share = 1 - 0.9 * Math.exp(-bound / 0.03) - 0.1 * Math.exp(-bound / (0.06 + r * 0.2));
    return [{ le: bound === Infinity ? '+Inf' : String(bound) }, 118 * Math.min(1, share)];
  });
}

/** Series that exist for a part of the time: the two releases, and the alert that follows the second. */
function passing(expr: string, releasedMs: number): readonly (readonly [Record<string, string>, number, number])[] {
  if (expr.includes('target_info')) {
    return [
      [{ job: 'payments', service_version: 'v41' }, 0, releasedMs],
      [{ job: 'payments', service_version: 'v42' }, releasedMs, Infinity],
    ];
  }
  if (!expr.includes('ALERTS')) return [];
  return [
    [{ alertname: 'SlowResponses', severity: 'warning', job: 'vitrine-balancer' }, releasedMs + 60_000, Infinity],
  ];
}

/** The rows of an expression at a time; it recognises the shapes that panels and the API ask for. */
function rowsOf(expr: string, t: number, releasedMs: number): (readonly [Record<string, string>, number])[] {
  const { rate, p50, p95, p99 } = signalsAt(t, releasedMs);
  const r = ramp(t, releasedMs);
  if (expr.includes('vitrine_balancer_phase_duration') && !expr.includes('by (http')) {
    return [[expr.includes('by (job') ? { job: 'vitrine-balancer' } : {}, 0.07 + r * 0.16]];
  }
  if (expr.includes('by (le)') && !expr.includes('histogram_quantile')) return bucketRows(r);
  if (expr.includes('vitrine_cache_lookups')) return [[{}, signalsAt(t, releasedMs).hitRatio]];
  if (expr.includes('upstream_requests')) {
    return [
      [{ vitrine_upstream: '127.0.0.1:8081' }, 61 + noise(t, 11) * 3],
      [{ vitrine_upstream: '127.0.0.1:8082' }, 57 + noise(t, 12) * 3],
    ];
  }
  const usual = (value: number, calm: number): number => calm + (value - calm) * r;
  if (expr.includes('by (http_request_method, http_route')) {
    return [...ROUTES, ['GET', HOSTILE, 1, [1, 1, 1, 1, 1], [1, 1, 1, 1, 1]] as const].map(
      ([method, route, perSecond, now, before]) => {
        const seconds = (phases: readonly number[]): number => phases.reduce((sum, ms) => sum + ms, 0) / 1_000;
        const value = expr.includes('histogram_quantile')
          ? usual(seconds(now), seconds(before))
          : expr.includes('5..')
            ? usual(method === 'POST' ? 0.06 : 0, 0)
            : perSecond;
        return [{ http_request_method: method, http_route: route }, value];
      },
    );
  }
  if (expr.includes('server_address')) {
    const value = expr.includes('histogram_quantile') ? usual(0.35, 0.04) : expr.includes('error_type') ? r : 9.6;
    return ['bank-api.test', HOSTILE].map((host) => [{ server_address: host, server_port: '443' }, value]);
  }
  if (expr.includes('service_version')) {
    const builds = SERVICES.map(([job]) => ({ job, service_version: 'v42', telemetry_sdk_language: 'nodejs' }));
    return [...builds, { job: 'payments', service_version: HOSTILE }].map((labels) => [labels, 1]);
  }
  if (expr.includes('ejections')) return [[{ vitrine_upstream: HOSTILE, reason: 'consecutive_errors' }, 2]];
  if (expr.includes('by (job')) {
    const rows = SERVICES.map(([job, requests, errors, slow, cpu]): readonly [Record<string, string>, number] => {
      const value = expr.includes('histogram_quantile')
        ? usual(slow, Math.min(slow, 0.09))
        : expr.includes('process_cpu')
          ? cpu
          : expr.includes('process_uptime')
            ? 187_200
            : expr.includes('5..')
              ? usual(errors, 0)
              : requests;
      return [{ job }, value];
    });
    return expr.includes('process_') ? rows.filter(([{ job }]) => job !== 'bank-api') : rows;
  }
  if (expr.includes('vitrine_log_records')) return SERVICES.map(([service, , , , , logs]) => [{ service }, logs]);
  if (expr.includes('0.99')) return [[{}, p99]];
  if (expr.includes('0.95')) return [[{}, p95]];
  if (expr.includes('histogram_quantile(0.5')) return [[{}, p50]];
  if (expr.includes('/ sum(rate')) return [[{}, rate['5xx'] / 118]];
  const digit = /"(\d)\.\."/.exec(expr)?.[1];
  if (digit !== undefined) return [[{}, rate[`${digit}xx`]]];
  return [[{ __name__: 'up', job: HOSTILE, instance: 'a:1' }, 1]];
}

/** `gap` cuts a hole into range answers, as a restart of the monitor would. */
export function fakeQuerier(releasedMs: number, gap?: { readonly fromMs: number; readonly toMs: number }): Querier {
  const answer = (value: QueryValue): Promise<QueryResult> => Promise.resolve({ value, warnings: [], infos: [] });
  return {
    instant: (expr, atMs) => answer(vector(rowsOf(expr, atMs, releasedMs), atMs)),
    range(expr, startMs, endMs, stepMs) {
      const times: number[] = [];
      for (let t = startMs; t <= endMs; t += stepMs) {
        if (gap === undefined || t < gap.fromMs || t > gap.toMs) times.push(t);
      }
      if (/target_info|ALERTS|process_uptime|config_last_reload/.test(expr) && !expr.includes('by (job)')) {
        const some = passing(expr, releasedMs).map(([labels, fromMs, toMs]): MatrixSeries => {
          const t = times.filter((at) => at >= fromMs && at < toMs);
          return { labels: Labels.from(labels), t: Float64Array.from(t), v: Float64Array.from(t, () => 1) };
        });
        return answer({ kind: 'matrix', series: some });
      }
      const columns = times.map((t) => rowsOf(expr, t, releasedMs));
      const series = (columns[0] ?? []).map(([labels], row): MatrixSeries => ({
        labels: Labels.from(labels),
        t: Float64Array.from(times),
        v: Float64Array.from(columns, (rows) => rows[row][1]),
      }));
      return answer({ kind: 'matrix', series });
    },
    series: () => Promise.resolve([]),
    labelNames: () => Promise.resolve(['__name__', 'http_route', 'instance', 'job']),
    labelValues(name) {
      const values: Readonly<Record<string, readonly string[]>> = {
        __name__: ['http_server_request_duration_seconds_bucket', 'http_server_request_duration_seconds_count', 'up'],
        job: SERVICES.map(([service]) => service),
        http_route: ROUTES.map(([, route]) => route),
      };
      return Promise.resolve(values[name] ?? ['127.0.0.1:8080', HOSTILE]);
    },
    metadata: () =>
      Promise.resolve([
        {
          name: 'http_server_request_duration_seconds',
          type: 'histogram',
          unit: 'seconds',
          help: 'Duration of HTTP server requests.',
        },
        { name: 'up', type: 'gauge', unit: '', help: `1 when the last check was good. ${HOSTILE}` },
      ]),
    exemplars(_, startMs, endMs) {
      const found = [0.3, 0.41, 0.52, 0.72, 0.8, 0.93].map((part, at) => ({
        labels: Labels.from({ trace_id: (at + 1).toString(16).padStart(32, '0') }),
        value: 0.12 + ((at * 7) % 5) * 0.09,
        timestampMs: startMs + part * (endMs - startMs),
      }));
      return Promise.resolve([{ labels: Labels.from({}), exemplars: found }]);
    },
  };
}

interface Sketch {
  readonly service: string;
  readonly name: string;
  readonly from: number;
  readonly to: number;
  readonly parent: number;
  readonly error?: string;
  readonly attributes?: Attributes;
}

const SLOW: readonly Sketch[] = [
  {
    service: 'vitrine-balancer',
    name: 'POST /payments',
    from: 0,
    to: 912,
    parent: -1,
    attributes: {
      'vitrine.phase.queue': 31,
      'vitrine.phase.connect': 47,
      'vitrine.phase.upstream': 828,
      'vitrine.phase.transfer': 4,
      'vitrine.phase.cache': 2,
    },
  },
  { service: 'vitrine-balancer', name: 'wait in queue', from: 0, to: 31, parent: 0 },
  { service: 'vitrine-balancer', name: 'connect payments-3', from: 33, to: 80, parent: 0 },
  { service: 'payments', name: 'POST /payments', from: 80, to: 908, parent: 0 },
  { service: 'payments', name: 'verify session', from: 82, to: 96, parent: 3 },
  { service: 'cache', name: 'GET session:9f2c', from: 84, to: 85.4, parent: 4 },
  { service: 'payments', name: 'validate body', from: 97, to: 100, parent: 3 },
  { service: 'ledger-db', name: 'INSERT ledger_entry', from: 101, to: 130, parent: 3 },
  {
    service: 'bank-api',
    name: 'charge, attempt 1',
    from: 132,
    to: 482,
    parent: 3,
    error: 'No response within 350 ms. Tried again after 50 ms and succeeded.',
    attributes: {
      'http.request.method': 'POST',
      'url.path': '/v1/charges',
      'server.address': 'bank-api.test:443',
      'error.type': 'ETIMEDOUT',
      'http.resend_count': 0,
      note: HOSTILE,
    },
  },
  { service: 'bank-api', name: 'dns, tcp, tls', from: 132, to: 171, parent: 8 },
  { service: 'payments', name: 'back off', from: 482, to: 532, parent: 3 },
  { service: 'bank-api', name: 'charge, attempt 2', from: 532, to: 862, parent: 3 },
  { service: 'ledger-db', name: 'UPDATE ledger_entry', from: 863, to: 885, parent: 3 },
  { service: 'cache', name: 'DEL payments:list', from: 886, to: 889, parent: 3 },
  { service: 'payments', name: 'render 201', from: 889, to: 907, parent: 3 },
];

const hex = (n: number, width: number): string => n.toString(16).padStart(width, '0');

/** A span below one of another service serves, one above one of another service calls, and any other is inside. */
function kindOf(at: number): SpanRecord['kind'] {
  const { parent, service } = SLOW[at];
  if (parent < 0 || SLOW[parent].service !== service) return 'server';
  return SLOW.some((below) => below.parent === at && below.service !== service) ? 'client' : 'internal';
}

function attributesOf({ parent, error, attributes }: Sketch, scale: number, transaction: string): Attributes {
  // The slow requests are those of one tier, so that the comparison of traces has something to find.
  if (parent < 0) return { ...attributes, 'user.tier': scale > 0.25 ? 'gold' : 'free' };
  return error === undefined ? (attributes ?? {}) : { ...attributes, transaction_id: transaction };
}

function spansOf({ id: traceId, startMs, scale, error: withError }: FakeTrace, transaction: string): SpanRecord[] {
  const nano = (ms: number): bigint => BigInt(Math.round((startMs + ms * scale) * 1e6));
  return SLOW.map((sketch, at) => ({
    traceId,
    spanId: hex(at + 1, 16),
    parentSpanId: sketch.parent < 0 ? '' : hex(sketch.parent + 1, 16),
    name: sketch.name,
    kind: kindOf(at),
    startUnixNano: nano(sketch.from),
    endUnixNano: nano(sketch.to),
    status: withError && sketch.error !== undefined ? 'error' : 'unset',
    statusMessage: withError ? (sketch.error ?? '') : '',
    attributes: attributesOf(sketch, scale, transaction),
    events:
      sketch.name === 'charge, attempt 1'
        ? [
            { name: 'dial bank-api.test:443', timeUnixNano: nano(132), attributes: {} },
            { name: 'TLS ready, request sent', timeUnixNano: nano(171), attributes: {} },
            { name: 'timeout, connection closed', timeUnixNano: nano(482), attributes: {} },
          ]
        : [],
    links: [],
    resource: { attributes: { 'service.name': sketch.service, 'service.version': '42.0.0' } },
    scope: { name: 'fake', version: '' },
  }));
}

interface FakeTrace {
  readonly id: string;
  readonly startMs: number;
  readonly scale: number;
  readonly error: boolean;
}

export function fakeTraces(nowMs: number): readonly FakeTrace[] {
  const random = seededRandom(11);
  return Array.from({ length: 80 }, (_, at): FakeTrace => {
    const error = at % 9 === 0;
    return {
      id: hex(0x7c1e9f04 + at * 7_919, 8).repeat(4),
      startMs: nowMs - at * 11_000 - Math.floor(random() * 5_000),
      scale: at === 0 ? 1 : 0.02 + random() ** 3 * (at < 32 ? 0.6 : 0.2),
      error,
    };
  });
}

export function fakeSpans(nowMs: number): SpanSource {
  const traces = fakeTraces(nowMs);
  return {
    find: (query) =>
      traces
        .filter(({ startMs }) => startMs >= query.fromMs)
        .filter(({ error }) => query.onlyErrors !== true || error)
        .filter(({ scale }) => scale * 912 >= (query.minDurationMs ?? 0))
        .filter(() => query.service === undefined || SLOW.some(({ service }) => service === query.service))
        .slice(0, query.limit)
        .map(({ id, startMs, scale, error }) => ({
          traceId: id,
          root: { service: 'vitrine-balancer', name: 'POST /payments' },
          startUnixNano: BigInt(startMs) * 1_000_000n,
          durationMs: 912 * scale,
          spans: SLOW.length,
          errors: error ? 1 : 0,
          services: ['vitrine-balancer', 'payments', 'bank-api', 'ledger-db', 'cache'],
        })),
    trace(traceId) {
      const found = traces.find(({ id }) => id === traceId);
      return found === undefined ? [] : spansOf(found, found === traces[0] ? 'T-42' : `T-${found.startMs}`);
    },
  };
}

const LINES: readonly (readonly [number, number, string, number, string])[] = [
  [86, 9, 'payments', 5, 'session 9f2c ok for user u_3381'],
  [132, 9, 'payments', 9, 'charge 1250.00 ZAR, attempt 1, deadline 350 ms'],
  [482, 17, 'payments', 9, 'bank-api: ETIMEDOUT after 350 ms (sent 1.2 kB, received 0 B)'],
  [483, 13, 'payments', 9, 'charge will be tried again in 50 ms, idempotency key kept'],
  [862, 9, 'payments', 12, `charge ok on attempt 2, bank reference ${HOSTILE}`],
  [887, 9, 'ledger-db', 13, 'entry 55 102 settled, balance checked'],
  [912, 13, 'vitrine-balancer', 1, 'slow response 912 ms, limit 200 ms'],
];

export function fakeLogs(nowMs: number): LogSource {
  const traces = fakeTraces(nowMs);
  const linesOf = ({ id, startMs, scale }: FakeTrace): LogRecord[] =>
    LINES.map(([at, severityNumber, service, span, body]) => ({
      timeUnixNano: BigInt(Math.round((startMs + at * scale) * 1e6)),
      observedUnixNano: 0n,
      severityNumber,
      severityText: '',
      body,
      attributes: { transaction_id: id === traces[0].id ? 'T-42' : `T-${startMs}` },
      traceId: id,
      spanId: hex(span, 16),
      resource: { attributes: { 'service.name': service } },
      scope: { name: 'fake', version: '' },
    }));
  return {
    search: (query) =>
      traces
        .filter(({ id }) => query.traceId === undefined || id === query.traceId)
        .flatMap(linesOf)
        .filter(({ severityNumber }) => severityNumber >= (query.minSeverity ?? 0))
        .filter(({ resource }) => query.service === undefined || serviceOf(resource) === query.service)
        .filter(({ body }) => query.text === undefined || JSON.stringify(body).includes(query.text))
        .sort((a, b) => Number(b.timeUnixNano - a.timeUnixNano))
        .slice(0, query.limit),
  };
}

export function fakeAlerts(nowMs: number): readonly Alert[] {
  const alert = (
    alertname: string,
    severity: string,
    service: string,
    minutes: number,
    value: number,
    reason: string,
  ): Alert => ({
    labels: Labels.from({ alertname, severity, service }),
    annotations: { summary: reason },
    state: 'firing',
    activeAtMs: nowMs - minutes * 60_000 - 60_000,
    firedAtMs: nowMs - minutes * 60_000,
    value,
    reason,
  });
  return [
    alert('SlowResponses', 'critical', 'payments', 5, 0.268, 'p95 268 ms, limit 200 ms'),
    alert('CacheHitLow', 'warning', 'cache', 4, 0.48, 'hit ratio 48 %, limit 50 %'),
    {
      ...alert('TargetDown', 'critical', HOSTILE, 15, 0, 'TLS check, lasted 2 m 10 s'),
      resolvedAtMs: nowMs - 12 * 60_000,
    },
  ];
}

export function fakeHealth(status: Health['status'], uptimeSeconds: number): Health {
  const component = { status: 'healthy', uptime_seconds: uptimeSeconds } as const;
  return {
    status,
    uptime: formatUptime(uptimeSeconds),
    uptime_seconds: uptimeSeconds,
    memory_usage_mb: 120,
    cache_size_mb: 50,
    queue_size: 3,
    alerts_firing: 2,
    components: { balancer: component, cache: component, server: component, monitor: component },
  };
}

/** The runtime API of a balancer with one upstream out, and a cache. Changes are answered, not made. */
export function fakeCare({ method, path, body }: CareCall): Promise<CareReply> {
  const upstream = { weight: 1, backup: false, drained: false, available: true, inflight: 2, streams: 0 };
  const names = ['127.0.0.1:8081', '127.0.0.1:8082', HOSTILE];
  const undo = { method: 'POST', path: '/api/balancer/upstreams/127.0.0.1-8081/undrain', body: {} } as const;
  const change = {
    id: 1,
    atMs: 0,
    who: HOSTILE,
    action: 'drain',
    target: '127.0.0.1:8081',
    before: false,
    after: true,
    undo,
  };
  const keys = [1, 2, 3].map((at) => ({
    key: `http://shop.test/items/${at}${at === 3 ? HOSTILE : ''}`,
    count: 900 / at,
  }));
  const answers: Readonly<Record<string, unknown>> = {
    'GET /api/balancer': {
      routes: [
        {
          id: 'shop',
          name: 'shop',
          host: null,
          path: '/',
          maintenance: false,
          upstreams: names.map((name) => ({ ...upstream, id: name, name, available: name !== HOSTILE })),
        },
      ],
      changes: [change],
    },
    'GET /api/cache': {
      lookups: { hit: 300, miss: 100, stale: 4, bypass: 2, error: 0 },
      entries: 1_204,
      sizeBytes: 52_428_800,
      filling: 0,
      fillingBytes: 0,
      tooLarge: 1,
      hot: keys,
      missed: keys,
      countError: { hot: 0, missed: 3 },
    },
  };
  const found = answers[`${method} ${path}`] ?? { change: { ...change, target: JSON.stringify(body ?? path) } };
  return Promise.resolve({ status: 200, body: found });
}
