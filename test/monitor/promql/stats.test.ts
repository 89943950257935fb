/** `stats` of a query: the numbers are those that Prometheus 3 gives for the same samples (to-the-letter.e2e.ts compares). */
import { describe, expect, it } from 'vitest';
import { Labels } from '../../../src/model/labels.ts';
import { MemoryStore } from '../../../src/monitor/alerts/rules/memory-store.ts';
import { sharedQuerier } from '../../../src/monitor/promql/beside/shared-querier.ts';
import { embeddedQuerier } from '../../../src/monitor/promql/embedded.ts';
import { SampleColumns } from '../../../src/monitor/ingest/metrics/sample-columns.ts';
import { resultJson } from '../../../src/monitor/api/prometheus/result-json.ts';
import { systemClock } from '../../../src/base/clock.ts';
import { statsOf } from '../../../src/monitor/promql/remote/result.ts';

const COUNT = 41;
const END_MS = (COUNT - 1) * 15_000;

async function filled(): Promise<MemoryStore> {
  const store = new MemoryStore();
  const columns = new SampleColumns();
  for (const i of ['a', 'b']) {
    const ref = store.resolve(Labels.from({ __name__: 'x_total', i }));
    for (let k = 0; k < COUNT; k += 1) columns.add(ref, k * 15_000, k, false, 0);
  }
  await store.append(columns.batch());
  return store;
}

describe('stats', () => {
  it.each([
    ['x_total', 2, 2],
    ['rate(x_total[1m])', 8, 8],
    ['x_total @ 60', 2, 2],
    ['max_over_time(x_total[2m:1m])', 4, 4],
    ['x_total[2m:1m]', 4, 4],
    ['x_total[1m]', 8, 8],
    ['rate(x_total[1m] anchored)', 48, 48],
    ['1', 0, 0],
  ])('of the instant query %s', async (expr, totalQueryableSamples, samplesRead) => {
    const querier = embeddedQuerier(await filled());
    const { stats } = await querier.instant(expr, END_MS + 1, { stats: true });
    expect(stats?.samples).toMatchObject({ totalQueryableSamples, samplesRead });
    expect(Object.values(stats?.timings ?? {}).every((seconds) => seconds >= 0)).toBe(true);
    expect((await querier.instant(expr, END_MS + 1)).stats).toBeUndefined();
  });

  it.each([
    ['x_total', 8, 8],
    ['rate(x_total[2m])', 64, 40],
    // Used at each of four steps, read once.
    ['x_total @ 60', 8, 2],
    ['sum(rate(x_total[1m] @ 120))', 32, 8],
    // Two of four evaluations of the subquery lie in the gaps between the windows.
    ['max_over_time(x_total[30s:15s])', 16, 16],
    ['max_over_time(x_total[2m:1m])', 16, 10],
  ])('of the range query %s', async (expr, totalQueryableSamples, samplesRead) => {
    const querier = embeddedQuerier(await filled());
    const { stats } = await querier.range(expr, END_MS - 179_999, END_MS + 1, 60_000, { stats: true });
    expect(stats?.samples).toMatchObject({ totalQueryableSamples, samplesRead });
  });

  it('are in the body after the result, from the other thread too', async () => {
    await using querier = sharedQuerier(await filled(), { clock: systemClock, maxSamples: 100_000 });
    const heavy = 'x_total + on () group_left topk(1, x_total =~ "a")'.replace(' =~ "a"', '{i=~"(a{1,25}){1,35}"}');
    const result = await querier.range(heavy, 0, END_MS, 15_000, { stats: true });
    const body = JSON.parse([...resultJson(result)].join('')) as { data: { stats: typeof result.stats } };
    expect(body.data.stats).toEqual(result.stats);
    expect(body.data.stats?.samples.totalQueryableSamples).toBeGreaterThan(80);
  });

  it('of another server are taken as far as they are numbers', () => {
    expect(statsOf({})).toBeUndefined();
    const stats = { timings: { evalTotalTime: 2, innerEvalTime: 'x' }, samples: { peakSamples: 4 } };
    expect(statsOf({ stats })).toMatchObject({
      timings: { evalTotalTime: 2, innerEvalTime: 0 },
      samples: { peakSamples: 4, samplesRead: 0 },
    });
  });
});
