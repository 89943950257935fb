import { describe, expect, it } from 'vitest';
import { VitrineError } from '../../../../src/base/errors.ts';
import { Labels } from '../../../../src/model/labels.ts';
import type { MatrixSeries, Querier, QueryRead } from '../../../../src/model/ports.ts';
import { chartAnswer } from '../../../../src/monitor/api/charts/chart-answer.ts';
import { WatchedLimits } from '../../../../src/monitor/api/charts/watched.ts';
import { fakeQuerier } from '../../../support/page/fake-stack.ts';
import { movedClock } from '../../../support/moved-clock.ts';

const NOW = 1_800_000_000_000;
const HOUR = 3_600_000;
const clock = movedClock(NOW);
const limits = (): WatchedLimits => new WatchedLimits([]);

interface Evaluation {
  readonly expr: string;
  readonly stepMs: number;
}

/** Every series has the value 1, a peak of 9 at one time, and none in a gap. */
function querierWith(
  count: number,
  options: { read?: QueryRead; peakMs?: number; gap?: [number, number] } = {},
): Querier & { evaluations: Evaluation[] } {
  const evaluations: Evaluation[] = [];
  return {
    ...fakeQuerier(NOW),
    evaluations,
    range(expr, startMs, endMs, stepMs) {
      evaluations.push({ expr, stepMs });
      if (expr.startsWith('bad')) throw new VitrineError('query_invalid', '1:4: parse error', { hint: 'look' });
      if (expr.startsWith('bug')) throw new Error('a mistake of ours');
      const t: number[] = [];
      for (let at = startMs; at <= endMs; at += stepMs) {
        if (options.gap === undefined || at < options.gap[0] || at > options.gap[1]) t.push(at);
      }
      const series = Array.from({ length: count }, (_, n): MatrixSeries => ({
        labels: Labels.from({ n: String(n) }),
        t: Float64Array.from(t),
        v: Float64Array.from(t, (at) => (at === options.peakMs ? 9 : n + 1)),
      }));
      return Promise.resolve({ value: { kind: 'matrix', series }, warnings: ['w'], infos: [], read: options.read });
    },
  };
}

const ask = (querier: Querier, params: Readonly<Record<string, string | number>>, ...exprs: string[]) => {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(params)) query.set(name, String(value));
  for (const expr of exprs) query.append('expr', expr);
  return chartAnswer(query, { querier, clock, limits }, new AbortController().signal);
};

