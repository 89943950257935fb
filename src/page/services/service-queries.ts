/** The PromQL of the pages of services. Pure text; every name from outside is quoted. */
import { CALLS_COUNTED, type Computation, type ComputedQuery } from '../../dashboards/computed.ts';
import type { Panel, Unit } from '../../dashboards/panel.ts';
import {
  observationsOf,
  poolQueries,
  quantileOf,
  quantileOfEither,
  rateOf,
  REQUESTS,
  shareOf,
  WINDOW,
} from '../../dashboards/queries.ts';
import { type InstantRow, quoted } from '../state/instant.ts';

/** What the list shows besides the answer of `/api/services`. */
export const LIST_QUERIES = {
  p50: quantileOfEither(0.5, REQUESTS, { by: 'job' }),
  p99: quantileOfEither(0.99, REQUESTS, { by: 'job' }),
  instances: 'count by (job) (count by (job, instance) (target_info))',
  versions: 'group by (job, service_version, telemetry_sdk_language) (target_info)',
} as const;

const BY_ROUTE = 'http_request_method, http_route';
const BY_PEER = 'server_address, server_port';
const BY_OPERATION = 'db_system_name, db_operation_name';
const CALLS = 'http_client_request_duration_seconds';
const OPERATIONS = 'db_client_operation_duration_seconds';

/** The metrics that tell which of `workPanels` a service has. */
const WORK_METRICS = {
  auth: 'vitrine_server_auth_duration_seconds_count',
  pool: 'db_client_connection_count',
  limited: 'vitrine_server_rate_limit_refusals_total',
} as const;

/** `before` shifts every query into the past, for the change. */
export function serviceQueries(service: string, before: string): Record<string, string> {
  const job = `job=${quoted(service)}`;
  const bad = `${job}, http_response_status_code=~"5.."`;
  const requests = (by: string, matchers = job): string => observationsOf(REQUESTS, { by, matchers });
  const quantile = (q: number, by: string, ago = ''): string =>
    quantileOfEither(q, REQUESTS, { by, matchers: job, before: ago });
  return {
    rate: requests('job'),
    errors: `${requests('job', bad)} / ${requests('job')}`,
    p95: quantile(0.95, ''),
    p95Before: quantile(0.95, '', before),
    loop: `max(nodejs_eventloop_delay_p99_seconds{${job}})`,
    busy: `max(rate(nodejs_eventloop_time_seconds_total{${job}, nodejs_eventloop_state="active"}[${WINDOW}]))`,
    cpu: `sum(rate(process_cpu_time_seconds_total{${job}}[${WINDOW}]))`,
    memory: `sum(process_memory_usage_bytes{${job}})`,
    uptime: `min(process_uptime_seconds{${job}})`,
    versions: `group by (service_version, instance, telemetry_sdk_language, process_runtime_version) (target_info{${job}})`,
    routeRate: requests(BY_ROUTE),
    routeErrors: `${requests(BY_ROUTE, bad)} / ${requests(BY_ROUTE)}`,
    routeP50: quantile(0.5, BY_ROUTE),
    routeP95: quantile(0.95, BY_ROUTE),
    routeP99: quantile(0.99, BY_ROUTE),
    routeBefore: quantile(0.95, BY_ROUTE, before),
    callRate: observationsOf(CALLS, { by: BY_PEER, matchers: job }),
    callErrors: observationsOf(CALLS, { by: BY_PEER, matchers: `${job}, error_type!=""` }),
    callP95: quantileOfEither(0.95, CALLS, { by: BY_PEER, matchers: job }),
    dbRate: observationsOf(OPERATIONS, { by: BY_OPERATION, matchers: job }),
    dbP95: quantileOfEither(0.95, OPERATIONS, { by: BY_OPERATION, matchers: job }),
    work: `group by (__name__) ({__name__=~"${Object.values(WORK_METRICS).join('|')}", ${job}})`,
  };
}

/** The lines in the tiles of a service, by the tile. */
export const sparkQueries = (service: string): Readonly<Record<SparkName, string>> => {
  const { rate = '', errors = '', p95 = '', busy = '', cpu = '' } = serviceQueries(service, '1m');
  return { rate, errors, p95, busy, cpu };
};

