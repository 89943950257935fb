/** Ranges that include roll-ups: no wrong value, and a warning wherever a value is approximate or missing. */
import { describe, expect, it } from 'vitest';
import { Labels } from '../../../src/model/labels.ts';
import type { SampleSource } from '../../../src/model/ports.ts';
import { embeddedQuerier } from '../../../src/monitor/promql/embedded.ts';
import { Expressions } from '../../../src/monitor/api/subscriptions.ts';
import { timeseriesAnswer } from '../../../src/monitor/api/timeseries.ts';
import { Columns } from '../../../src/monitor/store/codec/columns.ts';
import { rollUpSamples } from '../../../src/monitor/store/upkeep/roll-up.ts';
import { until } from '../../support/until.ts';
import { MemorySource, type Sample } from '../../support/promql/memory-source.ts';

const AT = 1_795_176_000_000;
const HOUR = 3_600_000;

/** Each ten seconds for two hours: 0, 1, 2, … */
const SAMPLES: readonly Sample[] = Array.from({ length: 720 }, (_, k) => ({ t: AT - (719 - k) * 10_000, v: k }));

function source(untilMs: number, series: Readonly<Record<string, readonly Sample[]>> = { a: SAMPLES }): SampleSource {
  const memory = new MemorySource();
  for (const [job, samples] of Object.entries(series)) {
    memory.add(Labels.from({ __name__: 'x_total', job, instance: job }), samples);
    memory.add(Labels.from({ __name__: 'target_info', job, instance: job, host: job }), samples);
  }
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

/** The samples as they are after the time up to `UNTIL` was rolled up. */
function rolledUp(samples: readonly Sample[]): Sample[] {
  const columns = new Columns();
  for (const { t, v = NaN } of samples.filter(({ t }) => t <= UNTIL)) columns.push(t, v, false, 0, undefined);
  const kept = rollUpSamples(columns, true);
  const old = Array.from({ length: kept.count }, (_, i) => ({ t: kept.t[i], v: kept.v[i] }));
  return [...old, ...samples.filter(({ t }) => t > UNTIL)];
}

describe('a lookback of less than five minutes', () => {
  const MINUTE = 60_000;
  const ENDS = UNTIL + 20 * MINUTE;
  const rolled = source(UNTIL, { a: rolledUp(SAMPLES), gone: rolledUp(SAMPLES.filter(({ t }) => t <= ENDS)) });
  const short = embeddedQuerier(rolled, { lookbackMs: MINUTE });
  const FIRST = AT - HOUR - 30 * MINUTE;
  const ask = async (
    expr: string,
    lookbackMs?: number,
  ): Promise<{ times: number[]; values: number[]; warnings: readonly string[] }> => {
    const { value, warnings } = await short.range(expr, FIRST, AT, MINUTE, { lookbackMs });
    if (value.kind !== 'matrix') throw new Error(value.kind);
    const [{ t, v }] = value.series;
    return { times: [...t], values: [...v], warnings };
  };
  const WARNING = `samples up to ${new Date(UNTIL).toISOString()} are five-minute roll-ups: the lookback is five minutes there`;

  it('is five minutes over roll-ups, so that no series is missing, and says so', async () => {
    const { times, values, warnings } = await ask('count(x_total)');
    expect(times).toHaveLength(91);
    expect(warnings).toEqual([`PromQL warning: ${WARNING} (1:7)`]);
    // Only where the samples are all there does it find that a series has ended, and it does so after its own minute.
    const ended = times.findIndex((t) => t >= ENDS + MINUTE);
    expect(values).toEqual(times.map((_, k) => (k < ended ? 2 : 1)));
  });

  it('takes samples that were stored, at most five minutes old', async () => {
    const { times, values } = await ask('timestamp(x_total{job="a"})');
    expect(times).toHaveLength(91);
    for (const [k, time] of times.entries()) {
      const age = time - values[k] * 1_000;
      expect(age).toBeGreaterThanOrEqual(0);
      expect(age).toBeLessThan(time - MINUTE < UNTIL ? 5 * MINUTE : MINUTE);
    }
  });

  it.each([
    'x_total{job="a"} smoothed',
    'increase(x_total{job="a"}[20m] anchored)',
    'max_over_time(x_total{job="a"}[5m:1m])',
    'last_over_time(info(x_total{job="a"})[2m:1m])',
    'sum(info(x_total{job="a"}))',
  ])('%s has a value at each step and the warning', async (expr) => {
    const { times, warnings } = await ask(expr);
    expect(times).toHaveLength(91);
    expect(warnings).toContainEqual(expect.stringContaining(WARNING));
  });

  it('needs no warning where the samples are all there, nor with five minutes', async () => {
    expect((await short.instant('x_total', AT)).warnings).toEqual([]);
    expect((await short.instant('x_total', UNTIL + MINUTE)).warnings).toEqual([]);
    expect((await ask('count(x_total)', 5 * MINUTE)).warnings).toEqual([]);
  });

  it('counts for stats the samples that it used', async () => {
    const { stats } = await short.instant('increase(x_total{job="a"}[1m] anchored)', UNTIL - 2 * MINUTE, {
      stats: true,
    });
    expect(stats?.samples.samplesRead).toBeGreaterThan(0);
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
