/** The notation for series and their values in PromQL scripts: `metric{a="b"} 0+10x3 _ stale {{schema:0 count:1}}x2`. */
import { CUSTOM_BUCKETS_SCHEMA, type Histogram, type ResetHint } from '../../../src/model/histogram.ts';
import { Labels, METRIC_NAME } from '../../../src/model/labels.ts';
import { toSpans } from '../../../src/monitor/promql/histograms/buckets.ts';
import { addHistograms, subtractHistograms, withHint } from '../../../src/monitor/promql/histograms/arithmetic.ts';
import { unquote } from '../../../src/model/text/quoting.ts';
import type { Sample } from './memory-source.ts';

export type Written = Omit<Sample, 't'> & { readonly hinted?: boolean };

const UNITS = new Map([
  ['ms', 1],
  ['s', 1e3],
  ['m', 6e4],
  ['h', 36e5],
  ['d', 864e5],
  ['w', 6048e5],
  ['y', 31536e6],
]);

export function durationOf(text: string): number {
  if (/^\d+(?:\.\d+)?$/.test(text)) return Number(text) * 1000;
  if (!/^(?:\d+(?:ms|[smhdwy]))+$/.test(text)) throw new Error(`no duration: ${text}`);
  let ms = 0;
  for (const [, digits, unit] of text.matchAll(/(\d+)(ms|[smhdwy])/g)) ms += Number(digits) * (UNITS.get(unit) ?? 0);
  return ms;
}

