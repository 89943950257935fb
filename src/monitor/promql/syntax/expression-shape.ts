/** Functions about the shape of an expression that several parts of the engine use. */
import type { Expr, VectorSelector } from './ast.ts';

export function unwrapParens(expr: Expr): Expr {
  let inner = expr;
  while (inner.kind === 'paren') inner = inner.expr;
  return inner;
}

/** The selector of an argument that is a selector, with or without parentheses; undefined for all other arguments. */
export function bareSelector(expr: Expr): VectorSelector | undefined {
  const inner = unwrapParens(expr);
  if (inner.kind === 'vector_selector') return inner;
  return inner.kind === 'matrix_selector' ? inner.selector : undefined;
}

/** The direct children of a node. */
export function childrenOf(expr: Expr): readonly Expr[] {
  switch (expr.kind) {
    case 'paren':
    case 'unary':
    case 'subquery':
      return [expr.expr];
    case 'binary':
      return [expr.left, expr.right];
    case 'aggregate':
      return expr.param === undefined ? [expr.expr] : [expr.param, expr.expr];
    case 'call':
      return expr.args;
    case 'matrix_selector':
      return [expr.selector];
    default:
      return [];
  }
}

/** All selectors of an expression, in the order of the text. */
export function selectorsOf(expr: Expr): VectorSelector[] {
  return expr.kind === 'vector_selector' ? [expr] : childrenOf(expr).flatMap(selectorsOf);
}
