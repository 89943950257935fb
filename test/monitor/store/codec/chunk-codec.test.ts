import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { chunkOf, decodeChunk } from '../../../../src/monitor/store/codec/chunk-codec.ts';
import { Columns } from '../../../../src/monitor/store/codec/columns.ts';
import { histogramOf } from '../store-fixture.ts';

interface Sample {
  readonly t: number;
  readonly v: number;
  readonly stale?: boolean;
  readonly st?: number;
  readonly h?: number | undefined;
}

function columnsOf(samples: readonly Sample[]): Columns {
  const columns = new Columns(4);
  for (const { t, v, stale = false, st = 0, h } of samples) {
    columns.push(t, v, stale, st, h === undefined ? undefined : histogramOf(h, h / 3));
  }
  return columns;
}

function shown(columns: Columns): unknown {
  const samples = columns.toSamples(-Infinity, Infinity);
  return (
    samples && {
      t: [...samples.t],
      // Object.is tells -0 from 0; toEqual does so too.
      v: [...samples.v],
      stale: samples.stale && [...samples.stale],
      st: samples.st && [...samples.st],
      h: samples.h,
    }
  );
}

function roundTrip(samples: readonly Sample[]): void {
  const columns = columnsOf(samples);
  const back = new Columns(0);
  decodeChunk(chunkOf(columns), back);
  expect(shown(back)).toEqual(shown(columns));
}

const anyBits = fc.double({ noNaN: false });
const counters = fc.nat(1000);
const risingTimes = (step: fc.Arbitrary<number>): fc.Arbitrary<number[]> =>
  fc
    .tuple(fc.integer({ min: -2_000_000_000_000, max: 4_000_000_000_000 }), fc.array(step, { maxLength: 300 }))
    .map(([start, steps]) => steps.reduce((times, step) => [...times, (times.at(-1) ?? 0) + step], [start]));

describe('a chunk', () => {
  it('keeps any floats at any times', () => {
    fc.assert(
      fc.property(risingTimes(fc.integer({ min: 1, max: 2 ** 44 })), fc.infiniteStream(anyBits), (times, values) => {
        roundTrip(times.map((t) => ({ t, v: values.next().value })));
      }),
      { numRuns: 300 },
    );
  });

  it('keeps counters, decimals, gaps, stale markers, starts and histograms', () => {
    const sample = fc.record({
      v: fc.oneof(
        counters.map((n) => n * 7),
        fc.integer({ min: -99_999, max: 99_999 }).map((n) => n / 100),
        fc.constantFrom(0, -0, NaN, Infinity, -Infinity, 5e-324, 2 ** 53, 0.1 + 0.2),
      ),
      stale: fc.boolean(),
      st: fc.constantFrom(0, 1_000, 2_000),
      h: fc.option(fc.integer({ min: 3, max: 2 ** 40 }), { nil: undefined }),
    });
    fc.assert(
      fc.property(
        risingTimes(fc.constantFrom(1, 4_999, 5_000, 5_001, 3_600_000)),
        fc.infiniteStream(sample),
        (times, rest) => {
          roundTrip(times.map((t) => ({ t, ...rest.next().value })));
        },
      ),
      { numRuns: 200 },
    );
  });

  it('keeps the widest integers and the ends of time', () => {
    roundTrip([
      { t: -8.64e15, v: 2 ** 51 },
      { t: 0, v: -(2 ** 51) },
      { t: 8.64e15, v: 2 ** 51 - 1 },
    ]);
    roundTrip([{ t: 1, v: 1 }]);
    roundTrip(
      Array.from({ length: 200 }, (_, i) => ({ t: i * 2 ** 40 + (i % 3) * 2 ** 30, v: (i * 2 ** 43) % 2 ** 50 })),
    );
  });

  it('spends less than a byte and a half on a sample of a regular counter', () => {
    let value = 0;
    const samples = Array.from({ length: 480 }, (_, i) => ({ t: 1.7e12 + i * 5_000, v: (value += (i * 31) % 50) }));
    expect(chunkOf(columnsOf(samples)).length / samples.length).toBeLessThan(1.5);
  });

  it('stays small when a few decimals are NaN or infinite', () => {
    const samples = Array.from({ length: 160 }, (_, i) => ({ t: i * 1_000, v: i % 40 === 7 ? NaN : (i % 90) / 100 }));
    roundTrip(samples);
    expect(chunkOf(columnsOf(samples)).length / samples.length).toBeLessThan(1.7);
  });

  it('reads samples of overlapping chunks once', () => {
    const made = (from: number, to: number): Uint8Array =>
      chunkOf(
        columnsOf(
          Array.from({ length: to - from }, (_, i) => ({
            t: from + i,
            v: from + i,
            stale: (from + i) % 7 === 0,
            st: from + i < 15 ? 1 : 2,
            h: (from + i) % 5 === 0 ? from + i + 3 : undefined,
          })),
        ),
      );
    const whole = new Columns(0);
    decodeChunk(made(0, 40), whole);
    const joined = new Columns(0);
    for (const part of [made(0, 10), made(5, 20), made(8, 12), made(18, 40)]) decodeChunk(part, joined);
    expect(shown(joined)).toEqual(shown(whole));
  });

  it('throws RangeError when the bytes are not a chunk, and never hangs', () => {
    const good = chunkOf(columnsOf(Array.from({ length: 130 }, (_, i) => ({ t: i * 1_000, v: Math.sin(i) }))));
    expect(() => decodeChunk(good.subarray(0, good.length - 20), new Columns(0))).toThrow(RangeError);
    expect(() => decodeChunk(Uint8Array.of(0x70, 1), new Columns(0))).toThrow('version 7');
    expect(() => decodeChunk(Uint8Array.of(0x10, 0), new Columns(0))).toThrow('0 samples');
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (noise) => {
        try {
          decodeChunk(Uint8Array.of(0x17, ...noise), new Columns(0));
        } catch (error) {
          expect(error).toBeInstanceOf(RangeError);
        }
      }),
    );
  });
});
