import { describe, expect, it } from 'vitest';
import { Labels } from '../../../../src/model/labels.ts';
import type { Series } from '../../../../src/model/series.ts';
import { packSeries, partsOf, transferOf, unpackSeries } from '../../../../src/monitor/promql/beside/packing.ts';

const labels = (number: number): Labels => Labels.from({ __name__: 'x', number: String(number) });

/** A series whose samples lie at `at` of a piece of memory. */
function inPiece(piece: Float64Array, at: number, number: number, values: readonly number[]): Series {
  const t = piece.subarray(at, at + values.length);
  const v = piece.subarray(at + values.length, at + 2 * values.length);
  t.set(values.map((_value, i) => i));
  v.set(values);
  return { labels: labels(number), samples: { t, v } };
}

const alone = (number: number, values: readonly number[]): Series => ({
  labels: labels(number),
  samples: { t: Float64Array.from(values, (_value, i) => i), v: Float64Array.from(values) },
});

const shown = (series: readonly Series[]): unknown =>
  series.map(({ labels: of, samples: { t, v } }) => [of.get('number'), [...t], [...v]]);

/** What arrives when each part is sent as to another thread. */
function sent(series: readonly Series[], isOwner: (memory: ArrayBufferLike) => boolean): [Series[], number] {
  const arrived: Series[] = [];
  let parts = 0;
  for (const part of partsOf(series, isOwner)) {
    const packed = packSeries(part, isOwner);
    arrived.push(...unpackSeries(structuredClone(packed, { transfer: transferOf(packed) })));
    parts += 1;
  }
  return [arrived, parts];
}

describe('series that are sent to another thread', () => {
  it('arrive as they were, from memory of their own, of the query and of both', () => {
    const [first, second] = [new Float64Array(100), new Float64Array(100)];
    const series = [
      inPiece(first, 0, 0, [1, 2, 3]),
      inPiece(first, 6, 1, [4]),
      alone(2, [5, 6]),
      alone(3, []),
      inPiece(second, 10, 4, [7, 8]),
    ];
    const before = shown(series);
    const owned = new Set<ArrayBufferLike>([first.buffer, second.buffer]);
    const [arrived, parts] = sent(series, (memory) => owned.has(memory));
    expect(shown(arrived)).toEqual(before);
    expect(parts).toBe(3);
  });

  it('take the memory of the query along and copy what belongs to others', () => {
    const [own, other] = [new Float64Array(10), new Float64Array(10)];
    const series = [inPiece(own, 0, 0, [1, 2]), inPiece(other, 0, 1, [3, 4])];
    sent(series, (memory) => memory === own.buffer);
    expect(own.buffer.detached).toBe(true);
    expect(other.slice(0, 4)).toEqual(Float64Array.of(0, 1, 3, 4));
  });

  it('are cut in parts of five hundred where they are copied', () => {
    const series = Array.from({ length: 1_001 }, (_none, number) => alone(number, [number]));
    const [arrived, parts] = sent(series, () => false);
    expect(arrived.map(({ samples }) => samples.v[0])).toEqual(series.map((_one, number) => number));
    expect(parts).toBe(3);
  });
});
