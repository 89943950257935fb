import { afterEach, describe, expect, it, vi } from 'vitest';
import { wallTimeOf } from '../../../src/telemetry/spans/wall-time.ts';

describe('wall time of the monotonic clock', () => {
  afterEach(() => {
    vi.restoreAllMocks();
  });

  it('is the wall time with a finer resolution', () => {
    const times = Array.from({ length: 1_000 }, () => wallTimeOf(performance.now()));
    expect(Math.abs(times[999] - Date.now())).toBeLessThan(5);
    expect(times).toEqual(times.toSorted((a, b) => a - b));
    expect(times.some((time) => time % 1 !== 0)).toBe(true);
  });

  it('follows the wall clock when that is set', () => {
    const now = Date.now();
    const set = vi.spyOn(Date, 'now').mockReturnValue(now + 60_000);
    const monotonic = performance.now();
    expect(wallTimeOf(monotonic)).toBe(now + 60_000);
    expect(wallTimeOf(monotonic + 0.25)).toBeCloseTo(now + 60_000.25, 3);
    set.mockReturnValue(now);
    expect(wallTimeOf(monotonic)).toBe(now);
  });
});
