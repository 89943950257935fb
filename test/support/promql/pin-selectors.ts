/** Puts `@ t` on every selector and subquery that has none, where this must not change what the query answers at t. */
import type { Expr } from '../../../src/monitor/promql/syntax/ast.ts';

/** Their results follow the evaluation time whatever their argument is pinned to. */
const TIME_DEPENDENT =
  /^(?:days_in_month|day_of_month|day_of_week|day_of_year|hour|minute|month|year|predict_linear|time|timestamp|start_timestamp|info)$/;

/** Undefined when the query depends on the time of evaluation in a way that `@` does not fix. */
export function pinSelectors(expr: Expr, ms: number): Expr | undefined {
  const at = { kind: 'time', ms } as const;
  const pin = (inner: Expr): Expr | undefined => pinSelectors(inner, ms);
  switch (expr.kind) {
    case 'number':
    case 'string':
      return expr;
    case 'vector_selector':
      return { ...expr, at: expr.at ?? at };
    case 'matrix_selector':
      return { ...expr, selector: { ...expr.selector, at: expr.selector.at ?? at } };
    case 'subquery':
      // Selectors inside follow the steps of the subquery.
      return usesTime(expr.expr) ? undefined : { ...expr, at: expr.at ?? at };
    case 'paren':
    case 'unary': {
      const inner = pin(expr.expr);
      return inner && { ...expr, expr: inner };
    }
    case 'binary': {
      const left = pin(expr.left);
      const right = pin(expr.right);
      return left && right && { ...expr, left, right };
    }
    case 'aggregate': {
      const inner = pin(expr.expr);
      const param = expr.param && pin(expr.param);
      if (inner === undefined || (expr.param !== undefined && param === undefined)) return undefined;
      return { ...expr, expr: inner, param };
    }
    case 'call': {
      if (TIME_DEPENDENT.test(expr.func)) return undefined;
      const args = expr.args.map(pin);
      return args.every((arg) => arg !== undefined) ? { ...expr, args } : undefined;
    }
    default:
      return undefined;
  }
}

function usesTime(expr: Expr): boolean {
  return expr.kind === 'call' && expr.func === 'info';
}
