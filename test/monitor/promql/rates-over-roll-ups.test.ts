/** `rate` over roll-ups: a steady counter has the rate that it had, wherever the window begins in a step and however short it is. */
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Histogram } from '../../../src/model/histogram.ts';
import { Labels } from '../../../src/model/labels.ts';
import type { Querier, SampleSource } from '../../../src/model/ports.ts';
import { embeddedQuerier } from '../../../src/monitor/promql/embedded.ts';
import { Columns } from '../../../src/monitor/store/codec/columns.ts';
import { rollUpSamples } from '../../../src/monitor/store/upkeep/roll-up.ts';
import { MemorySource } from '../../support/promql/memory-source.ts';

const FROM = 1_795_176_000_000;
const SECOND = 1_000;
/** An hour of roll-ups, then an hour of which all samples are there. */
const COARSE_S = 3_600;
const ALL_S = 2 * COARSE_S;

const histogramAt = (count: number): Histogram => ({
  schema: 0,
  count,
  sum: 2 * count,
  zeroThreshold: 0.001,
  zeroCount: 0,
  positiveSpans: [{ offset: 0, length: 1 }],
  positiveBuckets: [count],
  negativeSpans: [],
  negativeBuckets: [],
  customValues: [],
  resetHint: 'unknown',
});

/** Counters that rise by one a second, seen each `everyS` until `endS`: floats without and with a start time, and a native histogram. */
function steady(everyS: number, endS = ALL_S): Querier {
  const memory = new MemorySource();
  const kinds = [
    ['x_total', 0, false],
    ['started_total', FROM - SECOND, false],
    ['h', 0, true],
  ] as const;
  for (const [name, st, native] of kinds) {
    const all = new Columns();
    const rest: { t: number; v: number; h: Histogram | undefined; st: number }[] = [];
    for (let s = 0; s < endS; s += everyS) {
      const [t, v] = [FROM + s * SECOND, 1e6 + s];
      const h = native ? histogramAt(v) : undefined;
      if (s < COARSE_S) all.push(t, native ? Number.NaN : v, false, st, h);
      else rest.push({ t, v, h, st });
    }
    const kept = rollUpSamples(all, true);
    const hist = new Map(kept.hAt.map((at, i) => [at, kept.h[i]]));
    const old = Array.from({ length: kept.count }, (_, i) => ({ t: kept.t[i], v: kept.v[i], h: hist.get(i), st }));
    memory.add(Labels.from({ __name__: name }), [...old, ...rest]);
  }
  const untilMs = FROM + COARSE_S * SECOND - 1;
  const source: SampleSource = Object.assign(memory, {
    coarseUntilMs: (mintMs: number) => (untilMs >= mintMs ? untilMs : -Infinity),
  });
  return embeddedQuerier(source);
}

async function valueOf(querier: Querier, expr: string, atS: number): Promise<number | undefined> {
  const { value } = await querier.instant(expr, FROM + atS * SECOND);
  if (value.kind !== 'vector') throw new Error(value.kind);
  return value.series[0]?.point.v;
}

const RATES = ['rate(x_total[W])', 'rate(started_total[W])', 'histogram_count(rate(h[W]))', 'delta(x_total[W]) / R'];

describe('rate over roll-ups', () => {
  const INTERVALS = [1, 10, 15, 60];
  const queriers = new Map(INTERVALS.map((everyS) => [everyS, steady(everyS)]));

  it.each(RATES)('%s of a steady counter is its rate', async (form) => {
    const windows = fc.record({
      everyS: fc.constantFrom(...INTERVALS),
      rangeS: fc.integer({ min: 60, max: 3_000 }),
      atS: fc.integer({ min: 3_000, max: ALL_S - 60 }),
    });
    await fc.assert(
      fc.asyncProperty(windows, async ({ everyS, rangeS, atS }) => {
        const expr = form.replace('W', `${rangeS}s`).replace('R', String(rangeS));
        const rate = await valueOf(queriers.get(everyS) as Querier, expr, atS);
        // Two samples are in each window that is longer than a step and an interval.
        if (rate === undefined) expect(rangeS).toBeLessThan(300 + everyS + 1);
        else expect(rate).toBeCloseTo(1, 9);
      }),
      { numRuns: 40 },
    );
  });

  it('is not drawn on for more than half an interval after the end of a series', async () => {
    const ended = steady(10, 1_800);
    const increase = await valueOf(ended, 'increase(x_total[1h])', 3_600);
    expect(increase).toBeGreaterThanOrEqual(1_790);
    expect(increase).toBeLessThan(1_790 + 100);
  });
});
