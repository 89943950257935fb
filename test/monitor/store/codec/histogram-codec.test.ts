import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Histogram } from '../../../../src/model/histogram.ts';
import { ByteReader, ByteWriter } from '../../../../src/monitor/store/codec/bytes.ts';
import { readHistogram, sameHistogram, writeHistogram } from '../../../../src/monitor/store/codec/histogram-codec.ts';
import { histogramOf } from '../store-fixture.ts';

const count = fc.oneof(fc.nat(), fc.double({ min: 0, noNaN: true }));
const spans = fc.array(fc.record({ offset: fc.integer({ min: -100, max: 100 }), length: fc.nat(4) }), { maxLength: 3 });
const histogram: fc.Arbitrary<Histogram> = fc.record({
  schema: fc.constantFrom(-53, -4, 0, 8),
  count,
  sum: fc.double(),
  zeroThreshold: fc.constantFrom(0, 1e-128),
  zeroCount: count,
  positiveSpans: spans,
  positiveBuckets: fc.array(count, { maxLength: 5 }),
  negativeSpans: spans,
  negativeBuckets: fc.array(count, { maxLength: 5 }),
  customValues: fc.array(fc.double({ noNaN: true }), { maxLength: 3 }),
  resetHint: fc.constantFrom('unknown', 'reset', 'not_reset', 'gauge'),
});

function roundTrip(list: readonly Histogram[]): Histogram[] {
  const writer = new ByteWriter(8);
  list.forEach((one, i) => writeHistogram(writer, one, list[i - 1]));
  const reader = new ByteReader(writer.take());
  const out: Histogram[] = [];
  for (const _ of list) out.push(readHistogram(reader, out.at(-1)));
  expect(reader.done).toBe(true);
  return out;
}

describe('histograms as bytes', () => {
  it('are decoded unchanged', () => {
    fc.assert(
      fc.property(fc.array(histogram, { maxLength: 5 }), (list) => {
        expect(roundTrip(list)).toEqual(list);
      }),
    );
  });

  it('of one layout are written as differences', () => {
    const list = Array.from({ length: 100 }, (_, i) => histogramOf(1_000_000 + i, i));
    expect(roundTrip(list)).toEqual(list);
    const writer = new ByteWriter();
    list.forEach((one, i) => writeHistogram(writer, one, list[i - 1]));
    expect(writer.length / list.length).toBeLessThan(15);
  });

  it('are the same only when every number is the same', () => {
    expect(sameHistogram(undefined, undefined)).toBe(true);
    expect(sameHistogram(histogramOf(5, 1), undefined)).toBe(false);
    expect(sameHistogram(histogramOf(5, NaN), histogramOf(5, NaN))).toBe(true);
    const base = histogramOf(5, 1);
    for (const other of [
      { ...base, count: 6 },
      { ...base, zeroCount: 2 },
      { ...base, schema: 2 },
      { ...base, positiveBuckets: [3, 2] },
      { ...base, positiveSpans: [{ offset: 0, length: 2 }] },
      { ...base, customValues: [1] },
      { ...base, negativeBuckets: [1] },
    ]) {
      expect(sameHistogram(base, other)).toBe(false);
    }
  });

  it('with false lengths are refused before memory is allocated', () => {
    const writer = new ByteWriter();
    writeHistogram(writer, histogramOf(5, 1), undefined);
    const bytes = writer.take();
    bytes[10] = 0xff;
    expect(() => readHistogram(new ByteReader(bytes), undefined)).toThrow(RangeError);
    expect(() => readHistogram(new ByteReader(Uint8Array.of(1)), undefined)).toThrow('lacks the one before');
    expect(() => new ByteReader(new Uint8Array(12).fill(0xff)).varint()).toThrow('too long');
  });
});
