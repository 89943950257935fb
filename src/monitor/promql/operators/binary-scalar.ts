/** Binary operators with a scalar on one side or on both. */
import { scaleHistogram } from '../histograms/arithmetic.ts';
import type { Annotations } from '../columns/annotations.ts';
import type { BinaryExpr } from '../syntax/ast.ts';
import { queryFailed, setPoint, type Column, type ScalarValue, type Value } from '../columns/column.ts';
import { applyOperator, arithmeticOf, comparisonOf, isComparisonOp, keepsName } from './element-operators.ts';

/** Both sides are scalars. Comparisons give 0 or 1 (`bool` is required). */
export function scalarScalar(node: BinaryExpr, left: Float64Array, right: Float64Array): ScalarValue {
  const comparison = comparisonOf(node.op);
  const arithmetic = arithmeticOf(node.op);
  if (comparison !== undefined)
    return { kind: 'scalar', v: left.map((value, k) => Number(comparison(value, right[k]))) };
  if (arithmetic === undefined) throw queryFailed(`operator "${node.op}" not allowed for Scalar operations`);
  return { kind: 'scalar', v: left.map((value, k) => arithmetic(value, right[k])) };
}

/**
 * A vector and a scalar. The result is written into the columns of the vector. `swapped` is true when the scalar is on the
 * left.
 */
export function vectorScalar(
  node: BinaryExpr,
  series: Column[],
  scalar: Float64Array,
  swapped: boolean,
  notes: Annotations,
): Column[] {
  const comparison = comparisonOf(node.op);
  for (const column of series) {
    if (column.h !== undefined) mixedColumn(node, column, scalar, swapped, notes);
    else if (comparison !== undefined) compareColumn(column, scalar, comparison, swapped, node.bool);
    else computeColumn(node, column, scalar, swapped, notes);
    if (node.bool || !keepsName(node.op)) column.dropName = true;
  }
  return series;
}

function compareColumn(
  column: Column,
  scalar: Float64Array,
  comparison: (a: number, b: number) => boolean,
  swapped: boolean,
  bool: boolean,
): void {
  const { v, has } = column;
  for (let k = 0; k < v.length; k += 1) {
    if (has[k] === 0) continue;
    const keep = swapped ? comparison(scalar[k], v[k]) : comparison(v[k], scalar[k]);
    if (bool) v[k] = keep ? 1 : 0;
    else if (!keep) has[k] = 0;
  }
}

function computeColumn(
  node: BinaryExpr,
  column: Column,
  scalar: Float64Array,
  swapped: boolean,
  notes: Annotations,
): void {
  const { v, has } = column;
  const arithmetic = arithmeticOf(node.op);
  if (arithmetic === undefined) {
    mixedColumn(node, column, scalar, swapped, notes);
    return;
  }
  for (let k = 0; k < v.length; k += 1) {
    if (has[k] === 1) v[k] = swapped ? arithmetic(scalar[k], v[k]) : arithmetic(v[k], scalar[k]);
  }
}

function mixedColumn(
  node: BinaryExpr,
  column: Column,
  scalar: Float64Array,
  swapped: boolean,
  notes: Annotations,
): void {
  for (let k = 0; k < column.has.length; k += 1) {
    if (column.has[k] === 0) continue;
    const point = column.h?.[k] ?? column.v[k];
    const outcome = swapped
      ? applyOperator(node.op, scalar[k], point, notes, node.pos)
      : applyOperator(node.op, point, scalar[k], notes, node.pos);
    if (outcome === undefined || !(outcome.keep || node.bool)) column.has[k] = 0;
    else if (node.bool) setPoint(column, k, outcome.keep ? 1 : 0);
    // The result of a comparison is the vector's value, on whichever side the vector is.
    else setPoint(column, k, isComparisonOp(node.op) ? point : outcome.value);
  }
}

/** The unary minus. Changes the columns in place. */
export function negate(value: Value): Value {
  if (value.kind === 'scalar') return { kind: 'scalar', v: value.v.map((x) => -x) };
  if (value.kind === 'string') return value;
  for (const column of value.series) {
    for (let k = 0; k < column.v.length; k += 1) column.v[k] = -column.v[k];
    column.h = column.h?.map((h) => h && scaleHistogram(h, -1));
    column.dropName = true;
  }
  return value;
}
