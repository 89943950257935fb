/** Ranges that include roll-ups: no wrong value, and a warning wherever a value is approximate or missing. */
import { describe, expect, it } from 'vitest';
import { Labels } from '../../../src/model/labels.ts';
import type { SampleSource } from '../../../src/model/ports.ts';
import { embeddedQuerier } from '../../../src/monitor/promql/embedded.ts';
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
