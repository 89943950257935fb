/**
 * The queries of the health matrix, each grouped by `job`: one row for each service, whichever program sent its telemetry.
 * The API runs them for `/api/services` and `/api/timeseries`; Grafana shows them as a table.
 */
import type { Dashboard, Panel, Unit } from './panel.ts';
import { meanOfEither, observationsOf, poolQueries, quantileOfEither, rateOf, REQUESTS, WINDOW } from './queries.ts';

export interface Signal {
  readonly unit: Unit;
  /** PromQL; `matchers` are label matchers without braces ('' for all), `window` a Prometheus duration. */
  readonly expr: (matchers: string, window: string) => string;
}

const joined = (...parts: readonly string[]): string => parts.filter((part) => part !== '').join(',');

const quantileBy = (q: number, histogram: string, matchers: string, window: string): string =>
  quantileOfEither(q, histogram, { by: 'job', matchers, window });

const quantile =
  (q: number) =>
  (matchers: string, window: string): string =>
    quantileBy(q, REQUESTS, matchers, window);

const authenticated =
  (operation: 'login' | 'refresh') =>
  (matchers: string, window: string): string => {
    const operations = joined(matchers, `vitrine_auth_operation="${operation}"`);
    return quantileBy(0.95, 'vitrine_server_auth_duration_seconds', operations, window);
  };

const errors = (matchers: string, window: string): string =>
  observationsOf(REQUESTS, { by: 'job', matchers: joined(matchers, 'http_response_status_code=~"5.."'), window });
const requests = (matchers: string, window: string): string =>
  observationsOf(REQUESTS, { by: 'job', matchers, window });

/** Changes `job` to `service`, because log series carry the service's name under that label. */
const byService = (matchers: string): string => matchers.replace(/\bjob(=~?|!=|!~)/g, 'service$1');

/**
 * Lines are counted, not estimated: the difference of two totals is exact, where `increase()` extrapolates to the edges. A
 * service that had no total within an hour before is new, and all its lines are of this window; `increase()` is left for
 * windows that begin while the monitor was away, and for totals that began again.
 */
const linesIn = (matchers: string, window: string): string => {
  const lines = `vitrine_log_records_total{${byService(matchers)}}`;
  // One series for each service, written with its totals: an hour of it is looked at. Each look sees five minutes.
  const seen = `vitrine_log_first_seen_timestamp_seconds{${byService(matchers)}}`;
  const total = `sum by (service) (${lines})`;
  return (
    `(${total} - sum by (service) (${lines} offset ${window})) >= 0` +
    ` or (${total} unless count by (service) (present_over_time(${seen}[1h:4m] offset ${window})))` +
    ` or sum by (service) (increase(${lines}[${window}]))`
  );
};

export const SIGNALS = {
  requests: { unit: 'requests_per_second', expr: requests },
  errors: { unit: 'requests_per_second', expr: errors },
  error_ratio: {
    unit: 'ratio',
    // A service without any error has no error series; zero times its requests is used instead.
    expr: (matchers, window) =>
      `(${errors(matchers, window)} or 0 * ${requests(matchers, window)}) / ${requests(matchers, window)}`,
  },
  latency_average: {
    unit: 'seconds',
    expr: (matchers, window) => meanOfEither(REQUESTS, { by: 'job', matchers, window }),
  },
  latency_p50: { unit: 'seconds', expr: quantile(0.5) },
  latency_p95: { unit: 'seconds', expr: quantile(0.95) },
  latency_p99: { unit: 'seconds', expr: quantile(0.99) },
  cpu: {
    unit: 'cores',
    expr: (matchers, window) => `sum by (job) (rate(process_cpu_time_seconds_total{${matchers}}[${window}]))`,
  },
  cache_hit_ratio: {
    unit: 'ratio',
    expr: (matchers, window) =>
      `sum by (job) (rate(vitrine_cache_lookups_total{${joined(matchers, 'vitrine_cache_result=~"hit|stale"')}}[${window}]))` +
      ` / sum by (job) (rate(vitrine_cache_lookups_total{${joined(matchers, 'vitrine_cache_result=~"hit|stale|miss"')}}[${window}]))`,
  },
  login_p95: { unit: 'seconds', expr: authenticated('login') },
  refresh_p95: { unit: 'seconds', expr: authenticated('refresh') },
  database_p95: {
    unit: 'seconds',
    expr: (matchers, window) => quantileBy(0.95, 'db_client_operation_duration_seconds', matchers, window),
  },
  database_pool_use: {
    unit: 'ratio',
    expr: (matchers) =>
      `sum by (job) (db_client_connection_count{${joined(matchers, 'db_client_connection_state="used"')}})` +
      ` / sum by (job) (db_client_connection_max{${matchers}})`,
  },
  database_pool_pending: {
    unit: 'count',
    expr: (matchers) => `sum by (job) (db_client_connection_pending_requests{${matchers}})`,
  },
  rate_limited: {
    unit: 'requests_per_second',
    expr: (matchers, window) => `sum by (job) (rate(vitrine_server_rate_limit_refusals_total{${matchers}}[${window}]))`,
  },
  logs: {
    unit: 'count',
    expr: linesIn,
  },
  log_error_ratio: {
    unit: 'ratio',
    expr: (matchers) => `max by (service) (vitrine_log_error_ratio_1m{${byService(matchers)}})`,
  },
  uptime: {
    unit: 'seconds',
    expr: (matchers) => `max by (job) (process_uptime_seconds{${matchers}})`,
  },
} as const satisfies Readonly<Record<string, Signal>>;

