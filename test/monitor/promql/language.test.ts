import { describe, expect, it } from 'vitest';
import type { Matcher } from '../../../src/model/labels.ts';
import { durationMs, foldDurations } from '../../../src/monitor/promql/syntax/durations.ts';
import { formatExponent, formatGeneral, formatPlain, formatValue } from '../../../src/model/go-float.ts';
import { compileMatcher } from '../../../src/monitor/promql/syntax/matchers.ts';
import { checkRegex, compileRegex } from '../../../src/model/text/regex.ts';
import { parse } from '../../../src/monitor/promql/syntax/parser.ts';
import { print } from '../../../src/monitor/promql/syntax/printer.ts';
import { quote } from '../../../src/model/text/quoting.ts';

describe('numbers as Go prints them', () => {
  it.each([
    [0, '0', '0e+00', '0', '0'],
    [-0, '-0', '-0e+00', '-0', '-0'],
    [1, '1', '1e+00', '1', '1'],
    [0.0000001, '1e-07', '1e-07', '0.0000001', '1e-07'],
    [0.000001, '0.000001', '1e-06', '0.000001', '1e-06'],
    [0.0001, '0.0001', '1e-04', '0.0001', '0.0001'],
    [-1234567.5, '-1234567.5', '-1.2345675e+06', '-1234567.5', '-1.2345675e+06'],
    [1e15, '1000000000000000', '1e+15', '1000000000000000', '1e+15'],
    [1e21, '1e+21', '1e+21', '1000000000000000000000', '1e+21'],
    [1.5e300, '1.5e+300', '1.5e+300', `15${'0'.repeat(299)}`, '1.5e+300'],
    [5e-324, '5e-324', '5e-324', `0.${'0'.repeat(323)}5`, '5e-324'],
    [NaN, 'NaN', 'NaN', 'NaN', 'NaN'],
    [Infinity, '+Inf', '+Inf', '+Inf', '+Inf'],
    [-Infinity, '-Inf', '-Inf', '-Inf', '-Inf'],
    [100000, '100000', '1e+05', '100000', '100000'],
  ])('%d', (value, api, exponent, plain, general) => {
    expect(formatValue(value)).toBe(api);
    expect(formatExponent(value)).toBe(exponent);
    expect(formatPlain(value)).toBe(plain);
    expect(formatGeneral(value)).toBe(general);
  });
});

it('quotes as Go does', () => {
  expect(quote('a"\\\n\t\u0000\u007fé\u00a0\u200b😀\u{e0001}')).toBe(
    String.raw`"a\"\\\n\t\x00\x7fé\u00a0\u200b😀\U000e0001"`,
  );
});

