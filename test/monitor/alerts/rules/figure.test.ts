/** The figure behind a rule: its value, no traffic, or no data. */
import { describe, expect, it } from 'vitest';
import { Labels } from '../../../../src/model/labels.ts';
import { comparisonsOf, figureAt, figureOf } from '../../../../src/monitor/alerts/rules/figure.ts';
import { embeddedQuerier } from '../../../../src/monitor/promql/embedded.ts';
import { parse } from '../../../../src/monitor/promql/syntax/parser.ts';
import { print } from '../../../../src/monitor/promql/syntax/printer.ts';
import { MemorySource } from '../../../support/promql/memory-source.ts';

const T0 = Date.UTC(2026, 10, 30);

describe('the figure of a rule', () => {
  it.each([
    ['a / b > 0.1', 'a / b'],
    ['(a > 1) and b >= 10', 'a'],
    ['a > bool 1', 'a > bool 1'],
    ['(a > 1 and on (x) ALERTS) or a > 2', 'a or a'],
    ['absent(up)', 'absent(up)'],
    ['up == 0 unless on (x) drained == 1', 'up'],
    ['0.1 < a / b', 'a / b'],
    ['2 * 5 <= (a) and b > 1', 'a'],
  ])('of %s is %s', (expr, figure) => expect(print(figureOf(parse(expr)))).toBe(figure));

  it.each([
    ['a > 5 and b > 1', ['a > 5']],
    ['(a / b > 0.1) and on (x) (b >= 10)', ['a / b > 0.1']],
    ['a > 5 and b > 1 and c > 2', ['a > 5']],
    ['a and b > 10', []],
    ['a > 5 unless b > 1', ['a > 5']],
    ['(a > 5 and b > 1) or a > 9', ['a > 5', 'a > 9']],
    ['sum by (x) (a > 5 and b > 1)', ['a > 5']],
    ['2 * 5 < a and b > 1', ['a > 10']],
    ['0 == up', ['up == 0']],
    ['a > bool 5', []],
    ['(a > bool 5) == 1', ['(a > bool 5) == 1']],
    ['a > b', []],
  ])('of %s is compared with %j', (expr, expected) =>
    expect(comparisonsOf(parse(expr)).map(({ left, op, limit }) => `${print(left)} ${op} ${limit}`)).toEqual(expected),
  );

  it('has a value, no traffic, or no data', async () => {
    const source = new MemorySource();
    const add = (name: string, values: number[]): void =>
      source.add(
        Labels.from({ __name__: name }),
        values.map((v, i) => ({ t: T0 + i * 1_000, v })),
      );
    add('errors_total', [1, 1, 1, 1]);
    add('requests_total', [5, 5, 5, 5]);
    add('queue', [1, 2, 3, 7]);
    const at = (expr: string) => figureAt(expr, embeddedQuerier(source), T0 + 3_000, {});
    expect(await at('queue > 10')).toEqual({ kind: 'value', value: 7, series: 1 });
    expect(await at('rate(errors_total[10s]) / rate(requests_total[10s]) > 0.1')).toEqual({ kind: 'no_traffic' });
    expect(await at('nothing_total / requests_total > 0.1')).toEqual({ kind: 'no_traffic' });
    expect(await at('nothing > 1')).toEqual({ kind: 'no_data' });
    expect(await at('sum(rate(nothing_total[1m])) > 1')).toEqual({ kind: 'no_data' });
  });
});
