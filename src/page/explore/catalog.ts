/** The metrics, labels and values that the server knows, asked for once and kept for the page. */
import { getJson } from '../state/api.ts';

export interface MetricEntry {
  readonly name: string;
  readonly type: string;
  readonly unit: string;
  readonly help: string;
  /** Number of series in memory; undefined when the server lists only metrics with more. */
  readonly series: number | undefined;
}

interface Names {
  readonly data: readonly string[];
}
interface Metadata {
  readonly data: Readonly<Record<string, readonly { type: string; help: string; unit: string }[]>>;
}
interface Status {
  readonly data: { readonly seriesCountByMetricName?: readonly { name: string; value: number }[] };
}

/** More names than this are not listed; the search finds the others by their beginning on the server. */
export const MAX_METRICS = 5_000;
const FAMILY = /_(?:bucket|sum|count|total|created)$/;

const NOTHING = { type: '', help: '', unit: '' };

/** Joins names, metadata (by family) and numbers of series. Pure. */
export function entriesOf(
  names: readonly string[],
  metadata: Metadata['data'],
  counts: ReadonlyMap<string, number>,
): MetricEntry[] {
  return names.slice(0, MAX_METRICS).map((name) => {
    const family = name.replace(FAMILY, '');
    const own = Object.hasOwn(metadata, name)
      ? metadata[name]
      : Object.hasOwn(metadata, family)
        ? metadata[family]
        : [];
    const { type, help, unit } = own[0] ?? NOTHING;
    return { name, type: type === 'unknown' ? '' : type, unit, help, series: counts.get(name) };
  });
}

let entries: Promise<readonly MetricEntry[]> | undefined;

async function load(): Promise<readonly MetricEntry[]> {
  const [names, metadata, status] = await Promise.all([
    getJson<Names>(`/api/v1/label/__name__/values?limit=${MAX_METRICS}`),
    getJson<Metadata>('/api/v1/metadata').catch((): Metadata => ({ data: {} })),
    getJson<Status>(`/api/v1/status/tsdb?limit=${MAX_METRICS}`).catch((): Status => ({ data: {} })),
  ]);
  const counts = new Map((status.data.seriesCountByMetricName ?? []).map(({ name, value }) => [name, value]));
  return entriesOf(names.data, metadata.data, counts);
}

export function metricEntries(fresh = false): Promise<readonly MetricEntry[]> {
  if (entries === undefined || fresh) {
    entries = load();
    entries.catch(() => {
      entries = undefined;
    });
  }
  return entries;
}

const lists = new Map<string, Promise<readonly string[]>>();
const MAX_LISTS = 200;
const MAX_VALUES = 500;

function list(path: string): Promise<readonly string[]> {
  let found = lists.get(path);
  if (found === undefined) {
    if (lists.size >= MAX_LISTS) lists.clear();
    found = getJson<Names>(path).then(({ data }) => data);
    found.catch(() => lists.delete(path));
    lists.set(path, found);
  }
  return found;
}

const matching = (metric: string): string => {
  const params = new URLSearchParams({ limit: String(MAX_VALUES) });
  if (metric !== '') params.set('match[]', /^[a-zA-Z_:][\w:]*$/.test(metric) ? metric : `{${JSON.stringify(metric)}}`);
  return params.toString();
};

export const labelNames = (metric: string): Promise<readonly string[]> => list(`/api/v1/labels?${matching(metric)}`);

export const labelValues = (metric: string, label: string): Promise<readonly string[]> =>
  list(`/api/v1/label/${encodeURIComponent(label)}/values?${matching(metric)}`);

/** The series of a native histogram have the name of the metric; those of a classic one have suffixes. */
export const isNative = (name: string, type: string): boolean =>
  type === 'histogram' && !/_(bucket|count|sum)$/.test(name);

/** A first query for a metric, by its type or, without one, by its name. */
export function firstQuery(name: string, type = ''): string {
  if (isNative(name, type)) return `histogram_quantile(0.95, sum by (job) (rate(${name}[$__rate_interval])))`;
  if (name.endsWith('_bucket')) return `histogram_quantile(0.95, sum by (job, le) (rate(${name}[$__rate_interval])))`;
  if (type === 'counter' || type === 'histogram' || /_(total|count|sum)$/.test(name)) {
    return `sum by (job) (rate(${name}[$__rate_interval]))`;
  }
  return name;
}

/** The query of a metric by a label; `by` '' for all of it. Pure. */
export function splitQuery(name: string, type: string, by: string): string {
  const grouped = by === '' ? '' : ` by (${by})`;
  if (isNative(name, type)) return `histogram_quantile(0.95, sum${grouped} (rate(${name}[$__rate_interval])))`;
  if (name.endsWith('_bucket')) {
    return `histogram_quantile(0.95, sum by (${by === '' ? 'le' : `${by}, le`}) (rate(${name}[$__rate_interval])))`;
  }
  if (type === 'counter' || type === 'histogram' || /_(total|count|sum)$/.test(name)) {
    return `sum${grouped} (rate(${name}[$__rate_interval]))`;
  }
  // The sum of gauges such as temperatures or shares means nothing; the mean and the largest do.
  return `max${grouped} (${name})`;
}

interface Words {
  readonly functions: readonly string[];
}

let words: Promise<readonly string[]> | undefined;

/** The functions and aggregations of the server's engine. */
export function functionNames(): Promise<readonly string[]> {
  words ??= getJson<Words>('/api/charts/words').then(({ functions }) => functions);
  words.catch(() => {
    words = undefined;
  });
  return words;
}
