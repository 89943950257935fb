/** Ranges that include roll-ups: no wrong value, and a warning wherever a value is approximate or missing. */
import { describe, expect, it } from 'vitest';
import { Labels } from '../../../src/model/labels.ts';
import type { SampleSource } from '../../../src/model/ports.ts';
import { embeddedQuerier } from '../../../src/monitor/promql/embedded.ts';
import { Expressions } from '../../../src/monitor/api/subscriptions.ts';
import { timeseriesAnswer } from '../../../src/monitor/api/timeseries.ts';
import { until } from '../../support/until.ts';
import { MemorySource } from '../../support/promql/memory-source.ts';

const AT = 1_795_176_000_000;
const HOUR = 3_600_000;

function source(untilMs: number): SampleSource {
  const memory = new MemorySource();
  const labels = Labels.from({ __name__: 'x_total', job: 'a' });
  memory.add(
    labels,
    Array.from({ length: 720 }, (_, k) => ({ t: AT - (719 - k) * 10_000, v: k })),
  );
  const select = memory.select.bind(memory);
  return {
    select,
    coarseUntilMs: (mintMs) => (untilMs >= mintMs ? untilMs : -Infinity),
    series: memory.series.bind(memory),
    labelNames: memory.labelNames.bind(memory),
    labelValues: memory.labelValues.bind(memory),
    metadata: memory.metadata.bind(memory),
    exemplars: memory.exemplars.bind(memory),
  };
}

const UNTIL = AT - HOUR;
const querier = embeddedQuerier(source(UNTIL));
const pointsOf = async (expr: string): Promise<{ times: number[]; warnings: readonly string[] }> => {
  const { value, warnings } = await querier.range(expr, AT - 2 * HOUR + 600_000, AT, 600_000);
  if (value.kind !== 'matrix') throw new Error(value.kind);
  return { times: [...(value.series[0]?.t ?? [])], warnings };
};

describe('functions over roll-ups', () => {
  it.each(['count', 'sum', 'avg', 'stddev', 'stdvar', 'mad'])(
    '%s_over_time has no value over roll-ups and adds a warning',
    async (name) => {
      const { times, warnings } = await pointsOf(`${name}_over_time(x_total[10m])`);
      expect(times[0]).toBe(UNTIL + 600_000);
      expect(times.at(-1)).toBe(AT);
      expect(warnings).toEqual([
        `PromQL warning: samples up to ${new Date(UNTIL).toISOString()} are five-minute roll-ups: ` +
          `${name}_over_time needs every sample and has no value there (1:${name.length + 12})`,
      ]);
    },
  );

  it.each([
    'quantile_over_time(0.9, x_total[10m:1m])',
    'avg_over_time((sum(x_total))[10m:1m])',
    'deriv(x_total[10m:1m])',
  ])('%s says that it is an approximation', async (expr) => {
    const { warnings } = await pointsOf(expr);
    expect(warnings).toHaveLength(1);
    expect(warnings[0]).toMatch(/are five-minute roll-ups: \w+ over a subquery is an approximation there \(1:\d+\)$/);
    expect((await querier.instant(expr, AT)).warnings).toEqual([]);
  });

  it('a subquery of the extremes needs no warning', async () =>
    expect((await pointsOf('max_over_time(x_total[10m:1m])')).warnings).toEqual([]));

  it.each([
    ['quantile_over_time(0.5, x_total[10m])', /needs every sample/],
    ['changes(x_total[10m])', /needs every sample/],
  ])('%s has no value over roll-ups', async (expr, warning) => {
    const { times, warnings } = await pointsOf(expr);
    expect(times[0]).toBe(UNTIL + 600_000);
    expect(warnings[0]).toMatch(warning);
  });

  it.each([
    ['rate(x_total[10m])', /rate over less than 20 minutes is an approximation/],
    ['increase(x_total[1m])', /increase over less than 20 minutes/],
    ['irate(x_total[10m])', /irate is an approximation/],
    ['deriv(x_total[1h])', /deriv is an approximation/],
    ['max_over_time(x_total[1m])', /a range of less than five minutes may hold none of them/],
  ])('%s has a value and adds a warning', async (expr, warning) => {
    const { times, warnings } = await pointsOf(expr);
    expect(times[0]).toBe(AT - 2 * HOUR + 600_000);
    expect(warnings).toEqual([expect.stringMatching(warning)]);
  });

  it.each([
    'rate(x_total[20m])',
    'max_over_time(x_total[10m])',
    'resets(x_total[10m])',
    'x_total',
    'count_over_time(x_total[10m] @ end())',
  ])('%s adds no warning', async (expr) => {
    const { times, warnings } = await pointsOf(expr);
    expect(times[0]).toBe(AT - 2 * HOUR + 600_000);
    expect(warnings).toEqual([]);
  });
});

describe('the warning about roll-ups', () => {
  it('is in the answers of the page and of /api/timeseries too', async () => {
    const window = new URLSearchParams({ window: '2h', bucket: '1m' });
    const answer = await timeseriesAnswer(querier, window, AT);
    expect(answer.warnings?.[0]).toMatch(/are five-minute roll-ups: rate over less than 20 minutes/);
    const recent = new URLSearchParams({ window: '10m', bucket: '1m' });
    expect(await timeseriesAnswer(querier, recent, AT)).not.toHaveProperty('warnings');
    const expressions = new Expressions(querier);
    const exprs = ['count_over_time(x_total[90m])', 'x_total'];
    expressions.keep(exprs);
    expressions.evaluate(AT);
    const results = await until(
      () => (expressions.results(exprs).length === 2 ? expressions.results(exprs) : undefined),
      10_000,
      () => 'no results',
    );
    expect(results[0].warnings?.[0]).toMatch(/count_over_time needs every sample and has no value there/);
    expect(results[1]).not.toHaveProperty('warnings');
    expressions.close();
  });
});
