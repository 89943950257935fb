/** The response cache: hit ratio, speed and size. */
import type { Dashboard } from './panel.ts';
import { quantileOf, rateOf, shareOf } from './queries.ts';

const LOOKUPS = 'vitrine_cache_lookups_total';
const LOOKUP_TIME = 'vitrine_cache_lookup_duration_seconds';

export const cache: Dashboard = {
  id: 'vitrine-cache',
  title: 'Vitrine cache',
  description: 'Look-ups, hit ratio, size and evictions of the caches.',
  panels: [
    {
      id: 'cache-hit-ratio',
      title: 'Hit ratio',
      subtitle: 'of look-ups, by cache',
      unit: 'ratio',
      kind: 'timeseries',
      queries: [
        {
          expr: shareOf(
            rateOf(LOOKUPS, 'vitrine_cache_name', 'vitrine_cache_result=~"hit|stale"'),
            rateOf(LOOKUPS, 'vitrine_cache_name', 'vitrine_cache_result=~"hit|stale|miss"'),
          ),
          legend: '{{vitrine_cache_name}}',
        },
      ],
      width: 6,
    },
    {
      id: 'cache-lookups',
      title: 'Look-ups by result',
      subtitle: '',
      unit: 'per_second',
      kind: 'stacked',
      queries: [{ expr: rateOf(LOOKUPS, 'vitrine_cache_result'), legend: '{{vitrine_cache_result}}' }],
      width: 6,
    },
    {
      id: 'cache-lookup-time',
      title: 'Look-up time p95',
      subtitle: 'estimated from buckets, by result',
      unit: 'seconds',
      kind: 'timeseries',
      queries: [{ expr: quantileOf(0.95, LOOKUP_TIME, 'vitrine_cache_result'), legend: '{{vitrine_cache_result}}' }],
      width: 6,
    },
    {
      id: 'cache-size',
      title: 'Held in memory',
      subtitle: 'by cache',
      unit: 'bytes',
      kind: 'timeseries',
      queries: [{ expr: 'sum by (vitrine_cache_name) (vitrine_cache_size_bytes)', legend: '{{vitrine_cache_name}}' }],
      width: 6,
    },
    {
      id: 'cache-entries',
      title: 'Entries',
      subtitle: 'held in memory, by cache',
      unit: 'count',
      kind: 'timeseries',
      queries: [{ expr: 'sum by (vitrine_cache_name) (vitrine_cache_entries)', legend: '{{vitrine_cache_name}}' }],
      width: 6,
    },
    {
      id: 'cache-evictions',
      title: 'Evictions',
      subtitle: 'by reason',
      unit: 'per_second',
      kind: 'timeseries',
      queries: [{ expr: rateOf('vitrine_cache_evictions_total', 'reason'), legend: '{{reason}}' }],
      width: 6,
    },
  ],
};