export function numberOf(text: string): number | undefined {
  const found = /^([+-]?)(?:(inf)|(nan)|(0x[0-9a-f]+|(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?))$/i.exec(text);
  if (!found) return undefined;
  const [, sign, infinite, nan, digits] = found;
  const value = infinite ? Infinity : nan ? Number.NaN : Number(digits);
  return sign === '-' ? -value : value;
}

function need(text: string): number {
  const value = numberOf(text);
  if (value === undefined) throw new Error(`no number: ${text}`);
  return value;
}

const STRING = /^(?:"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'|`[^`]*`)/;

export function stringAt(text: string): { value: string; rest: string } {
  const found = STRING.exec(text);
  const value = found && unquote(found[0]);
  if (!found || value === null || value === undefined) throw new Error(`no string: ${text}`);
  return { value, rest: text.slice(found[0].length) };
}

/** `name{label="value"} rest`. */
export function readMetric(line: string): { labels: Labels; rest: string } {
  const pairs: [string, string][] = [];
  const name = /^[a-zA-Z_:][\w:]*/.exec(line)?.[0] ?? '';
  if (name !== '') pairs.push([METRIC_NAME, name]);
  let rest = line.slice(name.length);
  if (/^\s*\{(?!\{)/.test(rest)) {
    rest = rest.trimStart().slice(1).trimStart();
    while (!rest.startsWith('}')) {
      const bare = /^[a-zA-Z_:][\w:]*/.exec(rest)?.[0];
      const key = bare === undefined ? stringAt(rest) : { value: bare, rest: rest.slice(bare.length) };
      rest = key.rest.trimStart();
      if (rest.startsWith('=')) {
        const value = stringAt(rest.slice(1).trimStart());
        pairs.push([key.value, value.value]);
        rest = value.rest.trimStart();
      } else pairs.push([METRIC_NAME, key.value]);
      if (rest.startsWith(',')) rest = rest.slice(1).trimStart();
    }
    rest = rest.slice(1);
  }
  return { labels: Labels.from(pairs), rest: rest.trim() };
}

export function histogramOf(body: string): { h: Histogram; hinted: boolean } {
  const fields = new Map<string, string>();
  for (const [, key, value] of body.matchAll(/([a-z_]+)\s*:\s*(\[[^\]]*\]|\S+)/gi)) fields.set(key, value);
  const one = (key: string): number => need(fields.get(key) ?? '0');
  const list = (key: string): number[] =>
    (fields.get(key) ?? '[]').slice(1, -1).trim().split(/\s+/).filter(Boolean).map(need);
  const spans = (counts: number[], offset: number): ReturnType<typeof toSpans> =>
    toSpans(new Map(counts.map((count, i) => [i + offset, count])));
  const positive = spans(list('buckets'), one('offset'));
  const negative = spans(list('n_buckets'), one('n_offset'));
  const h: Histogram = {
    schema: one('schema'),
    count: one('count'),
    sum: one('sum'),
    zeroThreshold: one('z_bucket_w'),
    zeroCount: one('z_bucket'),
    positiveSpans: positive.spans,
    positiveBuckets: positive.buckets,
    negativeSpans: negative.spans,
    negativeBuckets: negative.buckets,
    customValues: list('custom_values'),
    resetHint: (fields.get('counter_reset_hint') ?? 'unknown') as ResetHint,
  };
  return { h, hinted: fields.has('counter_reset_hint') };
}

function readHistograms(text: string, out: (Written | undefined)[]): string {
  const found = /^\{\{(.*?)\}\}(?:([+-])\{\{(.*?)\}\})?(?:x(\d+))?/s.exec(text);
  if (!found) throw new Error(`no histogram: ${text}`);
  const [all, body, sign, step, times] = found;
  const first = histogramOf(body);
  const count = Number(times ?? 0);
  const by = step === undefined ? undefined : histogramOf(step).h;
  let current = by === undefined ? first.h : withHint(first.h, by.resetHint);
  out.push({ h: current, hinted: first.hinted });
  for (let i = 0; i < count; i += 1) {
    if (by !== undefined) {
      const next = sign === '-' ? subtractHistograms(current, by) : addHistograms(current, by);
      current = withHint(next?.h ?? current, by.resetHint);
    }
    out.push({ h: current, hinted: first.hinted });
  }
  return text.slice(all.length);
}

const NUMBER = String.raw`(?:(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?|[iI][nN][fF]|[nN][aA][nN])`;
const ITEM = new RegExp(`^([+-]?${NUMBER})(?:([+-]${NUMBER}))?(?:x(\\d+))?$`);

/** One entry per step, undefined where there is no sample. */
export function readValues(text: string): (Written | undefined)[] {
  const out: (Written | undefined)[] = [];
  let rest = text.trim();
  while (rest !== '') {
    if (rest.startsWith('{{')) {
      rest = readHistograms(rest, out).trimStart();
      continue;
    }
    const word = /^\S+/.exec(rest)?.[0] ?? '';
    rest = rest.slice(word.length).trimStart();
    const gap = /^_(?:x(\d+))?$/.exec(word);
    if (gap) for (let i = 0; i < Number(gap[1] ?? 1); i += 1) out.push(undefined);
    else if (word === 'stale') out.push({ stale: true });
    else {
      const item = ITEM.exec(word);
      if (!item) throw new Error(`no value: ${word}`);
      let v = need(item[1]);
      out.push({ v });
      for (let i = 0; i < Number(item[3] ?? 0); i += 1) {
        v += item[2] === undefined ? 0 : need(item[2]);
        out.push({ v });
      }
    }
  }
  return out;
}

const signedDuration = (text: string): number =>
  (text.startsWith('-') ? -1 : 1) * durationOf(text.replace(/^[+-]/, ''));

/** Start times relative to their samples: `_ -30s-1mx2 0x3`. */
export function readStartTimes(text: string): (number | undefined)[] {
  return text
    .trim()
    .split(/\s+/)
    .flatMap((item) => {
      const gap = /^_(?:x(\d+))?$/.exec(item);
      if (gap) return Array.from<number | undefined>({ length: Number(gap[1] ?? 1) });
      const found = /^([+-]?\d+[a-wyz]*)([+-]\d+[a-wyz]*)?(?:x(\d+))?$/.exec(item);
      if (!found) throw new Error(`no start time: ${item}`);
      const by = found[2] === undefined ? 0 : signedDuration(found[2]);
      return Array.from({ length: Number(found[3] ?? 0) + 1 }, (_, i) => signedDuration(found[1]) + i * by);
    });
}

/** For each classic histogram among the series, the same as native histograms with custom buckets. */
export function customBucketSeries(
  series: readonly { readonly labels: Labels; readonly samples: readonly Sample[] }[],
): { labels: Labels; samples: Sample[] }[] {
  interface Moment {
    readonly buckets: Map<number, number>;
    count?: number;
    sum?: number;
  }
  const groups = new Map<string, { labels: Labels; moments: Map<number, Moment> }>();
  for (const { labels, samples } of series) {
    const found = /^(.*)_(bucket|count|sum)$/.exec(labels.name);
    if (!found) continue;
    const bound = numberOf(labels.get('le'));
    if (found[2] === 'bucket' && (bound === undefined || Number.isNaN(bound))) continue;
    const base = labels.with('le', '').with(METRIC_NAME, found[1]);
    const group = groups.get(base.key) ?? { labels: base, moments: new Map<number, Moment>() };
    groups.set(base.key, group);
    for (const { t, v } of samples) {
      if (v === undefined) continue;
      const moment = group.moments.get(t) ?? { buckets: new Map<number, number>() };
      group.moments.set(t, moment);
      if (found[2] === 'count') moment.count = v;
      else if (found[2] === 'sum') moment.sum = v;
      else if (!moment.buckets.has(bound as number)) moment.buckets.set(bound as number, v);
    }
  }
  return [...groups.values()].map(({ labels, moments }) => ({
    labels,
    samples: [...moments].map(([t, { buckets, count, sum }]) => ({ t, h: customHistogram(buckets, count, sum ?? 0) })),
  }));
}

function customHistogram(buckets: ReadonlyMap<number, number>, given: number | undefined, sum: number): Histogram {
  const sorted = [...buckets].sort((a, b) => a[0] - b[0]);
  const count = given ?? sorted.at(-1)?.[1] ?? 0;
  if (sorted.at(-1)?.[0] !== Infinity) sorted.push([Infinity, count]);
  let before = 0;
  const own = sorted.map(([, upTo], i): [number, number] => {
    const inBucket = upTo - before;
    before = upTo;
    return [i, inBucket];
  });
  const positive = toSpans(new Map(own));
  return {
    schema: CUSTOM_BUCKETS_SCHEMA,
    count,
    sum,
    zeroThreshold: 0,
    zeroCount: 0,
    positiveSpans: positive.spans,
    positiveBuckets: positive.buckets,
    negativeSpans: [],
    negativeBuckets: [],
    customValues: sorted.slice(0, -1).map(([bound]) => bound),
    resetHint: 'unknown',
  };
}
