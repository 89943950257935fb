/** An end takes a bounded time, whatever the disk does. */
import { describe, expect, it } from 'vitest';
import { end } from '../../src/cli/start.ts';
import { movedClock } from '../support/moved-clock.ts';

describe('an end', () => {
  it('leaves behind what does not stop in time', async () => {
    const clock = movedClock(0);
    const codes: number[] = [];
    const ended = end({ close: () => new Promise<string[]>(() => {}) }, 9_500, clock, {
      leaveParent() {},
      exit: (code) => codes.push(code),
    });
    await clock.advance(9_499);
    expect(codes).toEqual([]);
    await clock.advance(1);
    expect(await ended).toBe(0);
    expect(codes).toEqual([0]);
  });
});
