import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Expr } from '../../../../src/monitor/promql/syntax/ast.ts';
import { parse } from '../../../../src/monitor/promql/syntax/parser.ts';
import { print, printPretty } from '../../../../src/monitor/promql/syntax/printer.ts';
import { anyExpr, withoutPositions } from '../cases.ts';

/** The tree without positions and with sorted matchers. The order of matchers has no meaning, and printing sorts them. */
const shape = (expr: Expr): unknown =>
  JSON.parse(JSON.stringify(withoutPositions(expr)), (key, value: unknown) =>
    key === 'matchers' && Array.isArray(value) ? value.map((one) => JSON.stringify(one)).sort() : value,
  );

describe('print', () => {
  it('sorts matchers as Prometheus does, by their text', () => {
    expect(print(parse('x{c="1", a=~"2", a!="3"}'))).toBe('x{a!="3",a=~"2",c="1"}');
  });

  it('prints text that parses to the same tree', () => {
    fc.assert(
      fc.property(anyExpr, (expr) => {
        const text = print(expr);
        expect(shape(parse(text)), text).toEqual(shape(expr));
        expect(shape(parse(printPretty(expr)))).toEqual(shape(expr));
      }),
      { numRuns: 500 },
    );
  });

  it.each([
    ['sum  by(job)(rate(x{a="b"}[5m]))', 'sum by (job) (rate(x{a="b"}[5m]))'],
    ['sum(x)by()', 'sum(x)'],
    ['sum without () (x)', 'sum without () (x)'],
    ['{"my.metric",a!~"x"}', '{__name__="my.metric",a!~"x"}'],
    ['{"up", "l b"="c",a="d"}', '{"l b"="c",__name__="up",a="d"}'],
    ['{__name__="up"}', '{__name__="up"}'],
    ['x{}', 'x'],
    ['a/on(b)group_left c', 'a / on (b) group_left () c'],
    ['a offset 5m @ 10', 'a @ 10.000 offset 5m'],
    ['x > 1000000', 'x > 1e+06'],
    ['- a ^ 2', '-a ^ 2'],
    ['a[300]', 'a[5m]'],
    ['a[2m*2:step()] @ end()', 'a[2m * 2s:step()] @ end()'],
    ['a + fill ( -1 ) b', 'a + fill (-1) b'],
    ['a + fill_right(2) b', 'a + fill_right (2) b'],
    [`'it"s' `, `"it\\"s"`],
    ['rate(x[5m]smoothed offset -(1m))', 'rate(x[5m] smoothed offset -(1m))'],
  ])('%s -> %s', (text, printed) => expect(print(parse(text))).toBe(printed));

  it('prints an infinite base without its sign on long lines too', () => {
    const tree = parse(`Inf ^ scalar(${'long_name_'.repeat(12)})`);
    expect(withoutPositions(parse(print(tree)))).toEqual(withoutPositions(tree));
    expect(withoutPositions(parse(printPretty(tree)))).toEqual(withoutPositions(tree));
  });

  it('breaks long lines at operators and arguments', () => {
    const long = `sum by (a) (rate(${'very_long_name_'.repeat(4)}total[5m])) / ${'other_name_'.repeat(6)} > 1`;
    expect(printPretty(parse(long)).split('\n')).toEqual([
      `    sum by (a) (rate(${'very_long_name_'.repeat(4)}total[5m]))`,
      '  /',
      `    ${'other_name_'.repeat(6)}`,
      '>',
      '  1',
    ]);
    const call = `(label_replace(${'metric_'.repeat(8)}, "destination", "$1", "source", "${'(.*)'.repeat(10)}"))`;
    expect(printPretty(parse(call))).toContain('\n    "destination",\n');
    expect(printPretty(parse(`-topk(5, ${'metric_'.repeat(20)})`))).toBe(`-topk(\n  5,\n  ${'metric_'.repeat(20)}\n)`);
    const subquery = `rate(${'metric_'.repeat(20)}[5m])[1h:5m]`;
    expect(printPretty(parse(subquery))).toBe(`rate(\n  ${'metric_'.repeat(20)}[5m]\n)[1h:5m]`);
  });
});
