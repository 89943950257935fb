/**
 * Aggregations that need all members of a group at one step: topk, bottomk, limitk, limit_ratio (these keep series),
 * quantile and count_values. Their parameter may change from step to step.
 */
import { placeOfLabels } from './label-hash.ts';
import type { Annotations } from '../columns/annotations.ts';
import type { AggregateExpr, Expr } from '../syntax/ast.ts';
import type { Budget } from '../columns/budget.ts';
import { newColumn, queryFailed, type Column, type Frame, type Value } from '../columns/column.ts';
import { quantileOf } from '../columns/float-sums.ts';
import { formatPlain } from '../../../model/go-float.ts';
import { noteIgnoredHistograms } from './aggregate.ts';
import { groupColumns, groupLabels, type Group } from '../columns/grouping.ts';
import { histogramText } from '../histograms/text.ts';
import { quote } from '../../../model/text/quoting.ts';

/** The largest 64-bit integer as a float. Larger parameters are refused, as in Prometheus. */
const MAX_INT64 = 2 ** 63;

/** A copy without samples. A step gets its sample back where the series is chosen. */
function unchosen(column: Column): Column {
  return { ...column, has: new Uint8Array(column.has.length) };
}

interface Chosen {
  readonly from: Column;
  readonly to: Column;
}

const copies = (group: Group): Chosen[] => group.members.map((from) => ({ from, to: unchosen(from) }));

/** The whole number of series to keep at each step; undefined when no step keeps any. */
function counts(param: Float64Array): Float64Array | undefined {
  for (const k of param) {
    if (Number.isNaN(k)) throw queryFailed('Parameter value is NaN');
    if (k <= -MAX_INT64) throw queryFailed(`Scalar value ${k} underflows int64`);
    if (k >= MAX_INT64) throw queryFailed(`Scalar value ${k} overflows int64`);
  }
  const whole = param.map(Math.trunc);
  return whole.some((k) => k >= 1) ? whole : undefined;
}

const isFloatAt = ({ from }: Chosen, k: number): boolean => from.has[k] === 1 && from.h?.[k] === undefined;

/** With a higher limit, sorting all members is cheaper than keeping a short list in order. */
const SHORT_LIST = 64;

/** Negative when a ranks before b. NaN is last. */
function rankOrder(a: number, b: number, sign: 1 | -1): number {
  if (Number.isNaN(a)) return Number.isNaN(b) ? 0 : 1;
  if (Number.isNaN(b) || a === b) return Number.isNaN(b) ? -1 : 0;
  return a > b ? -sign : sign;
}

/** The first `limit` members at a step, best first. Of equal members, the earlier series is first. */
function ranked(members: readonly Chosen[], k: number, limit: number, sign: 1 | -1): Chosen[] {
  if (limit > SHORT_LIST) {
    const all = members.filter((m) => isFloatAt(m, k));
    return all.sort((a, b) => rankOrder(a.from.v[k], b.from.v[k], sign)).slice(0, limit);
  }
  const best: Chosen[] = [];
  for (const member of members) {
    if (!isFloatAt(member, k)) continue;
    const value = member.from.v[k];
    if (best.length === limit && rankOrder(value, best[limit - 1].from.v[k], sign) >= 0) continue;
    if (best.length === limit) best.pop();
    let at = best.length;
    while (at > 0 && rankOrder(value, best[at - 1].from.v[k], sign) < 0) at -= 1;
    best.splice(at, 0, member);
  }
  return best;
}

async function topOrBottom(
  series: readonly Column[],
  param: Float64Array,
  node: AggregateExpr,
  frame: Frame,
  notes: Annotations,
  budget: Budget,
): Promise<Column[]> {
  const limits = counts(param);
  if (limits === undefined) return [];
  const out: Column[] = [];
  for (const group of groupColumns(series, node)) {
    noteIgnoredHistograms(group, node, notes);
    const members = copies(group);
    let last: Chosen[] = [];
    for (let k = 0; k < frame.steps; k += 1) {
      if (limits[k] < 1) continue;
      if (budget.due) await budget.pause();
      last = ranked(members, k, limits[k], node.op === 'topk' ? 1 : -1);
      for (const { to } of last) to.has[k] = 1;
    }
    // The result of an instant query is in the order of rank.
    out.push(...(frame.instant ? last : members).map(({ to }) => to));
  }
  return out;
}

function limitK(series: readonly Column[], param: Float64Array, node: AggregateExpr): Column[] {
  const limits = counts(param);
  if (limits === undefined) return [];
  const out: Column[] = [];
  for (const group of groupColumns(series, node)) {
    const taken = new Uint32Array(limits.length);
    for (const { from, to } of copies(group)) {
      for (let k = 0; k < limits.length; k += 1) {
        if (from.has[k] === 0 || taken[k] >= limits[k]) continue;
        taken[k] += 1;
        to.has[k] = 1;
      }
      out.push(to);
    }
  }
  return out;
}