export type SparkName = 'rate' | 'errors' | 'p95' | 'busy' | 'cpu';

const computedBy =
  (queries: Readonly<Record<string, string>>) =>
  (title: string, ...parts: readonly (readonly [query: string, name: string, unit: Unit])[]): Computation => ({
    title,
    queries: parts.map(([query, name, unit]): ComputedQuery => ({ name, unit, expr: queries[query] })),
  });

export type ServiceTile = 'requests' | 'errors' | 'latency' | 'loop' | 'cpu' | 'version';

/** How the tiles of a service are computed. */
export function serviceTiles(service: string, before: string): Readonly<Record<ServiceTile, Computation>> {
  const of = computedBy(serviceQueries(service, before));
  return {
    requests: of('Requests', ['rate', 'requests', 'requests_per_second']),
    errors: of('Errors', ['errors', 'of requests answered 5xx', 'ratio']),
    latency: of(
      'Latency p95',
      ['p95', 'p95, estimated from buckets', 'seconds'],
      ['p95Before', `p95 ${before} before`, 'seconds'],
    ),
    loop: of('Event loop', ['busy', 'busiest process', 'ratio'], ['loop', 'delay p99', 'seconds']),
    cpu: of('CPU', ['cpu', 'of all its processes', 'cores'], ['memory', 'memory', 'bytes']),
    version: of('Version', ['versions', '1 for each process and version', 'count'], ['uptime', 'uptime', 'seconds']),
  };
}

/** How the table of the routes of a service is computed. */
export const routesComputed = (service: string, before: string): Computation =>
  computedBy(serviceQueries(service, before))(
    'Routes',
    ['routeRate', 'req/s', 'requests_per_second'],
    ['routeErrors', 'errors', 'ratio'],
    ['routeP50', 'p50, estimated from buckets', 'seconds'],
    ['routeP95', 'p95', 'seconds'],
    ['routeP99', 'p99', 'seconds'],
    ['routeBefore', `p95 ${before} before, from which the change follows`, 'seconds'],
  );

/** How the table of the calls of a service is computed: pairs of spans, and the metrics of the service's own client. */
export const callsComputed = (service: string, before: string, mapPath: string): Computation => ({
  ...computedBy(serviceQueries(service, before))(
    'Calls',
    ['callRate', 'calls by address', 'per_second'],
    ['callErrors', 'failed calls', 'per_second'],
    ['callP95', 'p95, estimated from buckets', 'seconds'],
    ['dbRate', 'operations of databases', 'per_second'],
    ['dbP95', 'p95 of those', 'seconds'],
  ),
  asked: { path: mapPath, counts: CALLS_COUNTED },
});

type PanelParts = Pick<Panel, 'title' | 'subtitle' | 'unit' | 'queries'> & Partial<Panel>;

const panel = (id: string, parts: PanelParts): Panel => ({ id, kind: 'timeseries', width: 4, ...parts });

/** Rate, errors and duration of one service. */
export function redPanels(service: string): readonly Panel[] {
  const job = `job=${quoted(service)}`;
  const requests = (matchers: string): string => observationsOf(REQUESTS, { by: '', matchers });
  const quantile = (q: number): string => quantileOfEither(q, REQUESTS, { by: '', matchers: job });
  const statusOf = (digit: number): string => requests(`${job}, http_response_status_code=~"${digit}.."`);
  return [
    panel('service-rate', {
      title: 'Rate',
      subtitle: 'by status',
      unit: 'requests_per_second',
      kind: 'stacked',
      queries: [5, 4, 3, 2].map((digit) => ({
        expr: statusOf(digit),
        legend: `${digit}xx`,
        colour: `http-${digit}xx`,
      })),
    }),
    panel('service-errors', {
      title: 'Errors',
      subtitle: 'of requests answered 5xx',
      unit: 'ratio',
      axis: 'fit',
      queries: [{ expr: shareOf(statusOf(5), requests(job)), legend: 'errors', colour: 'http-5xx', main: true }],
    }),
    panel('service-duration', {
      title: 'Duration',
      subtitle: 'estimated from buckets',
      unit: 'seconds',
      queries: [
        { expr: quantile(0.5), legend: 'p50', colour: 'p50' },
        { expr: quantile(0.95), legend: 'p95', colour: 'p95', main: true },
        { expr: quantile(0.99), legend: 'p99', colour: 'p99' },
      ],
    }),
  ];
}

