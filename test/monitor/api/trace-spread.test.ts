import { describe, expect, it } from 'vitest';
import type { TraceSummary } from '../../../src/model/ports.ts';
import { spread } from '../../../src/monitor/api/trace-spread.ts';

const trace = (startMs: number, durationMs: number, errors = 0): TraceSummary => ({
  traceId: String(startMs),
  root: { service: 'api', name: 'GET /' },
  startUnixNano: BigInt(startMs) * 1_000_000n,
  durationMs,
  spans: 1,
  errors,
  services: ['api'],
});

describe('a spread of traces', () => {
  it('contains all of them when they are few', () => {
    expect(spread([], 4)).toEqual([]);
    const two = [trace(2, 1), trace(1, 1)];
    expect(spread(two, 2)).toEqual(two);
  });

  it('covers the whole time, with the slowest and a failed one of each part', () => {
    const all = Array.from({ length: 1_000 }, (_, at) => trace(at, at % 100 === 40 ? 500 : 5, at % 100 === 70 ? 1 : 0));
    const found = spread(all.toReversed(), 20);
    expect(found).toHaveLength(20);
    expect(found.map(({ startUnixNano }) => Number(startUnixNano / 1_000_000n))).toEqual(
      Array.from({ length: 10 }, (_, at) => [at * 100 + 40, at * 100 + 70])
        .flat()
        .toReversed(),
    );
  });

  it('keeps its limit when all began at the same time', () => {
    const all = Array.from({ length: 50 }, (_, at) => trace(7, at));
    const found = spread(all, 10);
    expect(found.length).toBeLessThanOrEqual(10);
    expect(found.map(({ durationMs }) => durationMs)).toContain(49);
  });
});