/** A ratio below zero keeps the series that the ratio `1 + r` does not keep. */
const isKept = (place: number, ratio: number): boolean => (ratio >= 0 ? place < ratio : place >= 1 + ratio);

function limitRatio(series: readonly Column[], param: Float64Array, paramExpr: Expr, notes: Annotations): Column[] {
  const most = param.reduce((a, b) => Math.max(a, b), -Infinity);
  const least = param.reduce((a, b) => Math.min(a, b), Infinity);
  if (param.some(Number.isNaN)) throw queryFailed('Ratio value is NaN');
  if (most > 1) notes.invalidRatio(most, 1, paramExpr.pos);
  if (least < -1) notes.invalidRatio(least, -1, paramExpr.pos);
  const ratios = param.map((r) => Math.min(1, Math.max(-1, r)));
  return series.map((column) => {
    const out = unchosen(column);
    const place = placeOfLabels(column.labels);
    for (let k = 0; k < ratios.length; k += 1) out.has[k] = isKept(place, ratios[k]) ? column.has[k] : 0;
    return out;
  });
}

async function quantileAggregate(
  series: readonly Column[],
  param: Float64Array,
  node: AggregateExpr,
  paramExpr: Expr,
  notes: Annotations,
  budget: Budget,
): Promise<Column[]> {
  noteQuantiles(param, paramExpr, notes);
  const results: Column[] = [];
  for (const group of groupColumns(series, node)) {
    noteIgnoredHistograms(group, node, notes);
    const out = newColumn(group.labels, param.length, group.dropName);
    const values = new Float64Array(group.members.length);
    for (let k = 0; k < param.length; k += 1) {
      if (budget.due) await budget.pause();
      let count = 0;
      for (const { v, has, h } of group.members) {
        if (has[k] === 1 && h?.[k] === undefined) values[count++] = v[k];
      }
      if (count === 0) continue;
      out.has[k] = 1;
      out.v[k] = quantileOf(param[k], values.subarray(0, count));
    }
    results.push(out);
  }
  return results;
}

/** Adds one warning for each kind of invalid quantile. */
export function noteQuantiles(param: Float64Array, expr: Expr, notes: Annotations): void {
  if (param.some(Number.isNaN)) notes.invalidQuantile(Number.NaN, expr.pos);
  const most = param.reduce((a, b) => Math.max(a, b), -Infinity);
  const least = param.reduce((a, b) => Math.min(a, b), Infinity);
  if (most > 1) notes.invalidQuantile(most, expr.pos);
  if (least < 0) notes.invalidQuantile(least, expr.pos);
}

/** Makes one series for each value. Its value is the number of members that have that value. */
async function countValues(
  series: readonly Column[],
  label: string,
  node: AggregateExpr,
  steps: number,
  budget: Budget,
): Promise<Column[]> {
  if (label === '' || !label.isWellFormed()) throw queryFailed(`invalid label name ${quote(label)}`);
  const grouping = node.without ? node.grouping : [...node.grouping, label];
  const byKey = new Map<string, Column>();
  for (const column of series) {
    if (budget.due) await budget.pause();
    const cache = new Map<string, Column>();
    for (let k = 0; k < steps; k += 1) {
      if (column.has[k] === 0) continue;
      const histogram = column.h?.[k];
      const text = histogram === undefined ? formatPlain(column.v[k]) : histogramText(histogram);
      let out = cache.get(text);
      if (out === undefined) {
        const labels = groupLabels(column.labels.with(label, text), { without: node.without, grouping });
        out = byKey.get(labels.key);
        if (out === undefined) {
          budget.take(steps);
          out = newColumn(labels, steps, false);
        }
        out.dropName ||= column.dropName;
        byKey.set(labels.key, out);
        cache.set(text, out);
      }
      out.has[k] = 1;
      out.v[k] += 1;
    }
  }
  return [...byKey.values()];
}

/** The aggregations that have a parameter. */
export async function aggregateWithParam(
  node: AggregateExpr,
  paramExpr: Expr,
  param: Value,
  series: readonly Column[],
  frame: Frame,
  notes: Annotations,
  budget: Budget,
): Promise<Column[]> {
  if (param.kind === 'string') return countValues(series, param.v, node, frame.steps, budget);
  if (param.kind !== 'scalar') throw new TypeError(`the parameter of ${node.op} is a ${param.kind}`);
  switch (node.op) {
    case 'topk':
    case 'bottomk':
      return topOrBottom(series, param.v, node, frame, notes, budget);
    case 'limitk':
      return limitK(series, param.v, node);
    case 'limit_ratio':
      return limitRatio(series, param.v, paramExpr, notes);
    default:
      return quantileAggregate(series, param.v, node, paramExpr, notes, budget);
  }
}
