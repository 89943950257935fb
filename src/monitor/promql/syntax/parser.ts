/**
 * PromQL text → checked tree, by precedence climbing. From the lowest precedence to the highest: `or`; `and unless`;
 * comparisons and trims; `+ -`; `* / % atan2`; signs; `^` (right-associative); `offset @ [ ]`, which belong to the last
 * operand only. Errors are VitrineError `query_invalid` with Prometheus' texts (`1:5: parse error: …`).
 */
import { VitrineError } from '../../../base/errors.ts';
import type { Matcher } from '../../../model/labels.ts';
import type { WorkMeter } from '../../../model/ports.ts';
import { parseAggregate, startsAggregate } from './aggregate-parser.ts';
import type { BinaryOp, Expr, VectorMatching } from './ast.ts';
import { parseMatching } from './binary-parser.ts';
import { checkSelector, checkTypes, isSetOperator, valueTypeOf } from './checker.ts';
import { Cursor } from './cursor.ts';
import { RESERVED } from './keywords.ts';
import { MAX_DEPTH, MAX_QUERY_LENGTH } from './limits.ts';
import { parseDurationToken, parseNumber } from './numbers.ts';
import { parsePostfix } from './postfix-parser.ts';
import { parseBraces, parseString } from './selector-parser.ts';

export interface ParseOptions {
  /** Allows experimental functions and aggregations; on by default. */
  readonly experimental?: boolean | undefined;
  /** In UTF-16 units. */
  readonly maxLength?: number | undefined;
  /** Counts the patterns that are compiled. An error that it throws ends the parsing. */
  readonly meter?: WorkMeter | undefined;
}

const PRECEDENCE = new Map<string, number>([
  ['or', 1],
  ['and', 2],
  ['unless', 2],
  ...(['==', '!=', '>', '<', '>=', '<=', '</', '>/'] as const).map((op) => [op, 3] as const),
  ['+', 4],
  ['-', 4],
  ['*', 5],
  ['/', 5],
  ['%', 5],
  ['atan2', 5],
  ['^', 6],
]);
const POWER = 6;
/** Height of a node above its deepest leaf. Stored for nodes of operator chains, which are built without recursion. */
const heights = new WeakMap<Expr, number>();

/** Throws VitrineError `query_invalid`. */
export function parse(text: string, options: ParseOptions = {}): Expr {
  const cursor = open(text, options);
  if (cursor.atEnd()) throw cursor.fail({ start: 0, end: 0 }, 'no expression found in input');
  const expr = parseExpr(cursor);
  if (!cursor.atEnd()) throw cursor.unexpected();
  checkTypes(expr, text, options.experimental ?? true);
  return expr;
}

/** Matchers of a bare selector, in the form that `match[]` takes. Throws VitrineError `query_invalid`. */
export function parseSelector(text: string, options: ParseOptions = {}): Matcher[] {
  const cursor = open(text, options);
  if (cursor.atEnd()) throw cursor.fail({ start: 0, end: 0 }, 'no expression found in input');
  const expr = parsePrimary(cursor);
  if (!cursor.atEnd()) throw cursor.unexpected();
  if (expr.kind !== 'vector_selector') throw cursor.fail(expr.pos, 'expected a metric selector');
  checkSelector(expr, text);
  return [...expr.matchers];
}

function open(text: string, { maxLength = MAX_QUERY_LENGTH, meter }: ParseOptions): Cursor {
  if (text.length > maxLength) {
    throw new VitrineError('query_invalid', `1:1: parse error: query is longer than ${maxLength} characters`);
  }
  return new Cursor(text, meter);
}

function parseExpr(cursor: Cursor): Expr {
  return parseBinary(cursor, 1);
}

function operatorAt(cursor: Cursor): string | undefined {
  const { kind, text } = cursor.current;
  if (kind === 'op') return text;
  return kind === 'word' && /^(?:and|or|unless|atan2)$/i.test(text) ? text.toLowerCase() : undefined;
}

function parseBinary(cursor: Cursor, minPrecedence: number): Expr {
  let left = cursor.nested(() => parseUnary(cursor));
  for (;;) {
    const op = operatorAt(cursor);
    const precedence = op === undefined ? undefined : PRECEDENCE.get(op);
    if (op === undefined || precedence === undefined || precedence < minPrecedence) return left;
    cursor.take();
    const { bool, matching } = parseMatching(cursor);
    const right = cursor.nested(() => parseBinary(cursor, op === '^' ? precedence : precedence + 1));
    const height = Math.max(heights.get(left) ?? 0, heights.get(right) ?? 0) + 1;
    const pos = { start: left.pos.start, end: right.pos.end };
    if (height > MAX_DEPTH) throw cursor.fail(pos, `nested too deeply, the limit is ${MAX_DEPTH} levels`);
    left = { kind: 'binary', op: op as BinaryOp, left, right, bool, matching: settled(op, matching, left, right), pos };
    heights.set(left, height);
  }
}

