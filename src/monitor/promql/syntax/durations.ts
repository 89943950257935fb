/**
 * Computes durations. `step()` and `range()` are those of the outer query, literals are in seconds, and the arithmetic is
 * done in seconds (`[2m * 15]` is 30 m), as in Prometheus' promql/durations.go.
 */
import { VitrineError } from '../../../base/errors.ts';
import type { DurationExpr, Expr, Modifiers, VectorSelector } from './ast.ts';
import { secondsToMs } from './numbers.ts';

export interface DurationContext {
  /** 0 for an instant query. */
  readonly stepMs: number;
  /** End minus start of the query. */
  readonly rangeMs: number;
}

function seconds(expr: DurationExpr, context: DurationContext): number {
  switch (expr.kind) {
    case 'ms':
      return expr.ms / 1_000;
    case 'step':
      return context.stepMs / 1_000;
    case 'range':
      return context.rangeMs / 1_000;
    case 'negate':
      return -seconds(expr.expr, context);
    case 'paren':
      return seconds(expr.expr, context);
    case 'min_of':
      return Math.min(seconds(expr.left, context), seconds(expr.right, context));
    case 'max_of':
      return Math.max(seconds(expr.left, context), seconds(expr.right, context));
    default:
      return arithmetic(expr, seconds(expr.left, context), seconds(expr.right, context));
  }
}

function arithmetic(expr: DurationExpr & { kind: 'binary' }, left: number, right: number): number {
  switch (expr.op) {
    case '+':
      return left + right;
    case '-':
      return left - right;
    case '*':
      return left * right;
    case '/':
      if (right === 0) throw failure(expr, 'division by zero');
      return left / right;
    case '%':
      if (right === 0) throw failure(expr, 'modulo by zero');
      return left % right;
    default:
      return left ** right;
  }
}

const failure = ({ pos }: DurationExpr, message: string): VitrineError =>
  new VitrineError('query_failed', `${pos.start}:${pos.end}: ${message}`);

/** The duration in whole milliseconds. Throws VitrineError `query_failed`. */
export function durationMs(expr: DurationExpr, context: DurationContext, mayBeNegative: boolean): number {
  const value = seconds(expr, context);
  const ms = secondsToMs(value);
  if (!mayBeNegative && value <= 0) throw failure(expr, 'duration must be greater than 0');
  if (ms === undefined) throw failure(expr, 'duration is out of range');
  return ms;
}

/**
 * Returns the same tree with all durations of the kind `ms`, in whole milliseconds.
 * Throws VitrineError `query_failed` for a range or step that is not above 0, a division by zero, or a value out of range.
 */
export function foldDurations(expr: Expr, context: DurationContext): Expr {
  const fold = (inner: Expr): Expr => foldDurations(inner, context);
  switch (expr.kind) {
    case 'number':
    case 'string':
      return expr;
    case 'paren':
    case 'unary':
      return { ...expr, expr: fold(expr.expr) };
    case 'binary':
      return { ...expr, left: fold(expr.left), right: fold(expr.right) };
    case 'aggregate':
      return { ...expr, expr: fold(expr.expr), param: expr.param === undefined ? undefined : fold(expr.param) };
    case 'call':
      return { ...expr, args: expr.args.map(fold) };
    case 'vector_selector':
      return foldOffset(expr, context);
    case 'matrix_selector':
      return {
        ...expr,
        selector: foldOffset<VectorSelector>(expr.selector, context),
        range: folded(expr.range, context, false),
      };
    default:
      return {
        ...foldOffset(expr, context),
        expr: fold(expr.expr),
        range: folded(expr.range, context, false),
        step: expr.step === undefined ? undefined : folded(expr.step, context, false),
      };
  }
}

function folded(expr: DurationExpr, context: DurationContext, mayBeNegative: boolean): DurationExpr {
  return { kind: 'ms', ms: durationMs(expr, context, mayBeNegative), pos: expr.pos };
}

function foldOffset<T extends Modifiers>(expr: T, context: DurationContext): T {
  if (expr.offset === undefined) return expr;
  return { ...expr, offset: folded(expr.offset, context, true) };
}
