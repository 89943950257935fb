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

/** The `q` quantile of a classic histogram, by labels. */
export const quantileOf = (q: number, histogram: string, by: string, matchers = ''): string =>
  `histogram_quantile(${q}, sum by (${by === '' ? 'le' : `${by}, le`}) (rate(${histogram}_bucket${braces(matchers)}[${WINDOW}])))`;

/** Mean of a histogram, by labels; without observations there is no value. */
export const meanOf = (histogram: string, by: string, matchers = ''): string =>
  `${rateOf(`${histogram}_sum`, by, matchers)} / ${rateOf(`${histogram}_count`, by, matchers)}`;

/** `part` divided by `whole`; zero where the part has no series. */
export const shareOf = (part: string, whole: string): string => `(${part} or 0 * ${whole}) / ${whole}`;

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
