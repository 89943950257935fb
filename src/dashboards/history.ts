/**
 * The machine and the stack over months: one point for each day (UTC). Old days are roll-ups that keep first, last, smallest
 * and largest samples, so every query here uses what they can answer exactly: increases of counters, largest and last values.
 * Means of gauges are not asked for, because roll-ups cannot answer them (docs/adr/0023-honest-roll-ups.md).
 */
import type { Dashboard, Panel } from './panel.ts';
import { BALANCER, REQUESTS } from './queries.ts';

const DAY_MS = 86_400_000;

const daily = (panel: Omit<Panel, 'width' | 'everyMs'>): Panel => ({
  ...panel,
  queries: panel.queries.map((query) => ({ ...query, exact: true })),
  everyMs: DAY_MS,
  width: 6,
});

const ofDay = (metric: string, by: string, matchers = ''): string =>
  `sum by (${by}) (increase(${metric}{${matchers}}[1d]))`;

export const history: Dashboard = {
  id: 'vitrine-history',
  title: 'Vitrine history',
  description: 'The machine and the stack over months, one point for each day.',
  range: { from: 'now-90d', to: 'now' },
  panels: [
    daily({
      id: 'history-requests',
      title: 'Requests',
      subtitle: 'each day',
      unit: 'count',
      kind: 'stacked',
      queries: [
        {
          expr: `sum(increase(${REQUESTS}_count{${BALANCER},http_response_status_code=~"5.."}[1d]))`,
          legend: '5xx',
          colour: 'http-5xx',
        },
        {
          expr: `sum(increase(${REQUESTS}_count{${BALANCER},http_response_status_code!~"5.."}[1d]))`,
          legend: 'others',
          colour: 'http-2xx',
        },
      ],
    }),
    daily({
      id: 'history-latency',
      title: 'Latency',
      subtitle: 'of all requests of a day, estimated from buckets',
      unit: 'seconds',
      kind: 'timeseries',
      queries: [0.95, 0.5].map((q) => ({
        expr: `histogram_quantile(${q}, sum by (le) (increase(${REQUESTS}_bucket{${BALANCER}}[1d])))`,
        legend: `p${q * 100}`,
        colour: `p${q * 100}`,
        main: q === 0.95,
      })),
    }),
    daily({
      id: 'history-errors',
      title: 'Errors',
      subtitle: 'of the requests of a day',
      unit: 'ratio',
      axis: 'fit',
      kind: 'timeseries',
      queries: [
        {
          expr:
            `(sum(increase(${REQUESTS}_count{${BALANCER},http_response_status_code=~"5.."}[1d])) or vector(0))` +
            ` / sum(increase(${REQUESTS}_count{${BALANCER}}[1d]))`,
          legend: 'errors',
          colour: 'http-5xx',
          main: true,
        },
      ],
    }),
    daily({
      id: 'history-cache',
      title: 'Cache hits',
      subtitle: 'of the look-ups of a day',
      unit: 'ratio',
      kind: 'timeseries',
      queries: [
        {
          expr:
            'sum(increase(vitrine_cache_lookups_total{vitrine_cache_result=~"hit|stale"}[1d]))' +
            ' / sum(increase(vitrine_cache_lookups_total{vitrine_cache_result=~"hit|miss|stale"}[1d]))',
          legend: 'hit ratio',
          colour: 'p95',
          main: true,
        },
      ],
    }),
    daily({
      id: 'history-cpu',
      title: 'Processors',
      subtitle: 'of their time in a day, without idle',
      unit: 'ratio',
      kind: 'timeseries',
      queries: [
        {
          expr:
            ofDay('system_cpu_time_seconds_total', 'instance', 'cpu_mode!="idle"') +
            ` / ${ofDay('system_cpu_time_seconds_total', 'instance')}`,
          legend: '{{instance}}',
        },
      ],
    }),
    daily({
      id: 'history-memory',
      title: 'Memory in use',
      subtitle: 'largest of the day',
      unit: 'bytes',
      kind: 'timeseries',
      queries: [
        {
          expr: 'max by (instance) (max_over_time(system_memory_usage_bytes{system_memory_state="used"}[1d]))',
          legend: '{{instance}}',
        },
      ],
    }),
    daily({
      id: 'history-disks',
      title: 'File systems',
      subtitle: 'largest share used of the day',
      unit: 'ratio',
      kind: 'timeseries',
      queries: [
        {
          expr:
            'max by (instance, system_filesystem_mountpoint)' +
            ' (max_over_time(system_filesystem_utilization_ratio{system_filesystem_state="used"}[1d]))',
          legend: '{{system_filesystem_mountpoint}} {{instance}}',
        },
      ],
    }),
    daily({
      id: 'history-network',
      title: 'Network',
      subtitle: 'sent and received each day',
      unit: 'bytes',
      kind: 'stacked',
      queries: [
        {
          expr: ofDay('system_network_io_bytes_total', 'network_io_direction'),
          legend: '{{network_io_direction}}',
        },
      ],
    }),
  ],
};
