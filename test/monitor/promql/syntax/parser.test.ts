import { readFileSync, readdirSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { VitrineError } from '../../../../src/base/errors.ts';
import type { Expr } from '../../../../src/monitor/promql/syntax/ast.ts';
import { MAX_DEPTH, MAX_QUERY_LENGTH } from '../../../../src/monitor/promql/syntax/limits.ts';
import { parse, parseSelector } from '../../../../src/monitor/promql/syntax/parser.ts';
import { positionAt } from '../../../../src/monitor/promql/syntax/position.ts';
import { print } from '../../../../src/monitor/promql/syntax/printer.ts';

/** Puts every operand and every operator into its own parentheses. */
function shape(expr: Expr): string {
  switch (expr.kind) {
    case 'binary':
      return `(${shape(expr.left)} ${expr.op} ${shape(expr.right)})`;
    case 'unary':
      return `(${expr.op}${shape(expr.expr)})`;
    case 'paren':
      return shape(expr.expr);
    default:
      return print(expr);
  }
}

const errorOf = (text: string, experimental = true): string => {
  try {
    parse(text, { experimental });
  } catch (error) {
    expect(error).toBeInstanceOf(VitrineError);
    expect((error as VitrineError).code).toBe('query_invalid');
    return (error as VitrineError).message.replace(/^(\d+:\d+): parse error: /, '$1 ');
  }
  return 'parsed';
};

describe('parse: structure', () => {
  it.each([
    ['1 + 2 * 3 ^ 4 ^ 5', '(1 + (2 * (3 ^ (4 ^ 5))))'],
    ['-1^2', '(-(1 ^ 2))'],
    ['-a * b', '((-a) * b)'],
    ['2 ^ -1 * 3', '((2 ^ -1) * 3)'],
    ['a or b and c unless d', '(a or ((b and c) unless d))'],
    ['a == b + c > d', '((a == (b + c)) > d)'],
    ['a % b atan2 c / d', '(((a % b) atan2 c) / d)'],
    ['a </ b >/ c', '((a </ b) >/ c)'],
    ['metric1 offset 15m or metric2 offset 45m', '(metric1 offset 15m or metric2 offset 45m)'],
    ['-metric @ 100', '(-metric @ 100.000)'],
    ['a - a offset 1d', '(a - a offset 1d)'],
    ['a offset 100 + 2', '(a offset 1m40s + 2)'],
    ['a offset -2 * 2', '(a offset -2s * 2)'],
    ['a offset -step()*2', '(a offset -step() * 2)'],
    ['a offset (2 ^ 2)', 'a offset (2s ^ 2s)'],
    ['a offset min_of(step(), 1s)+8', '(a offset min_of(step(), 1s) + 8)'],
    ['rate(a[1h/2])', 'rate(a[1h / 2s])'],
    ['sum + by + offset + start + step', '((((sum + by) + offset) + start) + step)'],
    ['fill + fill(0) other', '(fill + other)'],
    ['sum by (sum, on, "a b") (sum)', 'sum by (sum, on, "a b") (sum)'],
    ['SUM(x) BY (y)', 'sum by (y) (x)'],
    ['a AND b', '(a and b)'],
    ['{"my.metric", "l b"="x"}', '{"l b"="x",__name__="my.metric"}'],
    ['a:b:c{}', 'a:b:c'],
    ['x # comment\n + # another\n y', '(x + y)'],
    ['min_of(1, step()) * range()', '(min_of(1, step()) * range())'],
    ['info(m, {data=~".*"})', 'info(m, {data=~".*"})'],
    ['x @ 1.2345', 'x @ 1.235'],
    ['x @ 100s', 'x @ 100.000'],
    ['a - on () group_right (x) b', '(a - b)'],
  ])('%s', (text, wanted) => expect(shape(parse(text))).toBe(wanted));

  it.each([
    ['1h30m', 5400],
    ['0x1f', 31],
    ['0X1p-2', 0.25],
    ['1_000', 1000],
    ['1e3', 1000],
    ['017', 15],
    ['089', 89],
    ['.5', 0.5],
    ['2.', 2],
    ['Inf', Infinity],
    ['-inF', -Infinity],
    ['NaN', NaN],
    ['-5m', -300],
    ['1ms', 0.001],
  ])('number %s', (text, value) => expect(parse(text)).toMatchObject({ kind: 'number', value }));

  it.each([
    ['"a\\"\\n\\x41\\101\\u00e9\\U0001F600"', 'a"\nAAé😀'],
    ["'it\\'s'", "it's"],
    ['`raw\\n`', 'raw\\n'],
    ['"\\xc3\\xa9"', 'é'],
    ['"a\\xc5z"', 'a\udcc5z'],
    ['"\\xf0\\x9f"', '\udcf0\udc9f'],
  ])('string %s', (text, value) => expect(parse(text)).toMatchObject({ kind: 'string', value }));

  it('prints bytes that are not UTF-8 as escapes', () => expect(print(parse('"a\\xc5z"'))).toBe('"a\\xc5z"'));

  it('keeps the position of every node', () => {
    const expr = parse('a + sum(b offset 1m)') as Expr & { kind: 'binary' };
    expect(expr.pos).toEqual({ start: 0, end: 20 });
    expect(expr.right.pos).toEqual({ start: 4, end: 20 });
    expect(expr.right).toMatchObject({ expr: { pos: { start: 8, end: 19 } } });
  });

  it('keeps a matching only between vectors, and makes set operators many-to-many', () => {
    expect(parse('a + on () 1')).toMatchObject({ matching: undefined });
    expect(parse('a and b')).toMatchObject({ matching: { card: 'many-to-many' } });
    expect(parse('a + fill_left(2) b')).toMatchObject({ matching: { fillLeft: 2, fillRight: undefined } });
  });
});

describe('parse: errors with the wording of Prometheus', () => {
  it.each([
    ['', '1:1 no expression found in input'],
    ['# only a comment', '1:1 no expression found in input'],
    ['1+', '1:3 unexpected end of input'],
    ['.', "1:1 unexpected character: '.'"],
    ['2.5.', "1:4 unexpected character: '.'"],
    ['100..4', '1:5 unexpected number ".4"'],
    ['0deadbeef', '1:1 bad number or duration syntax: "0de"'],
    ['1 /', '1:4 unexpected end of input'],
    ['*1', '1:1 unexpected <op:*>'],
    ['(1))', "1:4 unexpected right parenthesis ')'"],
    ['((1)', '1:5 unclosed left parenthesis'],
    ['x\n  + )', "2:5 unexpected right parenthesis ')'"],
    ['a!', "1:2 unexpected character after '!': end of input"],
    ['a!b', "1:2 unexpected character after '!': 'b'"],
    ['a]', "1:2 unexpected right bracket ']'"],
    ['1 and 1', '1:1 set operator "and" not allowed in binary scalar expression'],
    ['foo or 1', '1:1 set operator "or" not allowed in binary scalar expression'],
    ['1 == 1', '1:3 comparisons between scalars must use BOOL modifier'],
    ['foo + bool bar', '1:5 bool modifier can only be used on comparison operators'],
    ['-"s"', '1:1 unary expression only allowed on expressions of type scalar or instant vector, got "string"'],
    ['-x[5m]', '1:1 unary expression only allowed on expressions of type scalar or instant vector, got "range vector"'],
    [
      '1 offset 1d',
      '1:1 offset modifier must be preceded by an instant vector selector or range vector selector or a subquery',
    ],
    ['1 @ 1', '1:1 @ modifier must be preceded by an instant vector selector or range vector selector or a subquery'],
    ['a offset 1s offset 2s', '1:1 offset may not be set multiple times'],
    ['a @ 1 @ 2', '1:1 @ <timestamp> may not be set multiple times'],
    ['a @ 1m[5m]', '1:7 no @ modifiers allowed before range'],
    ['a offset 1m[5m]', '1:12 no offset modifiers allowed before range'],
    ['a @', '1:4 unexpected end of input in @, expected timestamp'],
    ['a @ Inf', '1:5 timestamp out of bounds for @ modifier: Inf'],
    ['(a + b)[5m]', '1:8 ranges only allowed for vector selectors'],
    ['a[5m] OFFSET', '1:13 unexpected end of input in offset, expected number, duration, step(), or range()'],
    ['a[]', '1:3 unexpected "]" in subquery or range selector, expected number, duration, step(), or range()'],
    [
      'a[sum]',
      '1:3 unexpected <aggr:sum> in subquery or range selector, expected number, duration, step(), or range()',
    ],
    ['a[0]', '1:3 duration must be greater than 0'],
    ['a[-1m]', '1:3 duration must be greater than 0'],
    ['a[1m:0]', '1:6 duration must be greater than 0'],
    ['a[5m', '1:5 unexpected end of input in duration expression'],
    ['a[5m:1m:1m]', "1:8 unexpected colon ':'"],
    [
      'a["x"]',
      '1:3 unexpected string "\\"x\\"" in subquery or range selector, expected number, duration, step(), or range()',
    ],
    ['a[$]', "1:3 unexpected character in duration expression: '$'"],
    ['a[[', "1:3 unexpected left bracket '['"],
    ['a[1s5m]', '1:3 not a valid duration string: "1s5m"'],
    ['a[1e300]', '1:3 duration out of range'],
    ['a[Inf]', '1:3 duration out of range'],
    ['999999999y', '1:1 duration out of range'],
    ['a[5m1]', '1:3 bad number or duration syntax: "5m1"'],
    ['1[5m:]', '1:1 subquery is only allowed on instant vector, got scalar instead'],
    ['a[5m 5m]', '1:6 unexpected duration "5m" in subquery or range selector, expected "]"'],
    ['a[5m:1m 5m]', '1:9 unexpected duration "5m" in subquery selector, expected "]"'],
    ['a - on(b) ignoring(c) d', '1:11 unexpected <ignoring>'],
    ['foo + group_left(baz) bar', '1:7 unexpected <group_left>'],
    ['foo and on(bar) group_left(baz) bar', '1:1 no grouping allowed for "and" operation'],
    ['foo and fill(1) bar', '1:1 filling in missing series not allowed for set operators'],
    ['foo + fill(1) 1', '1:1 filling in missing series only allowed between instant vectors'],
    ['foo + fill_left(1) fill_left(1) b', '1:20 unexpected <fill_left>'],
    ['foo + fill(x) bar', '1:12 unexpected identifier "x" in fill modifier, expected number'],
    ['foo == on(bar) 10', '1:1 vector matching only allowed between instant vectors'],
    ['a / on(i) group_left(j,i) b', '1:3 label "i" must not occur in ON and GROUP clause at once'],
    ['a{b=c}', '1:5 unexpected identifier "c" in label matching, expected string'],
    ['a{b:c="b"}', "1:4 unexpected character inside braces: ':'"],
    ['a{gibberish}', '1:12 unexpected "}" in label matching, expected label matching operator'],
    ['a{', '1:3 unexpected end of input inside braces'],
    ['a}', "1:2 unexpected character: '}'"],
    ['a{,', '1:3 unexpected "," in label matching, expected identifier or "}"'],
    ['a{b="x" c}', '1:9 unexpected identifier "c" in label matching, expected "," or "}"'],
    ['a{__name__ == "b"}', '1:13 unexpected "=" in label matching, expected string'],
    ['a{__name__="b"}', '1:1 metric name must not be set twice: "a" or "b"'],
    ['{"a", "b"}', '1:7 metric name must not be set twice: "a" or "b"'],
    ['{""}', '1:2 invalid metric name ""'],
    ['{}', '1:1 vector selector must contain at least one non-empty matcher'],
    ['{x=~".*"}', '1:1 vector selector must contain at least one non-empty matcher'],
    ['sum without(==)(x)', '1:13 unexpected <op:==> in grouping opts, expected label'],
    ['sum by (inf) (x)', '1:9 unexpected number "inf" in grouping opts, expected label'],
    ['sum by ("") (x)', '1:9 invalid label name for grouping: ""'],
    ['sum by (a b) (x)', '1:11 unexpected identifier "b" in grouping opts, expected "," or ")"'],
    ['sum by (a)', '1:11 unexpected end of input in aggregation'],
    ['sum(x) by test', '1:11 unexpected identifier "test" in grouping opts, expected "("'],
    ['sum some_metric', '1:5 unexpected identifier "some_metric"'],
    ['sum ()', '1:1 no arguments for aggregate expression provided'],
    ['sum(x) without (t) by (t)', '1:20 unexpected <by>'],
    ['topk(x)', '1:1 wrong number of arguments for aggregate expression provided, expected 2, got 1'],
    ['topk(x,)', '1:7 trailing commas not allowed in function call args'],
    ['topk(x, y)', '1:6 expected type scalar in aggregation parameter, got instant vector'],
    ['count_values(5, y)', '1:14 expected type string in aggregation parameter, got scalar'],
    ['sum(1)', '1:5 expected type instant vector in aggregation expression, got scalar'],
    ['floor()', '1:1 expected 1 argument(s) in call to "floor", got 0'],
    ['hour(a, a, a)', '1:1 expected at most 1 argument(s) in call to "hour", got 3'],
    ['label_join()', '1:1 expected at least 3 argument(s) in call to "label_join", got 0'],
    ['nope()', '1:1 unknown function with name "nope"'],
    ['rate(a)', '1:6 expected type range vector in call to function "rate", got instant vector'],
    ['rate(a b)', '1:8 unexpected identifier "b"'],
    ['info(a, b)', '1:9 expected label selectors only, got vector selector instead'],
    ['info(a, 1)', '1:9 expected type instant vector in call to function "info", got scalar'],
    ['info(a, -{b="c"})', '1:9 expected label selectors only, got an expression instead'],
    ['a[5m:1m] anchored', '1:1 anchored modifier is not supported for subqueries'],
    ['a[5m] anchored smoothed', '1:1 anchored and smoothed modifiers cannot be used together'],
    ['1 smoothed', '1:1 smoothed modifier not implemented'],
    ['a[5m] + 1', '1:1 binary expression must contain only scalar and instant vector types'],
    ['a:b c:d', '1:5 unexpected metric identifier "c:d"'],
    ['bool', '1:1 unexpected <bool>'],
    ['a "a very long string"', '1:3 unexpected string "\\"a very lo"...'],
    ['"open', '1:1 unterminated quoted string'],
    ['`open', '1:1 unterminated raw string'],
    ['"\\q"', '1:1 invalid syntax'],
    ['"\\400"', '1:1 invalid syntax'],
    ['"\\ud800"', '1:1 invalid syntax'],
    ['0x1.8', '1:1 error parsing number: invalid syntax: "0x1.8"'],
    ['a =b', '1:3 unexpected "="'],
    ['a{b=~"("}', '1:3 error parsing regexp: missing closing ): `(?s)(`'],
  ])('%s', (text, message) => expect(errorOf(text)).toBe(message));

  it('refuses experimental functions when they are switched off', () => {
    expect(errorOf('limitk(1, a)', false)).toBe('1:1 limitk() is experimental and is not enabled');
    expect(errorOf('mad_over_time(a[5m])', false)).toBe('1:1 function "mad_over_time" is not enabled');
    expect(errorOf('limitk(1, a)')).toBe('parsed');
  });
});

describe('parse: limits', () => {
  const deep = 10_000;
  it.each([
    ['parentheses', '('.repeat(deep) + '1' + ')'.repeat(deep)],
    ['signs', '-'.repeat(deep) + '1'],
    ['powers', '2^'.repeat(deep) + '1'],
    ['sums', '1+'.repeat(deep) + '1'],
    ['calls', 'abs('.repeat(deep) + 'x' + ')'.repeat(deep)],
    ['aggregations', 'sum('.repeat(deep) + 'x' + ')'.repeat(deep)],
    ['durations', `a[${'('.repeat(deep)}5m${')'.repeat(deep)}]`],
    ['signed durations', `a[${'-'.repeat(deep)}5m]`],
    ['duration powers', `a[${'2^'.repeat(deep)}5m]`],
  ])('gives an error for %s nested ten thousand levels deep', (_what, text) => {
    expect(() => parse(text, { maxLength: 1e6 })).toThrow(`nested too deeply, the limit is ${MAX_DEPTH} levels`);
  });

  it('accepts a chain just below the limit', () => expect(parse('1+'.repeat(MAX_DEPTH - 1) + '1').kind).toBe('binary'));

  it('refuses long texts before it reads them', () => {
    expect(() => parse('x'.repeat(MAX_QUERY_LENGTH + 1))).toThrow('query is longer than 16384 characters');
    expect(() => parse('x'.repeat(1e6))).toThrow('query is longer');
  });

  it('treats names of Object.prototype as plain names', () => {
    expect(errorOf('constructor(x)')).toBe('1:1 unknown function with name "constructor"');
    expect(parse('__proto__{constructor="x"}').kind).toBe('vector_selector');
    expect(errorOf('x constructor y')).toBe('1:3 unexpected identifier "constructor"');
  });
});

describe('parseSelector', () => {
  it('returns the matchers', () =>
    expect(parseSelector('up{job!="x"}')).toEqual([
      { name: 'job', op: '!=', value: 'x' },
      { name: '__name__', op: '=', value: 'up' },
    ]));
  it.each([
    ['', 'no expression found in input'],
    ['1', 'expected a metric selector'],
    ['up[5m]', 'unexpected "["'],
    ['{a=""}', 'vector selector must contain at least one non-empty matcher'],
  ])('refuses %s', (text, message) => expect(() => parseSelector(text)).toThrow(message));
});

it('counts lines and columns from 1', () => {
  expect(positionAt('ab\ncd', 0)).toBe('1:1');
  expect(positionAt('ab\ncd', 4)).toBe('2:2');
  expect(positionAt('ab', 99)).toBe('1:3');
});

const cases = process.env['VITRINE_PROMQL_CASES'];
describe.skipIf(cases === undefined)('expressions of the scripts in VITRINE_PROMQL_CASES', () => {
  it('parse unless a failure is expected', () => {
    const failed: string[] = [];
    let count = 0;
    for (const file of readdirSync(cases as string).filter((name) => name.endsWith('.test'))) {
      const lines = readFileSync(path.join(cases as string, file), 'utf8').split('\n');
      for (const [at, line] of lines.entries()) {
        const found = /^\s*eval(?:_\w+)? (?:instant at \S+|range from \S+ to \S+ step \S+) (.*)$/.exec(line);
        if (found === null || /expect fail/.test(lines[at + 1] ?? '')) continue;
        count += 1;
        if (errorOf(found[1]) !== 'parsed') failed.push(`${file}:${at + 1} ${errorOf(found[1])}`);
      }
    }
    expect(failed).toEqual([]);
    expect(count).toBeGreaterThan(100);
  });
});
if (cases === undefined)
  console.log('VITRINE_PROMQL_CASES is not set: the expressions of outside scripts were not parsed');
