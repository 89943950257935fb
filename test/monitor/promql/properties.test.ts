import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { QueryResult } from '../../../src/model/ports.ts';
import { Labels } from '../../../src/model/labels.ts';
import { embeddedQuerier } from '../../../src/monitor/promql/embedded.ts';
import { MemorySource, type Sample } from '../../support/promql/memory-source.ts';
import { vectorFromMatrix } from '../../support/promql/script-compare.ts';

const value = fc.oneof(
  fc.integer({ min: -5, max: 50 }).map((v) => ({ v })),
  fc.constantFrom({ v: Number.NaN }, { v: Infinity }, { v: -0 }, { stale: true }),
);
/** Samples at irregular times within ten minutes. */
const samples = fc
  .uniqueArray(fc.tuple(fc.integer({ min: 0, max: 600 }), value), { selector: ([t]) => t, maxLength: 40 })
  .map((list): Sample[] => list.map(([t, sample]) => ({ t: t * 1000, ...sample })));
const sources = fc.array(samples, { minLength: 1, maxLength: 4 }).map((all) => {
  const source = new MemorySource();
  for (const [i, one] of all.entries()) {
    source.add(Labels.from({ __name__: i % 2 === 0 ? 'a_total' : 'b_total', i: String(i), g: String(i % 3) }), one);
  }
  return source;
});

const EXPRESSIONS = [
  'a_total',
  'a_total offset 45s',
  'rate(a_total[2m])',
  'increase({i=~".+"}[90s])',
  'irate(a_total[2m])',
  'resets(a_total[3m]) + changes(a_total[3m])',
  'deriv(a_total[2m])',
  'predict_linear(a_total[2m], 30)',
  'sum by (g) ({i=~".+"})',
  'avg({i=~".+"})',
  'stddev({i=~".+"})',
  'topk(2, {i=~".+"})',
  'quantile(scalar(b_total) / 10, {i=~".+"})',
  'a_total > 3 or b_total',
  'a_total + on(g) group_left b_total{i="1"}',
  'max_over_time(sum({i=~".+"})[3m:40s])',
  'avg_over_time(a_total[1m:7s] offset 13s)',
  'absent_over_time(a_total{x="y"}[1m])',
  'timestamp(a_total)',
  'count_values("v", a_total)',
  'quantile_over_time(0.3, a_total[4m])',
  'increase(a_total[1m] anchored)',
  'rate(a_total[1m] smoothed)',
  'label_replace(a_total, "x", "$1", "g", "(.)")',
];

const STEP_MS = 37_000;

const byLabels = (result: { labels: Labels; point: { v: number } }[]): Map<string, number> =>
  new Map(result.map(({ labels, point }) => [labels.key, point.v]));

const instantOf = ({ value: v }: QueryResult): Map<string, number> =>
  byLabels(v.kind === 'vector' ? [...v.series] : []);

/** A result, or the message of its error. */
async function attempt(query: Promise<QueryResult>): Promise<QueryResult | string> {
  try {
    return await query;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

describe('a range query', () => {
  it('equals a series of instant queries', async () => {
    await fc.assert(
      fc.asyncProperty(
        sources,
        fc.constantFrom(...EXPRESSIONS),
        fc.integer({ min: 0, max: 600 }),
        async (source, expr, start) => {
          const querier = embeddedQuerier(source);
          const startMs = start * 1000;
          const ranged = await attempt(querier.range(expr, startMs, startMs + 3 * STEP_MS, STEP_MS));
          for (let k = 0; k <= 3; k += 1) {
            const at = startMs + k * STEP_MS;
            const instant = await attempt(querier.instant(expr, at));
            if (typeof ranged === 'string') continue;
            expect(typeof instant).toBe('object');
            if (typeof instant === 'object')
              expect(byLabels(vectorFromMatrix(ranged.value, at))).toEqual(instantOf(instant));
          }
        },
      ),
      { numRuns: 300 },
    );
  });

  it('gives the same result with offset as with @', async () => {
    await fc.assert(
      fc.asyncProperty(
        sources,
        fc.integer({ min: 0, max: 600 }),
        fc.integer({ min: -90, max: 300 }),
        async (source, at, offset) => {
          const querier = embeddedQuerier(source);
          const [shifted, pinned] = await Promise.all(
            [`rate({i=~".+"}[2m] offset ${offset}s)`, `rate({i=~".+"}[2m] @ ${at - offset})`].map(async (expr) =>
              attempt(querier.instant(expr, at * 1000)),
            ),
          );
          if (typeof shifted === 'string' || typeof pinned === 'string') expect(shifted).toBe(pinned);
          else expect(instantOf(shifted)).toEqual(instantOf(pinned));
        },
      ),
      { numRuns: 100 },
    );
  });

  it('does not change hostile label names and values', async () => {
    const source = new MemorySource();
    source.add(
      Labels.from([
        ['__name__', 'm'],
        ['__proto__', 'p'],
        ['constructor', '"\n'],
      ]),
      [{ t: 0, v: 1 }],
    );
    const { value: v } = await embeddedQuerier(source).instant(
      'label_replace(sum by (__proto__, constructor) (m), "x", "$__proto__[$1]", "__proto__", "(.)")',
      0,
    );
    expect(v.kind === 'vector' && [...v.series[0].labels]).toEqual([
      ['__proto__', 'p'],
      ['constructor', '"\n'],
      ['x', '[p]'],
    ]);
  });
});
