/** Compares results with what a script expects, with the tolerance of Prometheus' own harness (1e-6, relative). */
import type { Histogram } from '../../../src/model/histogram.ts';
import type { MatrixSeries, Point, QueryValue } from '../../../src/model/ports.ts';
import type { Labels } from '../../../src/model/labels.ts';
import { labelsText } from '../../../src/model/text/quoting.ts';
import { allBuckets } from '../../../src/monitor/promql/histograms/buckets.ts';
import { histogramText } from '../../../src/monitor/promql/histograms/text.ts';
import type { ExpectedSeries } from './promql-script.ts';
import type { Written } from './script-values.ts';

const EPSILON = 1e-6;
const SMALLEST_NORMAL = 2.2250738585072014e-308;

export function almostEqual(a: number, b: number): boolean {
  if (Number.isNaN(a) || Number.isNaN(b)) return Number.isNaN(a) && Number.isNaN(b);
  if (a === b) return true;
  const sum = Math.abs(a) + Math.abs(b);
  const diff = Math.abs(a - b);
  if (a === 0 || b === 0 || sum < SMALLEST_NORMAL) return diff < EPSILON * SMALLEST_NORMAL;
  return diff / Math.min(sum, Number.MAX_VALUE) < EPSILON;
}

function sameHistogram(a: Histogram, b: Histogram): boolean {
  if (!almostEqual(a.count, b.count) || !almostEqual(a.sum, b.sum)) return false;
  const left = allBuckets(a).filter(({ count }) => count !== 0);
  const right = allBuckets(b).filter(({ count }) => count !== 0);
  return (
    left.length === right.length &&
    left.every(
      (bucket, i) =>
        almostEqual(bucket.lower, right[i].lower) &&
        almostEqual(bucket.upper, right[i].upper) &&
        almostEqual(bucket.count, right[i].count),
    )
  );
}

function samePoint(wanted: Written, got: Point): boolean {
  if (wanted.h === undefined) return got.h === undefined && almostEqual(wanted.v ?? Number.NaN, got.v);
  if (got.h === undefined || !sameHistogram(wanted.h, got.h)) return false;
  return true;
}

const show = (value: { readonly v?: number | undefined; readonly h?: Histogram | undefined } | undefined): string => {
  if (value === undefined) return '_';
  return value.h === undefined ? String(value.v) : histogramText(value.h);
};

export function compareVector(
  wanted: readonly ExpectedSeries[],
  got: readonly { readonly labels: Labels; readonly point: Point }[],
  ordered: boolean,
): string {
  const byKey = new Map(wanted.map((series, at) => [series.labels.key, { ...series, at }]));
  const seen = new Set<string>();
  for (const [i, { labels, point }] of got.entries()) {
    const expected = byKey.get(labels.key);
    if (expected === undefined) return `unexpected ${labelsText(labels)} = ${show(point)}`;
    if (seen.has(labels.key)) return `${labelsText(labels)} is there twice`;
    if (ordered && expected.at !== i) return `${labelsText(labels)} is at position ${i}, not ${expected.at}`;
    const value = expected.values[0] ?? { v: Number.NaN };
    if (!samePoint(value, point)) return `${labelsText(labels)}: expected ${show(value)}, got ${show(point)}`;
    seen.add(labels.key);
  }
  const missing = wanted.find(({ labels }) => !seen.has(labels.key));
  return missing ? `missing ${labelsText(missing.labels)} = ${show(missing.values[0])}` : '';
}

export function compareMatrix(
  wanted: readonly ExpectedSeries[],
  got: readonly MatrixSeries[],
  { from, to, step }: { readonly from: number; readonly to: number; readonly step: number },
): string {
  const byKey = new Map(wanted.map((series) => [series.labels.key, series]));
  const seen = new Set<string>();
  for (const { labels, t, v, h } of got) {
    const expected = byKey.get(labels.key);
    const points = new Map([...t].map((time, i) => [time, { t: time, v: v[i], h: h?.[i] }]));
    if (expected === undefined) return `unexpected ${labelsText(labels)}: ${[...points.values()].map(show).join(' ')}`;
    if (seen.has(labels.key)) return `${labelsText(labels)} is there twice`;
    seen.add(labels.key);
    for (const [i, value] of expected.values.entries()) {
      const time = from + i * step;
      if (value === undefined) continue;
      const point = points.get(time);
      if (time > to) return `more points expected for ${labelsText(labels)} than the range holds`;
      if (point === undefined || !samePoint(value, point)) {
        return `${labelsText(labels)} at ${time}: expected ${show(value)}, got ${show(point)}`;
      }
      points.delete(time);
    }
    const [extra] = points.values();
    if (extra !== undefined) return `${labelsText(labels)}: unexpected ${show(extra)} at ${extra.t}`;
  }
  const missing = wanted.find(({ labels, values }) => !seen.has(labels.key) && values.some(Boolean));
  return missing ? `missing ${labelsText(missing.labels)}` : '';
}

/** The points of a range result at one time. */
export function vectorFromMatrix(value: QueryValue, at: number): { labels: Labels; point: Point }[] {
  if (value.kind !== 'matrix') return [];
  return value.series.flatMap(({ labels, t, v, h }) => {
    const i = t.indexOf(at);
    return i < 0 ? [] : [{ labels, point: { t: at, v: v[i], h: h?.[i] } }];
  });
}