describe('chartAnswer', () => {
  it('gives one value a step when that fits the plot, with null in gaps', async () => {
    const querier = querierWith(1, { gap: [NOW - 60_000, NOW - 30_000] });
    const answer = await ask(querier, { from: NOW - 120_000, to: NOW, step: '15s', width: 100 }, 'a[$__rate_interval]');
    expect(answer.queries[0]).toMatchObject({
      expr: 'a[1m]',
      startMs: NOW - 120_000,
      stepMs: 15_000,
      count: 9,
      peaksKept: true,
      seriesTotal: 1,
      warnings: ['w'],
      read: null,
    });
    expect(answer.queries[0].series).toEqual([{ labels: { n: '0' }, values: [1, 1, 1, 1, null, null, null, 1, 1] }]);
  });

  it('keeps a peak of one step in a day, with at most four points a pixel', async () => {
    const peakMs = NOW - 5 * HOUR + 15_000;
    const querier = querierWith(2, { peakMs, read: { series: 10, samples: 1_000 } });
    const { queries } = await ask(querier, { from: NOW - 24 * HOUR, to: NOW, step: '15s', width: 100 }, 'a');
    const [{ series, count, peaksKept, read, startMs, stepMs }] = queries;
    expect([count, peaksKept, read]).toEqual([5_761, true, { series: 10, samples: 1_000 }]);
    for (const { at = [], values } of series) {
      expect(values.length).toBeLessThanOrEqual(400);
      expect(values).toHaveLength(at.length);
      expect(startMs + at[values.indexOf(9)] * stepMs).toBe(peakMs);
    }
    expect(querier.evaluations.map(({ stepMs: step }) => step)).toEqual([900_000, 15_000]);
  });

  it('stays with one point a pixel, and says so, when the query reads too many series', async () => {
    const querier = querierWith(1, { read: { series: 1_000, samples: 1 } });
    const { queries } = await ask(querier, { from: NOW - 24 * HOUR, to: NOW, step: '15s', width: 100 }, 'a');
    expect(queries[0]).toMatchObject({ peaksKept: false, stepMs: 900_000 });
    expect(querier.evaluations).toHaveLength(1);
  });

  it('sends the series with the largest values, in their order, and says how many there are', async () => {
    const { queries } = await ask(querierWith(30), { series: 3 }, 'a');
    expect(queries[0].seriesTotal).toBe(30);
    expect(queries[0].series.map(({ labels }) => labels.n)).toEqual(['27', '28', '29']);
  });

  it('answers each expression on its own: a wrong one has its error, the others their data', async () => {
    const { queries } = await ask(querierWith(1), {}, 'a', 'bad', 'b');
    expect(queries.map(({ series, error }) => [series.length, error])).toEqual([
      [1, undefined],
      [0, { code: 'query_invalid', message: '1:4: parse error', hint: 'look' }],
      [1, undefined],
    ]);
    await expect(ask(querierWith(1), {}, 'bug')).rejects.toThrow('a mistake of ours');
  });

  it('adds the variables of a dashboard to every selector that has the label', async () => {
    const query = new URLSearchParams({
      expr: 'sum(rate(http_a{job="b"}[1m])) / -vector(1) + (max_over_time(c[5m:1m])) + topk(2, d)',
    });
    for (const match of ['job=sh"op', 'http_route=/a', 'instance=i:1']) query.append('match', match);
    const { queries } = await chartAnswer(
      query,
      { querier: querierWith(1), clock, limits },
      new AbortController().signal,
    );
    const both = 'instance="i:1",job="sh\\"op"';
    expect(queries[0].expr).toBe(
      `sum(rate(http_a{http_route="/a",instance="i:1",job="b"}[1m])) / -vector(1) + (max_over_time(c{${both}}[5m:1m])) + topk(2, d{${both}})`,
    );
    for (const match of [['x'], ['1=2'], ['a=b', 'a=b', 'a=b', 'a=b', 'a=b', 'a=b']]) {
      const wrong = new URLSearchParams({ expr: 'a' });
      for (const text of match) wrong.append('match', text);
      await expect(
        chartAnswer(wrong, { querier: querierWith(1), clock, limits }, new AbortController().signal),
      ).rejects.toThrow(expect.objectContaining({ code: 'bad_request' }));
    }
  });

  it.each([
    [{}, []],
    [{}, Array.from({ length: 9 }, () => 'a')],
    [{}, ['a'.repeat(16_385)]],
    [{ from: NOW, to: NOW }, ['a']],
    [{ step: '10ms' }, ['a']],
    [{ step: 'x' }, ['a']],
    [{ width: 9 }, ['a']],
    [{ from: 'now' }, ['a']],
  ])('refuses %o with %j', async (params, exprs) => {
    await expect(ask(querierWith(1), params as never, ...exprs)).rejects.toThrow(
      expect.objectContaining({ code: 'bad_request' }),
    );
  });

  it('draws no series for a result that is no matrix', async () => {
    const querier: Querier = {
      ...querierWith(1),
      range: () => Promise.resolve({ value: { kind: 'scalar', t: 0, v: 1 }, warnings: [], infos: [] }),
    };
    const { queries } = await ask(querier, { from: NOW - 24 * HOUR, width: 50 }, 'a');
    expect(queries[0].series).toEqual([]);
  });
});
