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
    const monotonic = performance.now() + 1;
    expect(wallTimeOf(monotonic)).toBe(now + 60_000);
    expect(wallTimeOf(monotonic + 0.25)).toBeCloseTo(now + 60_000.25, 3);
    set.mockReturnValue(now);
    expect(wallTimeOf(monotonic + 1)).toBe(now);
  });

  it('compares the clocks once a millisecond, however many spans begin in it', () => {
    const read = vi.spyOn(Date, 'now');
    const monotonic = performance.now() + 10;
    for (let at = 0; at < 50; at += 1) wallTimeOf(monotonic + at / 50);
    expect(read).toHaveBeenCalledTimes(1);
    wallTimeOf(monotonic + 1);
    expect(read).toHaveBeenCalledTimes(2);
  });
});
