import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { boxBetween, boxOf, boxText, slowestOf } from '../../../src/page/charts/data/box.ts';

describe('a box on the duration chart', () => {
  it('is written to the address and read back', () => {
    const box = { fromMs: 1_000.4, toMs: 2_000.6, minMs: 0.12345, maxMs: 912 };
    expect(boxText(box)).toBe('1000,2001,0.123,912');
    expect(boxOf(boxText(box))).toEqual({ fromMs: 1_000, toMs: 2_001, minMs: 0.123, maxMs: 912 });
    const times = fc.nat(2_000_000_000);
    const point = fc.record({ startMs: times, durationMs: fc.nat(100_000) });
    fc.assert(
      fc.property(point, point, (a, b) => {
        expect(boxOf(boxText(boxBetween(a, b)))).toEqual(boxBetween(a, b));
      }),
    );
  });

  it.each(['', '1,2,3', '1,2,3,x', '2,1,0,1', '1,2,3,2', '-1,2,0,1', '1,2,3,4,5', '1,2,3,Infinity'])(
    'is not %j',
    (text) => expect(boxOf(text)).toBeUndefined(),
  );

  it('holds the slowest tenth, and none of a few traces', () => {
    const traces = Array.from({ length: 100 }, (_, at) => ({ startMs: at, durationMs: 100 - at }));
    const box = slowestOf(traces);
    expect(box).toEqual({ fromMs: 0, toMs: 99, minMs: 91, maxMs: 200 });
    expect(traces.filter(({ durationMs }) => durationMs >= (box?.minMs ?? 0))).toHaveLength(10);
    expect(slowestOf(traces.slice(0, 9))).toBeUndefined();
  });
});
