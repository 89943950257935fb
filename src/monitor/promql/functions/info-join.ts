/**
 * `info(v, {…})`: adds labels of info series (`target_info` unless others are named) to the series that have the same
 * instance and job. When several info series follow one another, the one with the newest sample is used (promql/info.go).
 */
import { Labels, METRIC_NAME, type Matcher } from '../../../model/labels.ts';
import type { Series } from '../../../model/series.ts';
import type { SampleCounts } from '../columns/sample-counts.ts';
import { newColumn, queryFailed, setPoint, type Column } from '../columns/column.ts';
import { selectColumn, selectTimes } from '../columns/instant-selector.ts';
import type { Lookback } from '../columns/lookback.ts';
import { compileMatcher } from '../syntax/matchers.ts';
import { type Predicate } from '../../../model/text/regex.ts';
import { labelsText } from '../../../model/text/quoting.ts';

const IDENTIFYING = ['instance', 'job'];

interface InfoSeries {
  readonly labels: Labels;
  readonly name: string;
  /** The times of the samples at the steps, in seconds. */
  readonly times: Column;
}

/** The matchers of the second argument on data labels. */
interface Request {
  readonly wanted: ReadonlySet<string>;
  /** True when a series without any info series may stay in the result. */
  readonly optional: boolean;
}

const identity = (labels: Labels): Labels => labels.filter((name) => IDENTIFYING.includes(name));

function requestOf(matchers: readonly Matcher[]): Request {
  const data = matchers.filter(({ name }) => name !== METRIC_NAME);
  return {
    wanted: new Set(data.map(({ name }) => name)),
    optional: data.every((matcher) => compileMatcher(matcher)('')),
  };
}

/**
 * Info series themselves get no additional labels. A series that matches only because it is not excluded is not an info
 * series.
 */
function isInfoName(matchers: readonly Matcher[]): Predicate {
  const tests = matchers.filter(({ name }) => name === METRIC_NAME).map((matcher) => compileMatcher(matcher));
  return (name) => tests.every((test) => test(name));
}

/** Whether a series has an instance and a job of one of the columns: only such series are read. */
function relatedTo(columns: readonly Column[]): (labels: Labels) => boolean {
  const known = IDENTIFYING.map((name) => new Set(columns.map(({ labels }) => labels.get(name))));
  return (labels) => IDENTIFYING.every((name, i) => known[i].has(labels.get(name)));
}

export function joinInfo(
  base: readonly Column[],
  info: readonly Series[],
  matchers: readonly Matcher[],
  times: Float64Array,
  lookback: Lookback,
  counts?: SampleCounts,
): Column[] {
  const request = requestOf(matchers);
  const isInfo = isInfoName(matchers);
  const byIdentity = new Map<string, InfoSeries[]>();
  const related = relatedTo(base.filter(({ labels }) => !isInfo(labels.name)));
  for (const series of info) {
    const column = selectTimes(series, times, lookback, 't');
    if (column === undefined) continue;
    if (series.samples.h !== undefined && selectColumn(series, times, lookback)?.h !== undefined)
      throw queryFailed(`this should be an info metric, with float samples: ${labelsText(series.labels)}`);
    if (related(series.labels)) counts?.points([column]);
    const { key } = identity(series.labels);
    const list = byIdentity.get(key) ?? [];
    list.push({ labels: series.labels, name: series.labels.name, times: column });
    byIdentity.set(key, list);
  }
  return base.flatMap((column) => {
    if (isInfo(column.labels.name)) return [column];
    const id = identity(column.labels);
    const found = id.size === 0 ? [] : (byIdentity.get(id.key) ?? []);
    return enrich(column, found, request);
  });
}

function enrich(column: Column, found: readonly InfoSeries[], request: Request): Column[] {
  const out = new Map<string, Column>();
  const cache = new Map<string, Labels>();
  for (let k = 0; k < column.has.length; k += 1) {
    if (column.has[k] === 0) continue;
    const chosen = newestPerName(found, k);
    if (chosen.length === 0 && !request.optional) continue;
    const cacheKey = chosen.map((one) => one.labels.key).join('\n');
    let labels = cache.get(cacheKey);
    if (labels === undefined) {
      labels = withData(column.labels, chosen, request);
      cache.set(cacheKey, labels);
    }
    let target = out.get(labels.key);
    if (target === undefined) {
      target = newColumn(labels, column.has.length, column.dropName);
      out.set(labels.key, target);
    }
    setPoint(target, k, column.h?.[k] ?? column.v[k]);
  }
  return [...out.values()];
}

/** For each info metric, the series with the newest sample. Two series of the same age are a conflict. */
function newestPerName(found: readonly InfoSeries[], k: number): InfoSeries[] {
  const newest = new Map<string, InfoSeries>();
  for (const one of found) {
    if (one.times.has[k] === 0) continue;
    const known = newest.get(one.name);
    if (known === undefined || one.times.v[k] > known.times.v[k]) newest.set(one.name, one);
    else if (one.times.v[k] === known.times.v[k]) throw duplicate(known, one, k);
  }
  return [...newest.values()];
}

function duplicate(known: InfoSeries, other: InfoSeries, k: number): Error {
  const show = ({ labels, times }: InfoSeries): string => `${labelsText(labels)} @ ${times.v[k] * 1000}`;
  return queryFailed(`found duplicate series for info metric: existing ${show(known)}, new ${show(other)}`);
}

function withData(base: Labels, chosen: readonly InfoSeries[], { wanted }: Request): Labels {
  const data = new Map<string, string>();
  for (const { labels } of chosen) {
    for (const [name, value] of labels) {
      if (name === METRIC_NAME || IDENTIFYING.includes(name)) continue;
      if (wanted.size > 0 && !wanted.has(name)) continue;
      const known = data.get(name);
      if (known !== undefined && known !== value) throw queryFailed(`conflicting label: ${name}`);
      // The labels of the series itself have precedence.
      if (base.get(name) === '') data.set(name, value);
    }
  }
  return data.size === 0 ? base : Labels.from([...base, ...data]);
}
