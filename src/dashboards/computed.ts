/**
 * How the numbers of tiles and tables are computed: for each the PromQL that gives the same number at the same time in any
 * Prometheus-compatible server. The page shows it behind one button, `/api/charts` evaluates it there, and a test compares
 * these queries with the figures that the page shows. Charts need none of this: their panels are the queries.
 */
import type { Unit } from './panel.ts';
import { BALANCER, meanOf, observationsOf, quantileOf, rateOf, REQUESTS, shareOf, WINDOW } from './queries.ts';
import { SIGNALS } from './services.ts';

export interface ComputedQuery {
  /** The number it gives, as the tile or the column names it. */
  readonly name: string;
  readonly unit: Unit;
  readonly expr: string;
}

/** An answer of the API that a card shows, when no PromQL gives it. */
export interface AskedFor {
  /** With its parameters, below the address of the page. */
  readonly path: string;
  /** What is counted, and from where: a sentence. */
  readonly counts: string;
}

export interface Computation {
  readonly title: string;
  /** At most eight. */
  readonly queries: readonly ComputedQuery[];
  readonly asked?: AskedFor;
  /** The number shown comes from the collections of the last minute, each second; the queries give it from the store. */
  readonly live?: boolean;
}

const PHASE = 'vitrine_balancer_phase_duration_seconds';
const UPSTREAM = 'vitrine_balancer_upstream_requests_total';
const LOOKUPS = 'vitrine_cache_lookups_total';
const HITS = 'vitrine_cache_result=~"hit|stale"';
const ANSWERABLE = 'vitrine_cache_result=~"hit|stale|miss"';
const OTHERS = 'job!~"vitrine-(balancer|monitor)"';
const ROUTE = 'http_request_method, http_route';

/** Failed requests a second: answered 5xx, or ended without an answer. */
const failuresOf = (metric: string, by: string, matchers: string): string => {
  const rate = (more: string): string => `rate(${metric}{${matchers}${matchers === '' ? '' : ','}${more}}[${WINDOW}])`;
  const of = `${rate('http_response_status_code=~"5.."')} or ${rate('http_response_status_code="",error_type!=""')}`;
  return `sum${by === '' ? '' : ` by (${by}) `}(${of})`;
};
const counted = (metric: string, matchers: string): string => `sum(increase(${metric}{${matchers}}[${WINDOW}]))`;

const requests = rateOf(`${REQUESTS}_count`, '', BALANCER);
const failed = failuresOf(`${REQUESTS}_count`, '', BALANCER);

/** The tiles of the overview. */
export const KPIS = {
  requests: {
    title: 'Requests',
    live: true,
    queries: [
      { name: 'at the balancer', unit: 'requests_per_second', expr: requests },
      {
        name: 'at the servers',
        unit: 'requests_per_second',
        expr: observationsOf(REQUESTS, { by: '', matchers: OTHERS }),
      },
      {
        name: 'sent to upstreams, shown when no server reports',
        unit: 'requests_per_second',
        expr: rateOf(UPSTREAM, ''),
      },
    ],
  },
  latency: {
    title: 'Latency p95',
    live: true,
    queries: [
      { name: 'p95, estimated from buckets', unit: 'seconds', expr: quantileOf(0.95, REQUESTS, '', BALANCER) },
      { name: 'average', unit: 'seconds', expr: meanOf(REQUESTS, '', BALANCER) },
      {
        name: 'mean to the first byte, which decides the state',
        unit: 'seconds',
        expr: `${rateOf(`${PHASE}_sum`, '', `${BALANCER},vitrine_phase!="transfer"`)} / ${requests}`,
      },
    ],
  },
  errors: {
    title: 'Errors',
    live: true,
    queries: [
      { name: 'of requests answered 5xx', unit: 'ratio', expr: shareOf(failed, requests) },
      { name: 'failed requests', unit: 'requests_per_second', expr: failed },
    ],
  },
  cache: {
    title: 'Cache hits',
    live: true,
    queries: [
      {
        name: 'hits of look-ups',
        unit: 'ratio',
        expr: shareOf(rateOf(LOOKUPS, '', HITS), rateOf(LOOKUPS, '', ANSWERABLE)),
      },
      { name: 'hits', unit: 'count', expr: counted(LOOKUPS, HITS) },
      { name: 'misses', unit: 'count', expr: counted(LOOKUPS, 'vitrine_cache_result="miss"') },
    ],
  },
  cpu: {
    title: 'CPU',
    live: true,
    queries: [
      { name: 'of all processes', unit: 'cores', expr: rateOf('process_cpu_time_seconds_total', '') },
      { name: 'memory', unit: 'bytes', expr: 'sum(process_memory_usage_bytes)' },
    ],
  },
  uptime: {
    title: 'Uptime',
    live: true,
    queries: [
      {
        name: 'time since the last start',
        unit: 'seconds',
        expr: 'min by (vitrine_component) (vitrine_component_uptime_seconds)',
      },
    ],
  },
} as const satisfies Readonly<Record<string, Computation>>;

