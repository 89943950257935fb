import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { silentLogger } from '../../../../src/base/logger.ts';
import type { SampleBatch } from '../../../../src/model/ports.ts';
import { Columns } from '../../../../src/monitor/store/codec/columns.ts';
import { ALL_TIMES, Head } from '../../../../src/monitor/store/head/head.ts';
import { SeriesTable } from '../../../../src/monitor/store/head/series-table.ts';
import { histogramOf, labelsOf } from '../store-fixture.ts';

const SERIES = 3;

function newHead(): { head: Head; refs: number[] } {
  const table = new SeriesTable({ maxSeries: 100, maxSeriesPerMetric: 100 }, silentLogger);
  const head = new Head(table);
  const refs = Array.from({ length: SERIES }, (_, i) => table.resolve(labelsOf('x', { i: String(i) })));
  head.prepare(0);
  return { head, refs };
}

const sample = fc.record({
  series: fc.nat(SERIES - 1),
  step: fc.integer({ min: 0, max: 50 }),
  v: fc.double(),
  stale: fc.nat(9).map((n) => n === 0),
  st: fc.constantFrom(0, 0, 0, 5, 9),
  h: fc.nat(9).map((n) => (n === 0 ? histogramOf(5, 1) : undefined)),
});
type Sample = typeof sample extends fc.Arbitrary<infer T> ? T : never;

function batchOf(refs: readonly number[], samples: readonly Sample[], startT: number): SampleBatch {
  let t = startT;
  return {
    count: samples.length,
    refs: Uint32Array.from(samples, ({ series }) => refs[series]),
    t: Float64Array.from(samples, ({ step }) => (t += step)),
    v: Float64Array.from(samples, ({ v }) => v),
    stale: Uint8Array.from(samples, ({ stale }) => (stale ? 1 : 0)),
    st: Float64Array.from(samples, ({ st }) => st),
    h: samples.map(({ h }) => h),
  };
}

const shown = (head: Head): unknown =>
  Array.from({ length: SERIES }, (_, i) => {
    const columns = new Columns(0);
    head.copyInto(columns, i + 1, -Infinity, Infinity);
    const { t, v, stale, st, h } = columns.toSamples(-Infinity, Infinity) ?? { t: [], v: [] };
    return { last: head.lastT(i + 1), t: [...t], v: [...v], stale: stale && [...stale], st: st && [...st], h };
  });

const list = fc.array(sample, { maxLength: 250 });
const kept = new Uint32Array(1_000);

describe('the head', () => {
  it('removes exactly the samples since the mark', () => {
    fc.assert(
      fc.property(list, list, fc.nat(4), (first, second, pages) => {
        const { head, refs } = newHead();
        head.append(batchOf(refs, first, 0), ALL_TIMES, kept);
        for (let slot = 1; slot <= SERIES; slot += 1) {
          head.releasePages(slot, Math.min(pages, head.fullPages(slot, Infinity)));
        }
        head.mark();
        const before = shown(head);
        const size = head.sizeBytes;
        head.append(batchOf(refs, second, 5_000), ALL_TIMES, kept);
        head.append(batchOf(refs, second, 50_000), ALL_TIMES, kept);
        head.takeBack();
        expect(shown(head)).toEqual(before);
        // An emptied list of extras weighs a little until the next flush.
        expect(Math.abs(head.sizeBytes - size)).toBeLessThanOrEqual(SERIES * 300);
        expect(head.append(batchOf(refs, second, 5_000), ALL_TIMES, kept).kept).toBeGreaterThanOrEqual(
          Math.min(1, second.length),
        );
      }),
    );
  });

  it('releases the first pages and keeps the rest', () => {
    fc.assert(
      fc.property(list, fc.nat(200), (samples, from) => {
        const { head, refs } = newHead();
        head.append(batchOf(refs, samples, 0), ALL_TIMES, kept);
        const whole = new Columns(0);
        head.copyInto(whole, 1, -Infinity, Infinity);
        const pages = head.fullPages(1, from * 25);
        const parts = new Columns(0);
        head.copyPages(parts, 1, pages);
        expect(parts.count).toBe(pages * 32);
        expect(pages === 0 || parts.t[parts.count - 1] < from * 25).toBe(true);
        head.releasePages(1, pages);
        head.copyInto(parts, 1, -Infinity, Infinity);
        expect(parts.toSamples(-Infinity, Infinity)).toEqual(whole.toSamples(-Infinity, Infinity));
        const middle = new Columns(0);
        head.copyInto(middle, 1, 1_000, 3_000);
        const wanted = [...parts.t.subarray(0, parts.count)].filter(
          (t) => t >= 1_000 && t <= 3_000 && t >= head.firstT(1),
        );
        expect([...middle.t.subarray(0, middle.count)]).toEqual(wanted);
      }),
    );
  });

  it('does not apply a start timestamp to later samples without one', () => {
    const { head, refs } = newHead();
    const one = { step: 1, v: 1, stale: false, h: undefined };
    const columns = new Columns(0);
    columns.push(-1, 0, false, 77, undefined);
    head.append(batchOf(refs, [{ ...one, series: 0, st: 0 }], 0), ALL_TIMES, kept);
    head.copyInto(columns, 1, -Infinity, Infinity);
    expect([...(columns.toSamples(-Infinity, Infinity)?.st ?? [])]).toEqual([77, 0]);
  });

  it('recognises released references for thousands of reuses', () => {
    const { head, refs } = newHead();
    const seen = new Set(refs);
    for (let i = 0; i < 4_000; i += 1) {
      head.drop(new Set([head.table.slotOf(head.table.resolve(labelsOf('x', { i: '0' })))]));
      const ref = head.table.resolve(labelsOf('x', { i: '0' }));
      expect(seen.has(ref)).toBe(false);
      seen.add(ref);
    }
    expect(head.table.slotOf(refs[0])).toBe(0);
    expect(head.table.size).toBe(SERIES);
  });
});
