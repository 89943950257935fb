import * as fc from 'fast-check';
import { expect, it } from 'vitest';
import type { SampleBatch } from '../../../../src/model/ports.ts';
import { Labels } from '../../../../src/model/labels.ts';
import { decodeBatch, encodeBatch } from '../../../../src/monitor/store/codec/batch-codec.ts';
import { ByteReader, ByteWriter } from '../../../../src/monitor/store/codec/bytes.ts';
import { histogramOf } from '../store-fixture.ts';

const sample = fc.record({
  ref: fc.oneof(fc.integer({ min: 1, max: 20 }), fc.integer({ min: 1, max: 0xffffffff })),
  t: fc.constantFrom(1_000, 1_000, 1_000, 2_000, -5),
  v: fc.double(),
  stale: fc.constantFrom(0, 1),
  st: fc.constantFrom(0, 7),
  h: fc.option(fc.integer({ min: 3, max: 100 }), { nil: undefined }),
  kept: fc.boolean(),
});

it('keeps accepted samples, and several batches in a row', () => {
  fc.assert(
    fc.property(
      fc.array(fc.array(sample, { maxLength: 2_000 / 40 }), { maxLength: 3 }),
      fc.boolean(),
      (lists, extras) => {
        const writer = new ByteWriter(16);
        for (const list of lists) {
          const kept = Uint32Array.from(list.flatMap(({ kept }, i) => (kept ? [i] : [])));
          encodeBatch(writer, batchOf(list, extras), kept, kept.length);
        }
        const reader = new ByteReader(writer.take());
        for (const list of lists) {
          const expected = batchOf(
            list.filter(({ kept }) => kept),
            extras,
          );
          const found = decodeBatch(reader);
          expect({ ...found, stale: found.stale && [...found.stale] }).toEqual({
            ...expected,
            stale: expected.stale && [...expected.stale],
          });
        }
        expect(reader.done).toBe(true);
      },
    ),
  );
});

function batchOf(
  list: readonly (typeof sample extends fc.Arbitrary<infer T> ? T : never)[],
  extras: boolean,
): SampleBatch {
  return {
    count: list.length,
    refs: Uint32Array.from(list, ({ ref }) => ref),
    t: Float64Array.from(list, ({ t }) => t),
    v: Float64Array.from(list, ({ v }) => v),
    stale: extras ? Uint8Array.from(list, ({ stale }) => stale) : undefined,
    st: extras ? Float64Array.from(list, ({ st }) => st) : undefined,
    h: extras ? list.map(({ h }) => (h === undefined ? undefined : histogramOf(h, 1))) : undefined,
    exemplars: extras
      ? [{ ref: 3, exemplar: { labels: Labels.from({ trace_id: 'é\ud800' }), value: -0, timestampMs: 5 } }]
      : undefined,
  };
}

it('writes consecutive references as runs', () => {
  const count = 10_000;
  const writer = new ByteWriter();
  const kept = Uint32Array.from({ length: count }, (_, i) => i);
  const batch = { count, refs: kept.map((i) => i + 1), t: new Float64Array(count), v: new Float64Array(count) };
  encodeBatch(writer, batch, kept, count);
  expect(writer.length).toBeLessThan(count * 8 + 50);
});

it('throws RangeError when a row ends too early', () => {
  expect(() => decodeBatch(new ByteReader(Uint8Array.of(0, 200, 1)))).toThrow(RangeError);
  expect(() => decodeBatch(new ByteReader(Uint8Array.of(1, 2, 1, 0, 0, 0, 0, 9)))).toThrow(RangeError);
});
