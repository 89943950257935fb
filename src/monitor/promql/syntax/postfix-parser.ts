/** Parses the suffixes that belong to one operand only: `[range]`, `[range:step]`, `offset`, `@`, `anchored`, `smoothed`. */
import type { At, Expr, MatrixSelector, Modifiers, SubqueryExpr, VectorSelector } from './ast.ts';
import type { Cursor } from './cursor.ts';
import { parseDurationExpr, parseOffset } from './duration-parser.ts';
import { parseDurationToken, parseNumber } from './numbers.ts';

const RANGE_CONTEXT = 'subquery or range selector';
/** Prometheus refuses timestamps that int64 milliseconds cannot hold. */
const MAX_TIMESTAMP_MS = 9_223_372_036_854_775_000;

export function parsePostfix(cursor: Cursor, operand: Expr): Expr {
  let expr = operand;
  for (;;) {
    if (cursor.isPunct('[')) expr = parseBrackets(cursor, expr);
    else if (cursor.isWord('offset')) expr = parseOffsetModifier(cursor, expr);
    else if (cursor.isPunct('@')) expr = parseAtModifier(cursor, expr);
    else if (cursor.isWord('anchored') || cursor.isWord('smoothed')) expr = parseExtended(cursor, expr);
    else return expr;
  }
}

function parseBrackets(cursor: Cursor, expr: Expr): Expr {
  const bracket = cursor.take();
  if (cursor.isPunct(']') || cursor.isPunct(':')) {
    throw cursor.unexpected(RANGE_CONTEXT, 'number, duration, step(), or range()');
  }
  const range = parseDurationExpr(cursor, RANGE_CONTEXT);
  if (range.kind === 'ms' && range.ms <= 0) throw cursor.fail(range.pos, 'duration must be greater than 0');
  if (cursor.isPunct(':')) return parseSubquery(cursor, expr, range);
  if (!cursor.isPunct(']')) throw cursor.unexpected(RANGE_CONTEXT, '"]"');
  const close = cursor.take();
  const pos = { start: bracket.start, end: close.end };
  if (expr.kind !== 'vector_selector') throw cursor.fail(pos, 'ranges only allowed for vector selectors');
  if (expr.offset !== undefined) throw cursor.fail(pos, 'no offset modifiers allowed before range');
  if (expr.at !== undefined) throw cursor.fail(pos, 'no @ modifiers allowed before range');
  return { kind: 'matrix_selector', selector: expr, range, pos: { start: expr.pos.start, end: close.end } };
}

function parseSubquery(cursor: Cursor, expr: Expr, range: SubqueryExpr['range']): SubqueryExpr {
  cursor.take();
  const step = cursor.isPunct(']') ? undefined : parseDurationExpr(cursor, 'subquery selector');
  if (step?.kind === 'ms' && step.ms <= 0) throw cursor.fail(step.pos, 'duration must be greater than 0');
  if (!cursor.isPunct(']')) throw cursor.unexpected('subquery selector', '"]"');
  const close = cursor.take();
  return { kind: 'subquery', expr, range, step, pos: { start: expr.pos.start, end: close.end } };
}

type Modifiable = VectorSelector | MatrixSelector | SubqueryExpr;

const isModifiable = (expr: Expr): expr is Modifiable =>
  expr.kind === 'vector_selector' || expr.kind === 'matrix_selector' || expr.kind === 'subquery';

/** The node that stores the modifiers of an expression. */
const modifiersOf = (expr: Modifiable): Modifiers => (expr.kind === 'matrix_selector' ? expr.selector : expr);

function withModifiers(expr: Modifiable, added: Modifiers & Pick<VectorSelector, 'extended'>, end: number): Expr {
  const pos = { start: expr.pos.start, end };
  if (expr.kind !== 'matrix_selector') return { ...expr, ...added, pos };
  return { ...expr, selector: { ...expr.selector, ...added }, pos };
}

function parseOffsetModifier(cursor: Cursor, expr: Expr): Expr {
  cursor.take();
  const offset = parseOffset(cursor);
  if (!isModifiable(expr)) {
    const kinds = 'an instant vector selector or range vector selector or a subquery';
    throw cursor.fail(expr.pos, `offset modifier must be preceded by ${kinds}`);
  }
  if (modifiersOf(expr).offset !== undefined) throw cursor.fail(expr.pos, 'offset may not be set multiple times');
  return withModifiers(expr, { offset }, cursor.lastEnd);
}

function parseAtModifier(cursor: Cursor, expr: Expr): Expr {
  cursor.take();
  const at = parseAt(cursor);
  if (!isModifiable(expr)) {
    const kinds = 'an instant vector selector or range vector selector or a subquery';
    throw cursor.fail(expr.pos, `@ modifier must be preceded by ${kinds}`);
  }
  if (modifiersOf(expr).at !== undefined) throw cursor.fail(expr.pos, '@ <timestamp> may not be set multiple times');
  return withModifiers(expr, { at }, cursor.lastEnd);
}

function parseAt(cursor: Cursor): At {
  if (cursor.isWord('start') || cursor.isWord('end')) {
    const kind = cursor.take().text.toLowerCase() as 'start' | 'end';
    cursor.expectPunct('(', '@');
    cursor.expectPunct(')', '@');
    return { kind };
  }
  const negative = cursor.isOp('-');
  if (negative || cursor.isOp('+')) cursor.take();
  const token = cursor.current;
  const isNumber = token.kind === 'number' || cursor.isWord('inf') || cursor.isWord('nan');
  if (!isNumber && token.kind !== 'duration') throw cursor.unexpected('@', 'timestamp');
  cursor.take();
  const ms = isNumber ? (parseNumber(token.text) ?? NaN) * 1_000 : parseDurationToken(token.text);
  if (typeof ms === 'string') throw cursor.fail(token, ms);
  if (!(Math.abs(ms) < MAX_TIMESTAMP_MS)) {
    throw cursor.fail(token, `timestamp out of bounds for @ modifier: ${token.text}`);
  }
  // Go rounds to the nearest millisecond, and halves away from zero.
  return { kind: 'time', ms: (negative ? -1 : 1) * Math.round(ms) + 0 };
}

function parseExtended(cursor: Cursor, expr: Expr): Expr {
  const token = cursor.take();
  const extended = token.text.toLowerCase() as 'anchored' | 'smoothed';
  if (expr.kind === 'subquery') throw cursor.fail(expr.pos, `${extended} modifier is not supported for subqueries`);
  if (expr.kind !== 'vector_selector' && expr.kind !== 'matrix_selector')
    throw cursor.fail(expr.pos, `${extended} modifier not implemented`);
  const selector = expr.kind === 'matrix_selector' ? expr.selector : expr;
  if (selector.extended !== undefined && selector.extended !== extended)
    throw cursor.fail(expr.pos, 'anchored and smoothed modifiers cannot be used together');
  return withModifiers(expr, { extended }, token.end);
}
