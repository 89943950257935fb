/** Samples in memory stay within their bounds and answer as a store does. */
import { expect, it } from 'vitest';
import { Labels } from '../../../../src/model/labels.ts';
import { compileMatcher } from '../../../../src/monitor/promql/syntax/matchers.ts';
import { RecentSamples } from '../../../../src/monitor/store/recent/recent-samples.ts';

it('keeps the last minutes of a limited number of series, one sample per five seconds', async () => {
  const samples = new RecentSamples({ compileMatcher, maxSeries: 2, keepMs: 60_000 });
  const refs = ['a', 'b', 'c'].map((job) => samples.resolve(Labels.from({ __name__: 'x', job })));
  expect([refs[2], samples.refused]).toEqual([0, 1]);
  for (let second = 0; second <= 600; second += 1) {
    const t = Float64Array.from(refs, () => second * 1_000);
    const v = Float64Array.from(refs, () => second);
    await samples.append({ count: 3, refs: Uint32Array.from(refs), t, v });
  }
  const found = samples.select([{ name: 'job', op: '=~', value: 'a|c' }], 0, 1e9);
  expect(found.map(({ labels }) => labels.get('job'))).toEqual(['a']);
  const { t, v } = found[0].samples;
  expect([t[t.length - 1], v[v.length - 1]]).toEqual([600_000, 600]);
  expect(t[0]).toBeGreaterThanOrEqual(540_000);
  expect(t.length).toBeLessThanOrEqual(14);
  expect(await samples.labelNames([], 0, 1e9)).toEqual(['__name__', 'job']);
  expect(await samples.labelValues('job', [[{ name: 'job', op: '!=', value: 'b' }]], 0, 1e9)).toEqual(['a']);
  expect(await samples.series([], 0, 1e9, 1)).toHaveLength(1);
});