describe('matchers', () => {
  const match = (op: Matcher['op'], value: string) => compileMatcher({ name: 'x', op, value });

  it.each([
    ['a', ['a'], ['', 'ab', 'ba']],
    ['a|bc|', ['a', 'bc', ''], ['b', 'abc']],
    ['(a|b)', ['a', 'b'], ['ab', '(a|b)']],
    ['(?:a|b)', ['a', 'b'], ['ab']],
    ['.*', ['', 'a\nb'], []],
    ['.+', ['a', '\n'], ['']],
    ['api.*', ['api', 'api-1\n'], ['xapi', 'ap']],
    ['api.+', ['api-1'], ['api']],
    ['.*api', ['api', 'xapi'], ['apix']],
    ['.+api', ['xapi'], ['api']],
    ['.*api.*', ['api', 'xapix'], ['ap']],
    ['.+api.+', ['xapix'], ['api', 'xapi', 'apix']],
    ['.*api.+', ['apix', 'xapiapi'], ['api']],
    ['.+api.*', ['xapi'], ['apix']],
    ['((?i)PRO).*', ['production', 'PROD'], ['xpro']],
    ['.*(?i:TION)', ['action', 'TION'], ['tionx']],
    ['a.c', ['a\nc', 'abc'], ['ac']],
    ['[[:alpha:]]+\\z', ['abc'], ['ab1']],
    ['\\Qa.b\\E', ['a.b'], ['aXb']],
    ['(?P<n>x)y', ['xy'], ['x']],
    ['^a$', ['a'], ['ab']],
    ['a|b.*', ['a', 'bcd'], ['ab']],
  ])('=~ %s', (pattern, yes, no) => {
    for (const value of yes) {
      expect(match('=~', pattern)(value), value).toBe(true);
      expect(match('!~', pattern)(value), value).toBe(false);
    }
    for (const value of no) expect(match('=~', pattern)(value), value).toBe(false);
  });

  it('compares values', () => {
    expect(match('=', 'a')('a')).toBe(true);
    expect(match('!=', 'a')('a')).toBe(false);
  });

  it.each([
    ['(?=x)', /invalid or unsupported Perl syntax/],
    ['(a)\\1', /invalid escape sequence/],
    ['a{1001}', /expression too large|invalid repeat count/],
    ['((a{100}){100}){100}', /expression too large|invalid repeat/],
    ['(a{2}b{3}){500}', /invalid repeat count/],
    ['a{1000}'.repeat(139), /expression too large/],
    [`a${'.'.repeat(1_000)}`, /longer than 1000 characters/],
  ])('refuses %s', (pattern, reason) => {
    expect(checkRegex(pattern)).toMatch(reason);
    expect(() => compileRegex(pattern)).toThrow(reason);
  });

  it('accepts repeats within the limits', () => {
    expect(checkRegex('(a{30}){30}')).toBeUndefined();
    expect(checkRegex('(a{900})(b{900})')).toBeUndefined();
    expect(checkRegex('(a{3}b{2}){300}')).toBeUndefined();
    expect(checkRegex('[{]{9}\\{99999\\}')).toBeUndefined();
  });

  it('takes linear time where backtracking would take exponential time', () => {
    const matches = match('=~', '(a+)+b');
    expect(matches('a'.repeat(5_000))).toBe(false);
  });
});

describe('foldDurations', () => {
  const context = { stepMs: 10_000, rangeMs: 60_000 };
  const folded = (text: string) => print(foldDurations(parse(text), context));

  it.each([
    ['a[2m*(10+5)]', 'a[30m]'],
    ['a[1h/2]', 'a[30m]'],
    ['a[30m1s-30m1s % 1m]', 'a[30m]'],
    ['a[2^3]', 'a[8s]'],
    ['a[step()+1ms]', 'a[10s1ms]'],
    ['a[min_of(step(),range())]', 'a[10s]'],
    ['a[max_of(step(),range()):step()]', 'a[1m:10s]'],
    ['a offset -step()', 'a offset -10s'],
    ['a[1.0005]', 'a[1s]'],
    ['a[1h * 0.0001]', 'a[360ms]'],
    ['-(sum(a offset (2*2)) + topk(1, abs(b[1m:] offset (1*1))[5m:])) + "x"', ''],
    ['(sum(a offset (2*2)) + topk(1, abs(b offset (1*1))))', '(sum(a offset 4s) + topk(1, abs(b offset 1s)))'],
    ['-a', '-a'],
    ['abs(a)[5m:1m] offset (1*1)', 'abs(a)[5m:1m] offset 1s'],
  ])('%s', (text, wanted) => {
    if (wanted === '') expect(() => parse(text)).toThrow('expected type');
    else expect(folded(text)).toBe(wanted);
  });

  it.each([
    ['a[1m-1m]', '2:7: duration must be greater than 0'],
    ['a[1m/0]', '2:6: division by zero'],
    ['a[1m%0]', '2:6: modulo by zero'],
    ['a[1e6^9]', '2:7: duration is out of range'],
    ['a[5m:step()*0]', '5:13: duration must be greater than 0'],
  ])('%s', (text, message) => expect(() => folded(text)).toThrow(message));

  it('takes step() as 0 in an instant query', () => {
    const expr = parse('a offset step()');
    expect(print(foldDurations(expr, { stepMs: 0, rangeMs: 0 }))).toBe('a offset 0s');
    expect(durationMs({ kind: 'step', pos: { start: 0, end: 0 } }, context, false)).toBe(10_000);
  });
});
