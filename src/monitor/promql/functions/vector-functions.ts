/**
 * Functions that map the samples of an instant vector: mathematics, clamp, round, dates, sorting, absent, and the
 * conversions between vector and scalar. They write their results into the columns that they receive.
 */
import { Labels, METRIC_NAME, type Matcher } from '../../../model/labels.ts';
import type { Expr } from '../syntax/ast.ts';
import { newColumn, type Column, type Frame, type ScalarValue, type VectorValue } from '../columns/column.ts';
import { bareSelector } from '../syntax/expression-shape.ts';
import { roundTo } from './math-functions.ts';

export const vector = (series: Column[]): VectorValue => ({ kind: 'vector', series });

/** Applies `fn` to every float; histograms are left out, the name is removed. */
export function mapFloats(series: Column[], fn: (value: number, step: number) => number): VectorValue {
  for (const column of series) {
    const { v, has, h } = column;
    for (let k = 0; k < v.length; k += 1) {
      if (has[k] === 0) continue;
      if (h?.[k] === undefined) v[k] = fn(v[k], k);
      else has[k] = 0;
    }
    column.h = undefined;
    column.dropName = true;
  }
  return vector(series);
}

/** The result is empty at steps where the minimum is above the maximum. */
export function clamp(series: Column[], min: Float64Array, max: Float64Array): VectorValue {
  const result = mapFloats(series, (value, k) => Math.max(min[k], Math.min(max[k], value)));
  for (const { has } of series) {
    for (let k = 0; k < has.length; k += 1) if (max[k] < min[k]) has[k] = 0;
  }
  return result;
}

export function round(series: Column[], toNearest: Float64Array | undefined): VectorValue {
  return mapFloats(series, (value, k) => roundTo(value, toNearest?.[k] ?? 1));
}

/** The value at each step that has exactly one series, else NaN. */
export function scalarOf(series: readonly Column[], steps: number): ScalarValue {
  const v = new Float64Array(steps);
  const count = new Uint32Array(steps);
  for (const column of series) {
    for (let k = 0; k < steps; k += 1) {
      if (column.has[k] === 0 || column.h?.[k] !== undefined) continue;
      count[k] += 1;
      v[k] = column.v[k];
    }
  }
  return { kind: 'scalar', v: v.map((value, k) => (count[k] === 1 ? value : Number.NaN)) };
}

export function vectorOf(v: Float64Array): VectorValue {
  return vector([
    { labels: Labels.empty, v: v.slice(), has: new Uint8Array(v.length).fill(1), h: undefined, dropName: false },
  ]);
}

/** Sorts by value. NaN is last in either order. Histograms have no order and are left out. */
export function sortByValue(series: Column[], descending: boolean): VectorValue {
  const rank = (a: number, b: number): number => {
    if (Number.isNaN(a) || Number.isNaN(b)) return Number(Number.isNaN(a)) - Number(Number.isNaN(b));
    return descending ? b - a : a - b;
  };
  for (const { has, h } of series) h?.forEach((histogram, k) => (has[k] = histogram === undefined ? has[k] : 0));
  return vector(series.toSorted((a, b) => rank(a.v[0], b.v[0])));
}

/** The labels that a missing series would have had: those for which its selector requires one exact value. */
export function absentLabels(arg: Expr): Labels {
  const matchers: readonly Matcher[] = bareSelector(arg)?.matchers ?? [];
  const fixed = new Map<string, string>();
  const seen = new Set<string>();
  for (const { name, op, value } of matchers) {
    if (name === METRIC_NAME) continue;
    if (op === '=' && !seen.has(name)) fixed.set(name, value);
    else fixed.delete(name);
    if (op === '=') seen.add(name);
  }
  return Labels.from(fixed);
}

/** 1 at the steps where no series has a sample. */
export function absent(series: readonly Column[], arg: Expr, steps: number): VectorValue {
  const column = newColumn(absentLabels(arg), steps, false);
  column.v.fill(1);
  column.has.fill(1);
  for (const { has } of series) {
    for (let k = 0; k < steps; k += 1) if (has[k] === 1) column.has[k] = 0;
  }
  return vector([column]);
}

/** Evaluation times in seconds. */
export function secondsOf(frame: Frame): Float64Array {
  return Float64Array.from({ length: frame.steps }, (_, k) => (frame.startMs + k * frame.stepMs) / 1000);
}
