/** Parses matchers in braces: `{a="b", "quoted name"=~"x.*", "metric.name"}`. */
import type { Matcher } from '../../../model/labels.ts';
import { METRIC_NAME } from '../../../model/labels.ts';
import type { Cursor } from './cursor.ts';
import type { Token } from './lexer.ts';
import { checkRegex } from '../../../model/text/regex.ts';
import { quote, unquote } from '../../../model/text/quoting.ts';

const CONTEXT = 'label matching';
const MATCH_OPS: ReadonlySet<string> = new Set(['=', '!=', '=~', '!~']);

export function parseString(cursor: Cursor): string {
  const token = cursor.take();
  const value = unquote(token.text);
  if (value === undefined) throw cursor.fail(token, 'invalid syntax');
  return value;
}

/** Parses from `{` to `}`. The metric name before the braces is not in the result. */
export function parseBraces(cursor: Cursor): Matcher[] {
  cursor.take();
  const matchers: Matcher[] = [];
  let quotedName: string | undefined;
  while (!cursor.isPunct('}')) {
    const first = cursor.current;
    const { matcher, isName } = parseMatcher(cursor);
    if (isName && quotedName !== undefined) {
      const names = `${quote(quotedName)} or ${quote(matcher.value)}`;
      throw cursor.fail(first, `metric name must not be set twice: ${names}`);
    }
    if (isName) quotedName = matcher.value;
    matchers.push(matcher);
    if (cursor.isPunct('}')) break;
    if (!cursor.isPunct(',')) throw cursor.unexpected(CONTEXT, '"," or "}"');
    cursor.take();
  }
  cursor.take();
  return matchers;
}

/** `isName` is true for a quoted metric name without an operator. */
function parseMatcher(cursor: Cursor): { matcher: Matcher; isName: boolean } {
  const first = cursor.current;
  if (first.kind !== 'word' && first.kind !== 'string') throw cursor.unexpected(CONTEXT, 'identifier or "}"');
  const name = first.kind === 'string' ? parseString(cursor) : cursor.take().text;
  const quotedName = first.kind === 'string' && (cursor.isPunct(',') || cursor.isPunct('}'));
  if (quotedName) {
    if (name === '') throw cursor.fail(first, 'invalid metric name ""');
    return { matcher: { name: METRIC_NAME, op: '=', value: name }, isName: true };
  }
  const op = cursor.current;
  if (op.kind !== 'op' || !MATCH_OPS.has(op.text)) throw cursor.unexpected(CONTEXT, 'label matching operator');
  cursor.take();
  if (cursor.current.kind !== 'string') throw cursor.unexpected(CONTEXT, 'string');
  return { matcher: finishMatcher(cursor, first, name, op.text as Matcher['op']), isName: false };
}

function finishMatcher(cursor: Cursor, first: Token, name: string, op: Matcher['op']): Matcher {
  const valueToken = cursor.current;
  const value = parseString(cursor);
  if (op === '=~' || op === '!~') {
    const trouble = checkRegex(value, cursor.meter);
    if (trouble !== undefined) throw cursor.fail({ start: first.start, end: valueToken.end }, trouble);
  }
  return { name, op, value };
}
