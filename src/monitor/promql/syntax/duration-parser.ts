/**
 * Parses durations inside `[ ]` and after `offset`. Brackets may contain a whole arithmetic expression. After `offset`, only
 * the first signed operand belongs to the offset, so `x offset 100 + 2` adds 2 to the value (Prometheus does the same).
 */
import type { DurationExpr } from './ast.ts';
import type { Cursor } from './cursor.ts';
import { NUMBER_WORDS } from './keywords.ts';
import { parseDurationToken, parseNumber, secondsToMs } from './numbers.ts';

const EXPECTED = 'number, duration, step(), or range()';
const PRECEDENCE: Readonly<Record<string, number>> = { '+': 1, '-': 1, '*': 2, '/': 2, '%': 2, '^': 4 };
/** Signs have the precedence of `*`: `-2^2` is -(2^2). */
const SIGN_OPERAND = 3;

type ArithmeticOp = '+' | '-' | '*' | '/' | '%' | '^';

/** The duration up to `]` or `:`, inside brackets. */
export function parseDurationExpr(cursor: Cursor, context: string): DurationExpr {
  return cursor.nested(() => parseBinary(cursor, context, 1));
}

function parseBinary(cursor: Cursor, context: string, minPrecedence: number): DurationExpr {
  let left = parseUnary(cursor, context, (inner) => parseBinary(inner, context, SIGN_OPERAND));
  for (;;) {
    const { kind, text } = cursor.current;
    const precedence = kind === 'op' ? (PRECEDENCE[text] ?? 0) : 0;
    if (precedence < minPrecedence || precedence === 0) return left;
    cursor.take();
    const next = text === '^' ? precedence : precedence + 1;
    const right = cursor.nested(() => parseBinary(cursor, context, next));
    left = {
      kind: 'binary',
      op: text as ArithmeticOp,
      left,
      right,
      pos: { start: left.pos.start, end: right.pos.end },
    };
  }
}

/** One signed operand: an `offset` takes no more than this. */
export function parseOffset(cursor: Cursor): DurationExpr {
  return parseUnary(cursor, 'offset', (inner) => parseUnaryOperand(inner, 'offset'));
}

function parseUnary(cursor: Cursor, context: string, operand: (cursor: Cursor) => DurationExpr): DurationExpr {
  if (!cursor.isOp('-') && !cursor.isOp('+')) return parseUnaryOperand(cursor, context);
  const sign = cursor.take();
  const expr = cursor.nested(() => operand(cursor));
  const pos = { start: sign.start, end: expr.pos.end };
  if (expr.kind === 'ms') return { kind: 'ms', ms: sign.text === '-' ? -expr.ms : expr.ms, pos };
  return sign.text === '-' ? { kind: 'negate', expr, pos } : { ...expr, pos };
}

function parseUnaryOperand(cursor: Cursor, context: string): DurationExpr {
  const token = cursor.current;
  if (token.kind === 'number' || token.kind === 'duration') return parseLiteral(cursor);
  if (cursor.isPunct('(')) {
    cursor.take();
    const expr = parseDurationExpr(cursor, context);
    const close = cursor.expectPunct(')', context, '")"');
    return { kind: 'paren', expr, pos: { start: token.start, end: close.end } };
  }
  if (token.kind !== 'word') throw cursor.unexpected(context, EXPECTED);
  const word = token.text.toLowerCase();
  if (NUMBER_WORDS.has(word)) throw cursor.fail(token, 'duration out of range');
  if (word === 'step' || word === 'range') {
    cursor.take();
    cursor.expectPunct('(', context);
    const close = cursor.expectPunct(')', context);
    return { kind: word, pos: { start: token.start, end: close.end } };
  }
  if (word !== 'min_of' && word !== 'max_of') throw cursor.unexpected(context, EXPECTED);
  cursor.take();
  cursor.expectPunct('(', context);
  const left = parseDurationExpr(cursor, context);
  cursor.expectPunct(',', context);
  const right = parseDurationExpr(cursor, context);
  const close = cursor.expectPunct(')', context);
  return { kind: word, left, right, pos: { start: token.start, end: close.end } };
}

function parseLiteral(cursor: Cursor): DurationExpr {
  const token = cursor.take();
  const pos = { start: token.start, end: token.end };
  if (token.kind === 'duration') {
    const ms = parseDurationToken(token.text);
    if (typeof ms === 'string') throw cursor.fail(token, ms);
    return { kind: 'ms', ms, pos };
  }
  const seconds = parseNumber(token.text);
  if (seconds === undefined) throw cursor.fail(token, `error parsing number: invalid syntax`);
  const ms = secondsToMs(seconds);
  if (ms === undefined) throw cursor.fail(token, 'duration out of range');
  // Fractions of a millisecond matter as factors (`[1h * 0.0001]`), so the literal keeps them. Folding truncates the result.
  return { kind: 'ms', ms: seconds * 1_000, pos };
}
