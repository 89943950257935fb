/**
 * The figure behind a rule and the numbers that it is compared with. The figure stands without its comparison: it has a value,
 * or a reason for having none. `no_data`: no series that the rule reads exists now. `no_traffic`: the series exist and the
 * figure has no value, such as a ratio of nothing.
 */
import type { Querier, QueryOptions, QueryValue } from '../../../model/ports.ts';
import type { RuleFigure } from '../../../model/rules/rule-shapes.ts';
import type { BinaryExpr, Expr, VectorSelector } from '../../promql/syntax/ast.ts';
import { unwrapParens } from '../../promql/syntax/expression-shape.ts';
import { parse } from '../../promql/syntax/parser.ts';
import { print } from '../../promql/syntax/printer.ts';

export type ComparisonOperator = '>' | '>=' | '<' | '<=' | '==' | '!=';

export interface Comparison {
  /** The side that has series. */
  readonly left: Expr;
  readonly op: ComparisonOperator;
  readonly limit: number;
}

const OPERATORS: ReadonlySet<string> = new Set(['>', '>=', '<', '<=', '==', '!=']);
const isComparison = (op: string): op is ComparisonOperator => OPERATORS.has(op);

/** Selectors of one rule that are looked at. */
const MAX_SELECTORS = 20;

/** The part that gives the value: the side of a comparison that has series, and the left side of conditions. */
export function figureOf(expr: Expr): Expr {
  if (expr.kind === 'paren') return figureOf(expr.expr);
  if (expr.kind !== 'binary') return expr;
  if (isComparison(expr.op) && !expr.bool) return figureOf(numberOf(expr.left) === undefined ? expr.left : expr.right);
  if (expr.op === 'and' || expr.op === 'unless') return figureOf(expr.left);
  if (expr.op === 'or') return { ...expr, left: figureOf(expr.left), right: figureOf(expr.right) };
  return expr;
}

function selectorsIn(value: unknown, found: VectorSelector[]): void {
  if (found.length >= MAX_SELECTORS || typeof value !== 'object' || value === null) return;
  if ((value as { kind?: unknown }).kind === 'vector_selector') found.push(value as VectorSelector);
  else for (const inner of Object.values(value)) selectorsIn(inner, found);
}

function valuesOf(value: QueryValue): number[] {
  if (value.kind === 'scalar') return [value.v];
  return value.kind === 'vector' ? value.series.map(({ point }) => point.v) : [];
}

/** Throws the query's VitrineErrors. */
export async function figureAt(
  query: string,
  querier: Querier,
  atMs: number,
  options: QueryOptions,
): Promise<RuleFigure> {
  const expr = parse(query);
  const { value } = await querier.instant(print(figureOf(expr)), atMs, options);
  const values = valuesOf(value).filter((v) => !Number.isNaN(v));
  if (values.length > 0) return { kind: 'value', value: values[0], series: values.length };
  const selectors: VectorSelector[] = [];
  selectorsIn(expr, selectors);
  for (const selector of selectors) {
    const found = await querier.instant(print({ ...selector, at: undefined, offset: undefined }), atMs, options);
    if (valuesOf(found.value).length > 0) return { kind: 'no_traffic' };
  }
  return { kind: 'no_data' };
}

/** A product with an info metric adds labels and changes no value. */
export function addsLabels({ op, matching, right }: BinaryExpr): boolean {
  if (op !== '*' || matching?.card !== 'many-to-one') return false;
  const inner = unwrapParens(right);
  return inner.kind === 'vector_selector' && /[_:]info$/.test(inner.name);
}

/** The value of an expression of numbers; undefined for any other. */
function numberOf(expr: Expr): number | undefined {
  const inner = unwrapParens(expr);
  if (inner.kind === 'number') return inner.value;
  if (inner.kind === 'unary') {
    const value = numberOf(inner.expr);
    return value === undefined || inner.op === '+' ? value : -value;
  }
  if (inner.kind !== 'binary') return undefined;
  const [left, right] = [numberOf(inner.left), numberOf(inner.right)];
  if (left === undefined || right === undefined) return undefined;
  if (inner.op === '*') return left * right;
  if (inner.op === '/') return left / right;
  return inner.op === '+' ? left + right : inner.op === '-' ? left - right : undefined;
}

/** `0.1 < a` is `a > 0.1`. */
const MIRRORED: Readonly<Record<ComparisonOperator, ComparisonOperator>> = {
  '>': '<',
  '>=': '<=',
  '<': '>',
  '<=': '>=',
  '==': '==',
  '!=': '!=',
};

/**
 * The comparisons with a number that decide whether a rule fires. Conditions after `and` and `unless` only restrict it, and a
 * comparison with `bool` filters nothing.
 */
export function comparisonsOf(expr: Expr): Comparison[] {
  const inner = unwrapParens(expr);
  if (inner.kind === 'aggregate') return comparisonsOf(inner.expr);
  if (inner.kind !== 'binary') return [];
  const { op, left, right } = inner;
  if (op === 'or') return [...comparisonsOf(left), ...comparisonsOf(right)];
  if (op === 'and' || op === 'unless' || addsLabels(inner)) return comparisonsOf(left);
  if (!isComparison(op) || inner.bool) return [];
  const [before, limit] = [numberOf(left), numberOf(right)];
  if (limit !== undefined) return [{ left, op, limit }];
  return before === undefined ? [] : [{ left: right, op: MIRRORED[op], limit: before }];
}