export const LEDGER: Computation = {
  title: 'Where the time goes',
  live: true,
  queries: [
    {
      name: 'mean time in each phase',
      unit: 'seconds',
      expr:
        `${rateOf(`${PHASE}_sum`, `${ROUTE}, vitrine_phase`, BALANCER)} / on (${ROUTE}) group_left () ` +
        rateOf(`${REQUESTS}_count`, ROUTE, BALANCER),
    },
    {
      name: 'mean',
      unit: 'seconds',
      expr: `${rateOf(`${PHASE}_sum`, ROUTE, BALANCER)} / ${rateOf(`${REQUESTS}_count`, ROUTE, BALANCER)}`,
    },
    {
      name: 'share of all time',
      unit: 'ratio',
      expr: `${rateOf(`${PHASE}_sum`, ROUTE, BALANCER)} / on () group_left () ${rateOf(`${PHASE}_sum`, '', BALANCER)}`,
    },
    {
      name: 'errors',
      unit: 'ratio',
      expr: shareOf(failuresOf(`${REQUESTS}_count`, ROUTE, BALANCER), rateOf(`${REQUESTS}_count`, ROUTE, BALANCER)),
    },
    { name: 'requests', unit: 'requests_per_second', expr: rateOf(`${REQUESTS}_count`, ROUTE, BALANCER) },
  ],
};

export const UPSTREAMS: Computation = {
  title: 'Upstreams',
  live: true,
  queries: [
    {
      name: '1 while it takes traffic',
      unit: 'count',
      expr: 'max by (vitrine_upstream) (vitrine_balancer_upstream_up)',
    },
    { name: 'requests', unit: 'requests_per_second', expr: rateOf(UPSTREAM, 'vitrine_upstream') },
    {
      name: 'errors',
      unit: 'ratio',
      expr: shareOf(failuresOf(UPSTREAM, 'vitrine_upstream', ''), rateOf(UPSTREAM, 'vitrine_upstream')),
    },
    { name: 'waiting', unit: 'count', expr: 'sum(vitrine_balancer_queue_size)' },
    { name: 'entries of the cache', unit: 'count', expr: 'sum(vitrine_cache_entries)' },
    { name: 'size of the cache', unit: 'bytes', expr: 'sum(vitrine_cache_size_bytes)' },
  ],
};

/** The columns that the overview and the list of services share. */
const HEALTH: readonly ComputedQuery[] = (
  [
    ['requests', 'requests'],
    ['error_ratio', 'errors'],
    ['latency_p95', 'p95, estimated from buckets'],
    ['cpu', 'CPU'],
    ['logs', 'lines a minute'],
    ['uptime', 'uptime'],
  ] as const
).map(([signal, name]) => ({ name, unit: SIGNALS[signal].unit, expr: SIGNALS[signal].expr('', WINDOW) }));

