/** A clock that only moves when told to; callbacks that fall due run in order. */
import type { Clock } from '../../src/base/clock.ts';

export interface MovedClock extends Clock {
  /** Moves on and lets what fell due, and the promises it made, run. */
  advance(ms: number): Promise<void>;
  /** Moves on without running anything: for hours, of which only the end matters. */
  jump(ms: number): void;
  /** Time until the next callback; Infinity when there is none. */
  dueIn(): number;
  /** Sets the wall clock forward, or back when negative; time itself stands still. */
  step(ms: number): void;
}

export function movedClock(startMs: number): MovedClock {
  let now = startMs;
  let stepped = 0;
  let order = 0;
  const timers = new Map<number, { at: number; callback: () => void }>();
  return {
    now: () => now + stepped,
    monotonic: () => now - startMs,
    after(delayMs, callback) {
      order += 1;
      const id = order;
      timers.set(id, { at: now + delayMs, callback });
      return () => void timers.delete(id);
    },
    dueIn: () => Math.min(...Array.from(timers.values(), ({ at }) => at - now)),
    jump(ms) {
      now += ms;
    },
    step(ms) {
      stepped += ms;
    },
    async advance(ms) {
      const end = now + ms;
      for (;;) {
        const due = [...timers].filter(([, { at }]) => at <= end).sort((a, b) => a[1].at - b[1].at || a[0] - b[0])[0];
        if (due === undefined) break;
        timers.delete(due[0]);
        now = Math.max(now, due[1].at);
        due[1].callback();
        // `every` schedules its next turn after a few turns of the promise queue.
        await new Promise((resolve) => setImmediate(resolve));
      }
      now = end;
    },
  };
}
