/** The monitor's own health: telemetry accepted by protocol, refused and dropped, and the state of the store. */
import type { Dashboard } from './panel.ts';
import { rateOf } from './queries.ts';

export const pipeline: Dashboard = {
  id: 'vitrine-pipeline',
  title: 'Vitrine pipeline',
  description: 'Telemetry accepted, refused and dropped, and the store that keeps it.',
  panels: [
    {
      id: 'pipeline-accepted',
      title: 'Accepted',
      subtitle: 'by signal and road',
      unit: 'per_second',
      kind: 'stacked',
      queries: [{ expr: rateOf('vitrine_ingest_items_total', 'signal, road'), legend: '{{signal}} {{road}}' }],
      width: 6,
    },
    {
      id: 'pipeline-refused',
      title: 'Refused',
      subtitle: 'by signal and reason; whole requests by error',
      unit: 'per_second',
      kind: 'stacked',
      queries: [
        { expr: rateOf('vitrine_ingest_rejected_total', 'signal, reason'), legend: '{{signal}} {{reason}}' },
        { expr: rateOf('vitrine_ingest_requests_refused_total', 'code'), legend: 'whole requests: {{code}}' },
      ],
      width: 6,
    },
    {
      id: 'pipeline-dropped',
      title: 'Dropped by exporters',
      subtitle: 'by process, signal and exporter',
      unit: 'per_second',
      kind: 'timeseries',
      queries: [
        {
          expr: rateOf('vitrine_telemetry_dropped_total', 'job, signal, exporter'),
          legend: '{{job}} {{signal}} {{exporter}}',
        },
        { expr: rateOf('vitrine_ingest_frames_skipped_total', 'job'), legend: '{{job}} frames skipped' },
      ],
      width: 6,
    },
    {
      id: 'pipeline-log-records',
      title: 'Log records',
      subtitle: 'by service and severity',
      unit: 'per_second',
      kind: 'stacked',
      queries: [{ expr: rateOf('vitrine_log_records_total', 'service, severity'), legend: '{{service}} {{severity}}' }],
      width: 6,
    },
    {
      id: 'pipeline-series',
      title: 'Series',
      subtitle: 'held in memory',
      unit: 'count',
      kind: 'timeseries',
      queries: [{ expr: 'sum(vitrine_store_series{job=~".+"})', legend: 'series', main: true }],
      width: 6,
    },
    {
      id: 'pipeline-size',
      title: 'Store',
      subtitle: '',
      unit: 'bytes',
      kind: 'timeseries',
      queries: [
        { expr: 'sum(vitrine_store_size_bytes{job=~".+"})', legend: 'on disk' },
        { expr: 'sum(vitrine_store_head_size_bytes{job=~".+"})', legend: 'in memory' },
      ],
      width: 6,
    },
    {
      id: 'pipeline-writable',
      title: 'Writable',
      subtitle: '1 while writes are kept',
      unit: 'count',
      kind: 'stat',
      queries: [{ expr: 'min(vitrine_store_writable{job=~".+"})', legend: 'writable' }],
      width: 4,
    },
    {
      id: 'pipeline-time-to-full',
      title: 'Time to full',
      subtitle: 'at the present rate',
      unit: 'seconds',
      kind: 'stat',
      queries: [{ expr: 'min(vitrine_store_time_to_full_seconds{job=~".+"})', legend: 'time to full' }],
      width: 4,
    },
    {
      id: 'pipeline-reload',
      title: 'Last reload held',
      subtitle: '1 when it did, by process',
      unit: 'count',
      kind: 'stat',
      queries: [{ expr: 'min by (job) (vitrine_config_last_reload_successful{job=~".+"})', legend: '{{job}}' }],
      width: 4,
    },
  ],
};
