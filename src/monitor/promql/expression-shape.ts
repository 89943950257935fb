/** Small questions about the shape of an expression that several parts of the engine ask. */
import type { Expr, VectorSelector } from './ast.ts';

export function unwrapParens(expr: Expr): Expr {
  let inner = expr;
  while (inner.kind === 'paren') inner = inner.expr;
  return inner;
}

/** The bare selector behind an argument, through parentheses; undefined when it is anything else. */
export function bareSelector(expr: Expr): VectorSelector | undefined {
  const inner = unwrapParens(expr);
  if (inner.kind === 'vector_selector') return inner;
  return inner.kind === 'matrix_selector' ? inner.selector : undefined;
}
