/** The first page, from the balancer's metrics: whether anything is wrong, where, and since when. */
import type { Dashboard, Panel } from './panel.ts';
import { BALANCER, REQUESTS } from './queries.ts';

const quantile = (q: number): string =>
  `histogram_quantile(${q}, sum by (le) (rate(${REQUESTS}_bucket{${BALANCER}}[1m])))`;

const ofClass = (digit: number): string =>
  `sum(rate(${REQUESTS}_count{${BALANCER},http_response_status_code=~"${digit}.."}[1m]))`;

export const trafficPanel: Panel = {
  id: 'traffic',
  title: 'Traffic by status',
  subtitle: '',
  unit: 'requests_per_second',
  kind: 'stacked',
  // Errors are drawn on the zero line, so that they can be compared.
  queries: [
    { expr: ofClass(5), legend: '5xx', colour: 'http-5xx' },
    { expr: ofClass(4), legend: '4xx', colour: 'http-4xx' },
    { expr: ofClass(3), legend: '3xx', colour: 'http-3xx' },
    { expr: ofClass(2), legend: '2xx', colour: 'http-2xx' },
  ],
  width: 6,
};

export const latencyPanel: Panel = {
  id: 'latency',
  title: 'Latency',
  subtitle: 'all routes, estimated from buckets',
  unit: 'seconds',
  kind: 'timeseries',
  queries: [
    { expr: quantile(0.99), legend: 'p99', colour: 'p99' },
    { expr: quantile(0.95), legend: 'p95', colour: 'p95', main: true },
    { expr: quantile(0.5), legend: 'p50', colour: 'p50' },
    // The rule below watches this figure: transfer is left out, because large bodies and streams take as long as they take.
    {
      expr:
        `sum(rate(vitrine_balancer_phase_duration_seconds_sum{${BALANCER},vitrine_phase!="transfer"}[1m]))` +
        ` / sum(rate(${REQUESTS}_count{${BALANCER}}[1m]))`,
      legend: 'mean to first byte',
      colour: 's6',
    },
  ],
  threshold: { rule: 'SlowResponses', above: 0.2 },
  width: 6,
};

export const errorsPanel: Panel = {
  id: 'errors',
  title: 'Errors',
  subtitle: 'of requests answered 5xx',
  unit: 'ratio',
  axis: 'fit',
  kind: 'timeseries',
  queries: [
    {
      expr:
        `(sum(rate(${REQUESTS}_count{${BALANCER},http_response_status_code=~"5.."}[1m])) or vector(0))` +
        ` / sum(rate(${REQUESTS}_count{${BALANCER}}[1m]))`,
      legend: 'errors',
      colour: 'http-5xx',
      main: true,
    },
  ],
  width: 6,
};

const perPhase = (window: string): string =>
  `sum by (http_request_method, http_route, vitrine_phase) (rate(vitrine_balancer_phase_duration_seconds_sum[${window}]))` +
  ` / on (http_request_method, http_route) group_left ()` +
  ` sum by (http_request_method, http_route) (rate(${REQUESTS}_count{${BALANCER}}[${window}]))`;

export const ledgerPanel: Panel = {
  id: 'ledger',
  title: 'Where the time goes',
  subtitle: 'mean per request',
  unit: 'seconds',
  kind: 'ledger',
  queries: [{ expr: perPhase('5m'), legend: '{{http_request_method}} {{http_route}} {{vitrine_phase}}' }],
  width: 12,
};

export const cachePanel: Panel = {
  id: 'cache-hits',
  title: 'Cache hits',
  subtitle: 'of look-ups',
  unit: 'ratio',
  kind: 'timeseries',
  queries: [
    {
      expr:
        'sum(rate(vitrine_cache_lookups_total{vitrine_cache_result=~"hit|stale"}[1m]))' +
        ' / sum(rate(vitrine_cache_lookups_total{vitrine_cache_result=~"hit|stale|miss"}[1m]))',
      legend: 'hit ratio',
      colour: 'p95',
      main: true,
    },
  ],
  width: 6,
};

export const upstreamsPanel: Panel = {
  id: 'upstreams',
  title: 'Upstreams',
  subtitle: 'to each',
  unit: 'requests_per_second',
  kind: 'timeseries',
  queries: [
    {
      expr: 'sum by (vitrine_upstream) (rate(vitrine_balancer_upstream_requests_total[1m]))',
      legend: '{{vitrine_upstream}}',
    },
  ],
  width: 6,
};

export const overview: Dashboard = {
  id: 'vitrine-overview',
  title: 'Vitrine overview',
  description: 'Traffic, latency, errors, cache and upstreams as the balancer sees them.',
  panels: [trafficPanel, latencyPanel, ledgerPanel, errorsPanel, cachePanel, upstreamsPanel],
};
