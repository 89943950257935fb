/**
 * Aggregations that keep one running value for each group and step: sum, avg, min, max, count, group, stddev, stdvar. Series
 * are added one after the other to the columns of their group, so the labels of a series are read once and not at every
 * step.
 */
import type { Annotations } from '../columns/annotations.ts';
import type { AggregateExpr } from '../syntax/ast.ts';
import type { Budget } from '../columns/budget.ts';
import { newColumn, setHistogram, type Column } from '../columns/column.ts';
import { addTo, addToMean } from '../columns/float-sums.ts';
import type { Group } from '../columns/grouping.ts';
import { HistogramSum } from '../histograms/sums.ts';

/** True when the member has a float at step k. */
function isFloat(column: Column, k: number): boolean {
  return column.has[k] === 1 && (column.h === undefined || column.h[k] === undefined);
}

async function sumInto(
  group: Group,
  steps: number,
  mean: boolean,
  node: AggregateExpr,
  notes: Annotations,
  budget: Budget,
): Promise<Column> {
  const out = newColumn(group.labels, steps, group.dropName);
  const sum = out.v;
  const low = new Float64Array(steps);
  const count = new Uint32Array(steps);
  const running = new Uint8Array(steps);
  const histograms: HistogramSum[] = [];
  const acc = { sum: 0, c: 0 };
  for (const column of group.members) {
    if (budget.due) await budget.pause();
    const { v, has, h } = column;
    for (let k = 0; k < steps; k += 1) {
      if (has[k] === 0) continue;
      const histogram = h?.[k];
      if (histogram !== undefined) {
        (histograms[k] ??= new HistogramSum(mean)).add(histogram, column.labels.name);
        continue;
      }
      count[k] += 1;
      acc.sum = sum[k];
      acc.c = low[k];
      if (mean && count[k] > 1) running[k] = addToMean(acc, v[k], count[k], running[k] === 1) ? 1 : 0;
      else addTo(acc, v[k]);
      sum[k] = acc.sum;
      low[k] = acc.c;
    }
  }
  finishFloats(out, count, low, mean ? running : undefined);
  finishHistograms(out, histograms, count, node, notes);
  return out;
}

/** Adds the low bits to the sums. `running` is set for means; a 1 in it marks a step that is already divided. */
function finishFloats(out: Column, count: Uint32Array, low: Float64Array, running: Uint8Array | undefined): void {
  const { v, has } = out;
  for (let k = 0; k < v.length; k += 1) {
    if (count[k] === 0) continue;
    has[k] = 1;
    v[k] = running?.[k] === 0 ? v[k] / count[k] + low[k] / count[k] : v[k] + low[k];
  }
}

function finishHistograms(
  out: Column,
  histograms: readonly HistogramSum[],
  floats: Uint32Array,
  node: AggregateExpr,
  notes: Annotations,
): void {
  histograms.forEach((sum, k) => {
    if (floats[k] > 0) {
      notes.mixedInAggregation(node.expr.pos);
      out.has[k] = 0;
      return;
    }
    const result = sum.result(notes, node.expr.pos);
    if (result !== undefined) setHistogram(out, k, result);
  });
}

async function extremeOf(group: Group, steps: number, sign: 1 | -1, budget: Budget): Promise<Column> {
  const out = newColumn(group.labels, steps, group.dropName);
  for (const column of group.members) {
    if (budget.due) await budget.pause();
    for (let k = 0; k < steps; k += 1) {
      if (!isFloat(column, k)) continue;
      const value = column.v[k];
      // Any number is preferred to NaN.
      if (out.has[k] === 0 || sign * value > sign * out.v[k] || Number.isNaN(out.v[k])) out.v[k] = value;
      out.has[k] = 1;
    }
  }
  return out;
}

async function countOf(group: Group, steps: number, asOne: boolean, budget: Budget): Promise<Column> {
  const out = newColumn(group.labels, steps, group.dropName);
  for (const { has } of group.members) {
    if (budget.due) await budget.pause();
    for (let k = 0; k < steps; k += 1) {
      if (has[k] === 0) continue;
      out.has[k] = 1;
      out.v[k] = asOne ? 1 : out.v[k] + 1;
    }
  }
  return out;
}

/** Population variance by Welford's recurrence. */
async function varianceOf(group: Group, steps: number, root: boolean, budget: Budget): Promise<Column> {
  const out = newColumn(group.labels, steps, group.dropName);
  const count = new Uint32Array(steps);
  const mean = new Float64Array(steps);
  const meanLow = new Float64Array(steps);
  const low = new Float64Array(steps);
  const acc = { sum: 0, c: 0 };
  for (const column of group.members) {
    if (budget.due) await budget.pause();
    for (let k = 0; k < steps; k += 1) {
      if (!isFloat(column, k)) continue;
      const value = column.v[k];
      count[k] += 1;
      const delta = value - (mean[k] + meanLow[k]);
      acc.sum = mean[k];
      acc.c = meanLow[k];
      addTo(acc, delta / count[k]);
      mean[k] = acc.sum;
      meanLow[k] = acc.c;
      acc.sum = out.v[k];
      acc.c = low[k];
      addTo(acc, delta * (value - (mean[k] + meanLow[k])));
      out.v[k] = acc.sum;
      low[k] = acc.c;
    }
  }
  for (let k = 0; k < steps; k += 1) {
    if (count[k] === 0) continue;
    out.has[k] = 1;
    const variance = (out.v[k] + low[k]) / count[k];
    out.v[k] = root ? Math.sqrt(variance) : variance;
  }
  return out;
}

/** Adds an info when an aggregation of floats has histograms among its members. */
export function noteIgnoredHistograms(group: Group, node: AggregateExpr, notes: Annotations): void {
  if (group.members.some((column) => column.h?.some((h, k) => h !== undefined && column.has[k] === 1))) {
    // Prometheus names the place of the whole aggregation where it keeps series.
    const keepsSeries = node.op === 'topk' || node.op === 'bottomk';
    notes.histogramIgnored(node.op, keepsSeries ? node.pos : node.expr.pos);
  }
}

/** The value of one group at each step. */
export async function aggregateGroup(
  group: Group,
  steps: number,
  node: AggregateExpr,
  notes: Annotations,
  budget: Budget,
): Promise<Column> {
  switch (node.op) {
    case 'sum':
    case 'avg':
      return sumInto(group, steps, node.op === 'avg', node, notes, budget);
    case 'count':
    case 'group':
      return countOf(group, steps, node.op === 'group', budget);
    case 'min':
    case 'max':
      noteIgnoredHistograms(group, node, notes);
      return extremeOf(group, steps, node.op === 'max' ? 1 : -1, budget);
    case 'stddev':
    case 'stdvar':
      noteIgnoredHistograms(group, node, notes);
      return varianceOf(group, steps, node.op === 'stddev', budget);
    default:
      throw new TypeError(`${node.op} is not an aggregation with one running value`);
  }
}
