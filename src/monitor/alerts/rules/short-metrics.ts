/**
 * The figures of the short form, each as one PromQL expression over a range. Without traffic an expression has no value, so no
 * alert fires.
 */
import { prometheusMetricName } from '../../../model/naming.ts';
import type { MetricName } from '../../../telemetry/names.ts';
import { METRICS } from '../../../telemetry/names.ts';

export type Unit = 'seconds' | 'ratio' | 'bytes' | 'number';

export interface ShortMetric {
  readonly unit: Unit;
  readonly title: string;
  readonly expr: (over: string) => string;
}

const nameOf = ({ name, unit, kind }: MetricName): string => prometheusMetricName(name, unit, kind);
const DURATION = nameOf(METRICS.httpServerDuration);
const LOOKUPS = nameOf(METRICS.cacheLookups);
const BALANCER = 'job="vitrine-balancer"';
const BY = 'sum by (job, instance)';

const quantile = (q: number, title: string): ShortMetric => ({
  unit: 'seconds',
  title,
  expr: (over) =>
    `histogram_quantile(${q}, sum by (job, instance, le) (rate(${DURATION}_bucket{${BALANCER}}[${over}])))`,
});

export const SHORT_METRICS: Readonly<Record<string, ShortMetric>> = {
  response_time_avg: {
    unit: 'seconds',
    title: 'average response time',
    expr: (over) =>
      `${BY} (rate(${DURATION}_sum{${BALANCER}}[${over}])) / ${BY} (rate(${DURATION}_count{${BALANCER}}[${over}]))`,
  },
  response_time_p50: quantile(0.5, 'median response time'),
  response_time_p95: quantile(0.95, '95th percentile of the response time'),
  response_time_p99: quantile(0.99, '99th percentile of the response time'),
  error_rate: {
    unit: 'ratio',
    title: 'share of failed requests',
    expr: (over) =>
      `${BY} (rate(${DURATION}_count{${BALANCER},http_response_status_code=~"5.."}[${over}])) / ${BY} (rate(${DURATION}_count{${BALANCER}}[${over}]))`,
  },
  request_rate: {
    unit: 'number',
    title: 'number of requests a second',
    expr: (over) => `${BY} (rate(${DURATION}_count{${BALANCER}}[${over}]))`,
  },
  cache_hit_ratio: {
    unit: 'ratio',
    title: 'cache hit ratio',
    // A cache without any hit has no series of hits; `or 0 *` keeps its hit ratio of 0 in the result.
    expr: (over) =>
      `(sum by (vitrine_cache_name) (rate(${LOOKUPS}{vitrine_cache_result=~"hit|stale"}[${over}])) or 0 * sum by (vitrine_cache_name) (rate(${LOOKUPS}[${over}]))) / sum by (vitrine_cache_name) (rate(${LOOKUPS}{vitrine_cache_result=~"hit|miss|stale"}[${over}]))`,
  },
  cache_size: {
    unit: 'bytes',
    title: 'size of the cache',
    expr: (over) => `max_over_time(${nameOf(METRICS.cacheSize)}[${over}])`,
  },
  queue_size: {
    unit: 'number',
    title: 'number of requests waiting for an upstream',
    expr: (over) => `max_over_time(${nameOf(METRICS.queueSize)}[${over}])`,
  },
  upstreams_up: {
    unit: 'number',
    title: 'number of upstreams that take traffic',
    expr: (over) => `sum(min_over_time(${nameOf(METRICS.upstreamUp)}[${over}]))`,
  },
  log_error_ratio: { unit: 'ratio', title: 'share of error lines', expr: () => nameOf(METRICS.logErrorRatio) },
  log_rate: { unit: 'number', title: 'number of log lines a minute', expr: () => nameOf(METRICS.logRate) },
  service_silence: {
    unit: 'seconds',
    title: 'time since the last log line',
    expr: () => `time() - ${nameOf(METRICS.logLastSeen)}`,
  },
};