/**
 * A matching needs two vectors. Without two vectors, a matching that has labels or fills is kept, so that the checker
 * refuses it.
 */
function settled(op: string, matching: VectorMatching, left: Expr, right: Expr): VectorMatching | undefined {
  const vectors = valueTypeOf(left) === 'vector' && valueTypeOf(right) === 'vector';
  const asks = matching.labels.length > 0 || matching.fillLeft !== undefined || matching.fillRight !== undefined;
  if (!vectors && !asks) return undefined;
  return isSetOperator(op) && matching.card === 'one-to-one' ? { ...matching, card: 'many-to-many' } : matching;
}

function parseUnary(cursor: Cursor): Expr {
  if (!cursor.isOp('-') && !cursor.isOp('+')) return parsePostfix(cursor, parsePrimary(cursor));
  const sign = cursor.take();
  const expr = parseBinary(cursor, POWER);
  const pos = { start: sign.start, end: expr.pos.end };
  // A literal with a sign is a literal. `-1^2` is not a literal, because the operand of its sign is the power.
  if (expr.kind === 'number') return { ...expr, value: sign.text === '-' ? -expr.value : expr.value, pos };
  return { kind: 'unary', op: sign.text as '+' | '-', expr, pos };
}

function parsePrimary(cursor: Cursor): Expr {
  const token = cursor.current;
  const pos = { start: token.start, end: token.end };
  switch (token.kind) {
    case 'number':
    case 'duration':
      return parseNumberLiteral(cursor);
    case 'string':
      return { kind: 'string', value: parseString(cursor), pos };
    case 'metric_word':
      return parseSelectorAt(cursor);
    case 'word':
      return parseWord(cursor);
    default:
  }
  if (cursor.isPunct('{')) return parseSelectorAt(cursor);
  if (!cursor.isPunct('(')) throw cursor.unexpected();
  cursor.take();
  const expr = parseExpr(cursor);
  const close = cursor.isPunct(')') ? cursor.take() : undefined;
  if (close === undefined) throw cursor.unexpected();
  return { kind: 'paren', expr, pos: { start: token.start, end: close.end } };
}

function parseWord(cursor: Cursor): Expr {
  const lower = cursor.current.text.toLowerCase();
  if (lower === 'inf' || lower === 'nan') return parseNumberLiteral(cursor);
  if (startsAggregate(cursor)) return parseAggregate(cursor, () => parseArguments(cursor));
  if (cursor.isPunct('(', cursor.following) && !RESERVED.has(lower)) {
    const name = cursor.take();
    const args = parseArguments(cursor);
    return { kind: 'call', func: name.text, args, pos: { start: name.start, end: cursor.lastEnd } };
  }
  if (RESERVED.has(lower)) throw cursor.unexpected();
  return parseSelectorAt(cursor);
}

/** `(a, b, …)` of a call or an aggregation. */
function parseArguments(cursor: Cursor): Expr[] {
  cursor.take();
  const args: Expr[] = [];
  while (!cursor.isPunct(')')) {
    args.push(parseExpr(cursor));
    if (cursor.isPunct(')')) break;
    if (!cursor.isPunct(',')) throw cursor.unexpected();
    const comma = cursor.take();
    if (cursor.isPunct(')')) throw cursor.fail(comma, 'trailing commas not allowed in function call args');
  }
  cursor.take();
  return args;
}

function parseNumberLiteral(cursor: Cursor): Expr {
  const token = cursor.take();
  const pos = { start: token.start, end: token.end };
  if (token.kind === 'duration') {
    const ms = parseDurationToken(token.text);
    if (typeof ms === 'string') throw cursor.fail(token, ms);
    return { kind: 'number', value: ms / 1_000, duration: true, pos };
  }
  const value = parseNumber(token.text);
  if (value === undefined) throw cursor.fail(token, `error parsing number: invalid syntax: "${token.text}"`);
  return { kind: 'number', value, duration: false, pos };
}

function parseSelectorAt(cursor: Cursor): Expr {
  const { start } = cursor.current;
  const name = cursor.isPunct('{') ? '' : cursor.take().text;
  const inBraces = cursor.isPunct('{') ? parseBraces(cursor) : [];
  const matchers: Matcher[] = name === '' ? inBraces : [...inBraces, { name: '__name__', op: '=', value: name }];
  return { kind: 'vector_selector', name, matchers, pos: { start, end: cursor.lastEnd } };
}
