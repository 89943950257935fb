/**
 * The figures of the last quarter of an hour from the store, for a monitor that has just started: sparklines go on over a
 * restart. What the process itself sees is kept by `LiveState`.
 */
import { BALANCER, observationsOf, REQUESTS } from '../../dashboards/queries.ts';
import type { Querier } from '../../model/ports.ts';
import type { LiveHistory } from './contract.ts';

type Figure = Exclude<keyof LiveHistory, 'stepMs' | 'timesMs'>;

const OTHERS = 'job!~"vitrine-(balancer|monitor)"';
const rate = (metric: string, matchers: string): string => `sum(rate(${metric}{${matchers}}[30s]))`;
const COUNT = rate(`${REQUESTS}_count`, BALANCER);
const HITS = 'vitrine_cache_result=~"hit|stale"';
const LOOKUPS = 'vitrine_cache_result=~"hit|miss|stale"';

const EXPRESSIONS: Readonly<Record<Figure, string>> = {
  requestsPerSecond: COUNT,
  serverRequestsPerSecond: observationsOf(REQUESTS, { by: '', matchers: OTHERS, window: '30s' }),
  averageSeconds: `${rate(`${REQUESTS}_sum`, BALANCER)} / ${COUNT}`,
  p95Seconds: `histogram_quantile(0.95, sum by (le) (rate(${REQUESTS}_bucket{${BALANCER}}[30s])))`,
  errorRatio: `(${rate(`${REQUESTS}_count`, `${BALANCER},http_response_status_code=~"5.."`)} or 0 * ${COUNT}) / ${COUNT}`,
  hitRatio: `(${rate('vitrine_cache_lookups_total', HITS)} or 0 * ${rate('vitrine_cache_lookups_total', LOOKUPS)}) / ${rate('vitrine_cache_lookups_total', LOOKUPS)}`,
  cpuCores: 'sum(rate(process_cpu_time_seconds_total[30s]))',
};

/** The steps of `empty` with the figures of the store. Throws the querier's VitrineErrors. */
export async function pastOf(querier: Querier, empty: LiveHistory): Promise<LiveHistory> {
  const { stepMs, timesMs } = empty;
  const columnOf = async (expr: string): Promise<(number | null)[]> => {
    const { value } = await querier.range(expr, timesMs[0], timesMs[timesMs.length - 1], stepMs);
    const points = new Map<number, number>();
    const series = value.kind === 'matrix' ? value.series.at(0) : undefined;
    series?.t.forEach((time, i) => points.set(time, series.v[i]));
    return timesMs.map((time) => {
      const found = points.get(time) ?? Number.NaN;
      return Number.isFinite(found) ? found : null;
    });
  };
  const columns = Object.entries(EXPRESSIONS).map(async ([figure, expr]) => [figure, await columnOf(expr)] as const);
  return { ...empty, ...Object.fromEntries(await Promise.all(columns)) };
}
