import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { VitrineError } from '../../../src/base/errors.ts';
import { checkedFilter } from '../../../src/monitor/search/checker.ts';
import { parseFilter } from '../../../src/monitor/search/parser.ts';
import { printFilter } from '../../../src/monitor/search/printer.ts';
import { MAX_FILTER_DEPTH, MAX_FILTER_LENGTH, MAX_TERMS } from '../../../src/monitor/search/syntax.ts';
import { filterText } from '../../support/records/filters.ts';

const NOW = Date.UTC(2026, 10, 30, 12);

/** A tree without the positions, which differ between two spellings. */
const shape = (text: string): unknown =>
  JSON.parse(JSON.stringify(parseFilter(text), (key, value: unknown) => (key === 'at' ? undefined : value)));

function refusal(text: string): VitrineError {
  try {
    checkedFilter(text, NOW);
  } catch (error) {
    if (error instanceof VitrineError) return error;
    throw error;
  }
  throw new Error(`${text} was accepted`);
}

const plain = (value: string, quoted = false): unknown => ({ kind: 'plain', text: value, quoted });

describe('the filter grammar', () => {
  it('binds not closer than and, and closer than or', () => {
    expect(shape('a b or not c d')).toEqual(shape('(a b) or ((not c) d)'));
    expect(shape('a AND b Or NOT c')).toEqual(shape('a b or -c'));
    expect(shape('-(a or b)')).toEqual({ kind: 'not', part: shape('a or b') });
    expect(shape('not not a')).toEqual({ kind: 'not', part: { kind: 'not', part: shape('a') } });
  });

  it('negates with `-` at the beginning of a term only', () => {
    expect(shape('a-b code:-1')).toMatchObject({
      kind: 'and',
      parts: [{ text: 'a-b' }, { kind: 'field', name: 'code', value: plain('-1') }],
    });
    expect(shape('-path:/health')).toMatchObject({ kind: 'not', part: { name: 'path', value: plain('/health') } });
  });

  it('ends a name at the first colon and an unquoted value at a space or an unmatched parenthesis', () => {
    expect(shape('url:http://a/b?c:d')).toMatchObject({ name: 'url', value: plain('http://a/b?c:d') });
    expect(shape('(path:/a(b)c)')).toMatchObject({ name: 'path', value: plain('/a(b)c') });
    expect(shape('"odd name":x')).toMatchObject({ name: 'odd name', value: plain('x') });
    expect(shape('or:1 not:2')).toMatchObject({ parts: [{ name: 'or' }, { name: 'not' }] });
    expect(shape('not(a)or(b)')).toEqual(shape('-a or b'));
  });

  it('reads quoted texts with two escapes and leaves other backslashes alone', () => {
    expect(shape(String.raw`"a \"b\" \\ \d"`)).toMatchObject({ text: String.raw`a "b" \ \d`, quoted: true });
    expect(shape(String.raw`f:~"\d+\.x"`)).toMatchObject({ value: { kind: 'regex', text: String.raw`\d+\.x` } });
    expect(shape('f:"" f:"or"')).toMatchObject({ parts: [{ value: plain('', true) }, { value: plain('or', true) }] });
  });

  it('reads comparisons and lists of values', () => {
    expect(shape('d:>=200ms')).toMatchObject({ value: { kind: 'compare', op: '>=', text: '200ms' } });
    expect(shape('time:<2026-11-30T10:00:00Z')).toMatchObject({ value: { op: '<', text: '2026-11-30T10:00:00Z' } });
    expect(shape('s:(a or "b c" or >5)')).toMatchObject({
      value: { kind: 'any', values: [plain('a'), plain('b c', true), { kind: 'compare', op: '>', text: '5' }] },
    });
    expect(shape('s:(a)')).toEqual(shape('s:a'));
  });

  it('is everything when empty', () => {
    expect(parseFilter('  \n ')).toEqual({ kind: 'all' });
    expect(checkedFilter('*', NOW).condition).toEqual({ kind: 'all' });
  });

  it('gives the same tree for the printed form of a tree', () => {
    fc.assert(
      fc.property(filterText, (written) => {
        const printed = printFilter(parseFilter(written));
        expect(shape(printed)).toEqual(shape(written));
        expect(printFilter(parseFilter(printed))).toBe(printed);
      }),
      { numRuns: 500 },
    );
  });
});

describe('a mistake in a filter', () => {
  it.each([
    ['a or', 5, 'condition is missing'],
    ['or a', 1, '`or` has nothing'],
    ['a and or b', 7, '`or` has nothing'],
    ['(a b', 1, 'not closed'],
    ['a )', 3, 'closes no'],
    ['()', 2, 'before this `)`'],
    ['"abc', 1, 'not closed'],
    ['""', 1, 'empty phrase'],
    ['"a"b', 4, 'space is missing'],
    ['a -', 3, '`-` at the beginning'],
    ['--a', 1, '`-` at the beginning'],
    [':x', 1, 'name of a field is missing'],
    ['"":x', 1, 'name of a field is empty'],
    ['a: b', 3, 'value of a is missing'],
    ['a:> 5', 4, 'value of a is missing'],
    ['a:=5', 3, '`=` is not an operator'],
    ['a:!=5', 3, '`!=` is not an operator'],
    ['a:~b', 3, 'must be quoted'],
    ['a:~"("', 3, 'missing closing'],
    ['a:~"(?=x)"', 3, 'invalid'],
    ['a:(b c)', 6, 'joined by `or`'],
    ['a:(b or', 8, 'missing'],
    ['a:(or)', 4, '`or` stands where a value'],
    ['a:>foo', 4, 'cannot be compared'],
    ['duration:>200', 11, 'compared with a duration'],
    ['level:>=loud', 9, 'cannot be compared'],
    ['level:loud', 7, 'is no level'],
    ['level:e*', 7, 'no wildcard'],
    ['status:>5xx', 9, 'cannot be compared'],
    ['time:5', 6, 'compared, not equal'],
    ['a:1..', 3, 'two ends'],
    ['a:1..5ms', 3, 'a number and a duration'],
    ['a:5..1', 3, 'ends before it begins'],
    ['a:1..b', 6, 'cannot be compared'],
    ['a '.repeat(MAX_TERMS + 1), 2 * MAX_TERMS + 1, 'conditions'],
    ['('.repeat(MAX_FILTER_DEPTH + 1), MAX_FILTER_DEPTH + 1, 'levels of nesting'],
    ['a'.repeat(MAX_FILTER_LENGTH + 1), MAX_FILTER_LENGTH + 1, 'longer than'],
  ])('%s', (written, position, fact) => {
    const error = refusal(written);
    expect(error.code).toBe('query_invalid');
    expect(error.message).toContain(`position ${position}: `);
    expect(error.message).toContain(fact);
    expect(error.hint).toMatch(/\w/);
  });
});

it('understands the example of the contract', () => {
  const written =
    'service:checkout level:>=warn duration:>200ms "card declined" -path:/health (status:500 or status:503) user.id:42';
  expect(printFilter(checkedFilter(written, NOW).syntax)).toBe(written);
});