export type SignalName = keyof typeof SIGNALS;

const signalPanels: readonly Panel[] = (
  [
    ['requests', 'Requests', 'by service'],
    ['error_ratio', 'Errors', 'of requests answered 5xx'],
    ['latency_p95', 'Latency p95', 'estimated from buckets'],
    ['cpu', 'CPU', 'by service'],
  ] as const
).map(([signal, title, subtitle]) => ({
  id: `services-${signal}`,
  title,
  subtitle,
  unit: SIGNALS[signal].unit,
  kind: 'timeseries',
  ...(signal === 'error_ratio' ? { axis: 'fit' as const } : {}),
  queries: [{ expr: SIGNALS[signal].expr('', WINDOW), legend: '{{job}}' }],
  width: 6,
}));

/** Runtime metrics of a service, from any language that uses the names of the semantic conventions. */
const insidePanels: readonly Panel[] = [
  {
    id: 'services-routes',
    title: 'Latency p95 by route',
    subtitle: 'estimated from buckets',
    unit: 'seconds',
    kind: 'timeseries',
    queries: [
      {
        expr: quantileOfEither(0.95, REQUESTS, { by: 'job, http_request_method, http_route' }),
        legend: '{{job}} {{http_request_method}} {{http_route}}',
      },
    ],
    width: 6,
  },
  {
    id: 'services-database',
    title: 'Database p95',
    subtitle: 'by operation',
    unit: 'seconds',
    kind: 'timeseries',
    queries: [
      {
        expr: quantileOfEither(0.95, 'db_client_operation_duration_seconds', { by: 'job, db_operation_name' }),
        legend: '{{job}} {{db_operation_name}}',
      },
    ],
    width: 6,
  },
  {
    id: 'services-sign-in',
    title: 'Authentication p95',
    subtitle: 'login, refresh and check of a token',
    unit: 'seconds',
    kind: 'timeseries',
    queries: [
      {
        expr: quantileOfEither(0.95, 'vitrine_server_auth_duration_seconds', { by: 'job, vitrine_auth_operation' }),
        legend: '{{job}} {{vitrine_auth_operation}}',
      },
    ],
    width: 6,
  },
  {
    id: 'services-database-pool',
    title: 'Database connections',
    subtitle: 'of each pool: used, allowed, waited for',
    unit: 'count',
    kind: 'timeseries',
    queries: poolQueries('job, ', '', '{{job}} '),
    width: 6,
  },
  {
    id: 'services-rate-limited',
    title: 'Rate-limited',
    subtitle: 'answered 429 by the service itself',
    unit: 'requests_per_second',
    kind: 'timeseries',
    queries: [
      { expr: rateOf('vitrine_server_rate_limit_refusals_total', 'job, http_route'), legend: '{{job}} {{http_route}}' },
    ],
    width: 6,
  },
  {
    id: 'services-event-loop',
    title: 'Event loop',
    subtitle: 'busy, Node.js processes',
    unit: 'ratio',
    kind: 'timeseries',
    // Computed from the counters: the utilization gauge covers only the time since the last reader read it.
    queries: [
      {
        expr: rateOf('nodejs_eventloop_time_seconds_total', 'job, instance', 'nodejs_eventloop_state="active"'),
        legend: '{{job}} {{instance}}',
      },
    ],
    width: 6,
  },
  {
    id: 'services-heap',
    title: 'Heap in use',
    subtitle: 'Node.js processes',
    unit: 'bytes',
    kind: 'timeseries',
    queries: [{ expr: 'sum by (job, instance) (v8js_memory_heap_used_bytes)', legend: '{{job}} {{instance}}' }],
    width: 6,
  },
];

export const services: Dashboard = {
  id: 'vitrine-services',
  title: 'Vitrine services',
  description: 'Requests, errors, latency and runtime of every service that sends telemetry.',
  panels: [...signalPanels, ...insidePanels],
};