/** What runs inside the processes of one service. */
export function insidePanels(service: string): readonly Panel[] {
  const job = `job=${quoted(service)}`;
  const rows = [
    [
      'service-loop',
      'Event loop',
      'busy, by process',
      'ratio',
      '{{instance}}',
      rateOf('nodejs_eventloop_time_seconds_total', 'instance', `${job}, nodejs_eventloop_state="active"`),
    ],
    [
      'service-gc',
      'Garbage collection',
      'of time, by kind',
      'ratio',
      '{{v8js_gc_type}}',
      rateOf('v8js_gc_duration_seconds_sum', 'v8js_gc_type', job),
    ],
    [
      'service-cpu',
      'CPU',
      'by process',
      'cores',
      '{{instance}}',
      rateOf('process_cpu_time_seconds_total', 'instance', job),
    ],
    [
      'service-heap',
      'Heap in use',
      'by process',
      'bytes',
      '{{instance}}',
      `sum by (instance) (v8js_memory_heap_used_bytes{${job}})`,
    ],
  ] as const;
  return rows.map(([id, title, subtitle, unit, legend, expr]) =>
    panel(id, { title, subtitle, unit, queries: [{ expr, legend }] }),
  );
}

/**
 * Authentication, database connections and refusals of one service. Many services have none of them: only the panels whose
 * metric is among `present`, the rows of the query `work`, are returned.
 */
export function workPanels(service: string, present: readonly InstantRow[]): readonly Panel[] {
  const names = new Set(present.map(({ labels }) => labels.__name__));
  const job = `job=${quoted(service)}`;
  const timed = quantileOf(0.95, 'vitrine_server_auth_duration_seconds', 'vitrine_auth_operation', job);
  const refused = rateOf('vitrine_server_rate_limit_refusals_total', 'http_route', job);
  const panels: Readonly<Record<keyof typeof WORK_METRICS, Panel>> = {
    auth: panel('service-sign-in', {
      title: 'Authentication p95',
      subtitle: 'login, refresh and check of a token',
      unit: 'seconds',
      queries: [{ expr: timed, legend: '{{vitrine_auth_operation}}' }],
    }),
    pool: panel('service-pool', {
      title: 'Database connections',
      subtitle: 'of each pool: used, allowed, waited for',
      unit: 'count',
      queries: poolQueries('', job, ''),
    }),
    limited: panel('service-limited', {
      title: 'Rate-limited',
      subtitle: 'answered 429 by the service itself',
      unit: 'requests_per_second',
      queries: [{ expr: refused, legend: '{{http_route}}' }],
    }),
  };
  return (['auth', 'pool', 'limited'] as const).filter((key) => names.has(WORK_METRICS[key])).map((key) => panels[key]);
}

/** A metric of the service's own that somebody pinned to its page. Counters show as rates. */
export function pinnedPanel(service: string, metric: string): Panel {
  const matchers = `{job=${quoted(service)}}`;
  const counts = /_(total|count|sum)$/.test(metric);
  const base = metric.endsWith('_bucket')
    ? `histogram_quantile(0.95, sum by (le) (rate(${metric}${matchers}[${WINDOW}])))`
    : counts
      ? `sum(rate(${metric}${matchers}[${WINDOW}]))`
      : `sum by (instance) (${metric}${matchers})`;
  const unit =
    metric.includes('_seconds') && !counts
      ? 'seconds'
      : metric.includes('_bytes')
        ? 'bytes'
        : counts
          ? 'per_second'
          : 'count';
  return panel(`pin-${metric}`, {
    title: metric,
    subtitle: counts ? 'per second' : metric.endsWith('_bucket') ? 'p95' : 'by process',
    unit,
    queries: [{ expr: base, legend: counts || metric.endsWith('_bucket') ? metric : '{{instance}}', main: true }],
  });
}

/** A metric name as Prometheus has them; anything else cannot be pinned. */
export const isMetricName = (text: string): boolean => /^[a-zA-Z_:][\w:]{0,199}$/.test(text);