/** What the sentence at the top of the overview is made of. */
export const VERDICT: Computation = {
  title: 'Verdict',
  queries: [
    {
      name: 'firing alerts',
      unit: 'count',
      expr: 'count by (severity) (ALERTS{alertstate="firing"})',
    },
    ...HEALTH.slice(1, 3),
    ...KPIS.latency.queries.slice(2),
    UPSTREAMS.queries[0],
  ],
};

export const SERVICE_HEALTH: Computation = { title: 'Service health', queries: HEALTH };

export const SERVICE_LIST: Computation = {
  title: 'Services',
  queries: [
    ...HEALTH,
    { name: 'p50 (0.5) and p99 (0.99)', unit: 'seconds', expr: SIGNALS.latency_p99.expr('', WINDOW) },
    { name: 'processes', unit: 'count', expr: 'count by (job) (count by (job, instance) (target_info))' },
  ],
};

/** The figures beside the sentence of the traffic page. */
export const TRAFFIC = {
  title: 'Traffic',
  queries: [
    { name: 'in flight', unit: 'count', expr: `sum(http_server_active_requests{${BALANCER}})` },
    { name: 'queue', unit: 'count', expr: 'sum(vitrine_balancer_queue_size)' },
    { name: 'retries', unit: 'per_second', expr: rateOf('vitrine_balancer_retries_total', '') },
    { name: 'refused', unit: 'per_second', expr: rateOf('vitrine_balancer_shed_total', '') },
  ],
} as const satisfies Computation;

/** Ejections with their reasons, shown beside the state of an upstream. */
export const EJECTIONS = 'sum by (vitrine_upstream, reason) (increase(vitrine_balancer_ejections_total[15m])) > 0';

export const BALANCER_UPSTREAMS: Computation = {
  title: 'Upstreams',
  live: true,
  queries: [
    ...UPSTREAMS.queries.slice(0, 3),
    {
      name: 'share',
      unit: 'ratio',
      expr: `${rateOf(UPSTREAM, 'vitrine_upstream')} / on () group_left () ${rateOf(UPSTREAM, '')}`,
    },
    { name: 'ejections, by reason', unit: 'count', expr: EJECTIONS },
  ],
  asked: {
    path: '/api/balancer',
    counts: "State, weight and requests in flight are the balancer's own at the moment of the question.",
  },
};

export const CACHE: Computation = {
  title: 'Cache',
  live: true,
  queries: [
    KPIS.cache.queries[0],
    { name: 'look-ups by result, since the start', unit: 'count', expr: `sum by (vitrine_cache_result) (${LOOKUPS})` },
    { name: 'entries', unit: 'count', expr: 'sum(vitrine_cache_entries)' },
    { name: 'held', unit: 'bytes', expr: 'sum(vitrine_cache_size_bytes)' },
    { name: 'mean look-up', unit: 'seconds', expr: meanOf('vitrine_cache_lookup_duration_seconds', '') },
  ],
  asked: {
    path: '/api/cache',
    counts:
      "The balancer's own counts since its start; those of keys may be too low by the error that is written beside them.",
  },
};

export const ROWS_COUNTED =
  'Rows of the request ledger: every request has its row, so counts and percentiles are exact.';
export const LINES_COUNTED = 'Lines kept in the store, each counted once: nothing is sampled.';
export const ISSUES_COUNTED = 'Exceptions of spans and lines, grouped by type and the place that threw them.';
export const EPISODES_COUNTED =
  'From the moment an alert fired to its resolution, as the ledger of decisions has them.';
export const FIGURES_COUNTED =
  'The left side of the comparison of each rule, evaluated now: the value of its first series. The PromQL is beside it.';
export const ALERT_LINES_COUNTED =
  'The left side of the comparison of each rule over the range of the page, for the series of the alert; dashed: the limits of the rule.';
export const CALLS_COUNTED =
  'Pairs of spans of caller and called: rate, share of errors, p95, and the time between the two.';

/** The numbers of a card that one answer of the API holds. */
export const askedFor = (title: string, path: string, counts: string): Computation => ({
  title,
  queries: [],
  asked: { path, counts },
});
