/**
 * The figure behind a rule, without its comparison: its value, or why it has none. `no_data`: no series that the rule reads
 * exists now. `no_traffic`: the series exist and the figure has no value, such as a ratio of nothing.
 */
import type { Querier, QueryOptions, QueryValue } from '../../../model/ports.ts';
import type { Expr, VectorSelector } from '../../promql/syntax/ast.ts';
import { parse } from '../../promql/syntax/parser.ts';
import { print } from '../../promql/syntax/printer.ts';

export type Figure =
  | { readonly kind: 'value'; readonly value: number; readonly series: number }
  | { readonly kind: 'no_traffic' | 'no_data' };

const COMPARISONS: ReadonlySet<string> = new Set(['>', '<', '>=', '<=', '==', '!=']);
/** Selectors of one rule that are looked at. */
const MAX_SELECTORS = 20;

/** The part that gives the value: the left side of comparisons and of conditions. */
export function figureOf(expr: Expr): Expr {
  if (expr.kind === 'paren') return figureOf(expr.expr);
  if (expr.kind !== 'binary') return expr;
  if (COMPARISONS.has(expr.op) && !expr.bool) return figureOf(expr.left);
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
export async function figureAt(query: string, querier: Querier, atMs: number, options: QueryOptions): Promise<Figure> {
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
