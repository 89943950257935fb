/** The forms of panel queries, so that all panels query in the same way. Pure text. */
import type { Query } from './panel.ts';

/** Rates look back one minute: twelve collections at the slowest usual interval, and the window of the built-in rules. */
export const WINDOW = '1m';

export const REQUESTS = 'http_server_request_duration_seconds';
/** The matcher for the balancer's own series. */
export const BALANCER = 'job="vitrine-balancer"';

const braces = (matchers: string): string => (matchers === '' ? '' : `{${matchers}}`);
const grouped = (by: string): string => (by === '' ? '' : ` by (${by}) `);

/** `sum by (by) (rate(metric{matchers}[1m]))`; `by` '' sums everything. */
export const rateOf = (metric: string, by: string, matchers = ''): string =>
  `sum${grouped(by)}(rate(${metric}${braces(matchers)}[${WINDOW}]))`;

/** The `q` quantile of a classic histogram, by labels; ours are classic. */
export const quantileOf = (q: number, histogram: string, by: string, matchers = ''): string =>
  `histogram_quantile(${q}, sum by (${by === '' ? 'le' : `${by}, le`}) (rate(${histogram}_bucket${braces(matchers)}[${WINDOW}])))`;

/** Mean of a classic histogram, by labels; without observations there is no value. */
export const meanOf = (histogram: string, by: string, matchers = ''): string =>
  `${rateOf(`${histogram}_sum`, by, matchers)} / ${rateOf(`${histogram}_count`, by, matchers)}`;

/** `part` divided by `whole`; zero where the part has no series. */
export const shareOf = (part: string, whole: string): string => `(${part} or 0 * ${whole}) / ${whole}`;

/** Which part of a histogram is asked for, and when. */
export interface Asked {
  readonly by: string;
  readonly matchers?: string;
  readonly window?: string;
  /** A duration; the question is about the time so long before. */
  readonly before?: string;
}

const rateWith =
  ({ matchers = '', window = WINDOW, before = '' }: Asked) =>
  (metric: string): string =>
    `rate(${metric}${braces(matchers)}[${window}]${before === '' ? '' : ` offset ${before}`})`;

/**
 * Services send their histograms classic or native. These forms answer for both: a native histogram has no `_count`,
 * `_sum` and `_bucket`, and a classic one no series of the bare name. Where a series has both, it counts once.
 */
export function observationsOf(histogram: string, asked: Asked): string {
  const rate = rateWith(asked);
  return `sum${grouped(asked.by)}(${rate(`${histogram}_count`)} or histogram_count(${rate(histogram)}))`;
}

/** Mean of a classic or native histogram, by labels; without observations there is no value. */
export function meanOfEither(histogram: string, asked: Asked): string {
  const rate = rateWith(asked);
  const sum = `sum${grouped(asked.by)}(${rate(`${histogram}_sum`)} or histogram_sum(${rate(histogram)}))`;
  return `${sum} / ${observationsOf(histogram, asked)}`;
}

/** The `q` quantile of a classic or native histogram; a group with classic buckets is estimated from those only. */
export function quantileOfEither(q: number, histogram: string, asked: Asked): string {
  const rate = rateWith(asked);
  const { by } = asked;
  const classic = `sum${grouped(by === '' ? 'le' : `${by}, le`)}(${rate(`${histogram}_bucket`)})`;
  return `histogram_quantile(${q}, ${classic}) or histogram_quantile(${q}, sum${grouped(by)}(${rate(histogram)}))`;
}

/** The connections of each database pool. `by` ends in a comma unless it is ''. */
export function poolQueries(by: string, matchers: string, legend: string): readonly Query[] {
  const POOL = 'db_client_connection_pool_name';
  const used = [matchers, 'db_client_connection_state="used"'].filter((part) => part !== '').join(', ');
  const sum = (metric: string, of: string): string => `sum by (${by}${POOL}) (${metric}${braces(of)})`;
  return [
    { expr: sum('db_client_connection_count', used), legend: `${legend}{{${POOL}}} used`, main: true },
    { expr: sum('db_client_connection_max', matchers), legend: `${legend}{{${POOL}}} allowed` },
    { expr: sum('db_client_connection_pending_requests', matchers), legend: `${legend}{{${POOL}}} waited for` },
  ];
}
