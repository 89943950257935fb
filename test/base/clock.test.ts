/** Clocks under steps: nothing goes back, no instant is ticked twice, and real time is never lost. */
import { describe, expect, it, vi } from 'vitest';
import { every, steadyClock, systemClock, Turns } from '../../src/base/clock.ts';
import { rareLines, silentLogger } from '../../src/base/logger.ts';
import { movedClock } from '../support/moved-clock.ts';

const START = Date.parse('2026-11-20T12:00:00Z');
const HOUR = 3_600_000;

describe('the clock of the system', () => {
  it('waits for months, longer than one timer of Node can', () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    try {
      const called: string[] = [];
      const days = 24 * HOUR;
      systemClock.after(60 * days, () => called.push('60 days'));
      systemClock.after(1_000, () => called.push('a second'));
      const cancel = systemClock.after(30 * days, () => called.push('cancelled'));
      vi.advanceTimersByTime(1_000);
      expect(called).toEqual(['a second']);
      vi.advanceTimersByTime(29 * days);
      cancel();
      vi.advanceTimersByTime(31 * days - 1_001);
      expect(called).toEqual(['a second']);
      vi.advanceTimersByTime(1);
      expect(called).toEqual(['a second', '60 days']);
      expect(vi.getTimerCount()).toBe(0);
    } finally {
      vi.useRealTimers();
    }
  });
});

describe('a steady clock', () => {
  it('never goes back when the wall clock does, and runs 5 % slower until that has caught up', () => {
    const wall = movedClock(START);
    const clock = steadyClock(wall);
    wall.step(-60_000);
    expect(clock.now()).toBe(START);
    wall.jump(1_000);
    expect(clock.now()).toBe(START + 950);
    expect(clock.aheadMs()).toBe(59_950);
    wall.jump(20 * 60_000);
    expect(clock.now()).toBe(wall.now());
    expect(clock.aheadMs()).toBe(0);
  });

  it('gives whole milliseconds, whatever the monotonic clock says: they are keys in files', () => {
    let [wallMs, monotonicMs] = [START, 0];
    const clock = steadyClock({ ...movedClock(START), now: () => wallMs, monotonic: () => monotonicMs });
    const seen: number[] = [];
    for (let step = 0; step < 100; step += 1) {
      monotonicMs += 0.37;
      wallMs = START + Math.floor(monotonicMs - 0.2);
      seen.push(clock.now());
    }
    expect(seen.filter((ms) => !Number.isInteger(ms))).toEqual([]);
    expect(seen).toEqual(seen.toSorted((a, b) => a - b));
  });

  it('follows a step forward at once', () => {
    const wall = movedClock(START);
    const clock = steadyClock(wall);
    wall.step(HOUR);
    expect(clock.now()).toBe(START + HOUR);
  });
});

describe('every', () => {
  it.each([-9 * HOUR, -HOUR, -700, 700, HOUR, 9 * HOUR])(
    'ticks once a second of real time over a step of %i ms',
    async (step) => {
      const wall = movedClock(START);
      const clock = steadyClock(wall);
      const ticks: number[] = [];
      const stop = every(
        clock,
        1_000,
        (at) => void ticks.push(at),
        (error) => {
          throw error;
        },
      );
      await wall.advance(10_000);
      wall.step(step);
      await wall.advance(100_000);
      stop();
      expect(ticks).toEqual([...new Set(ticks)].sort((a, b) => a - b));
      // While the clock is slowed down, a second of it takes 1.053 of real time.
      expect(ticks.length).toBeGreaterThanOrEqual(103);
      expect(ticks.length).toBeLessThanOrEqual(111);
      expect(Math.abs((ticks.at(-1) as number) - clock.now())).toBeLessThan(2_000);
    },
  );
});

describe('rare lines', () => {
  it('are written once a minute for each key, with the number left out', () => {
    const clock = movedClock(START);
    const lines: object[] = [];
    const rare = rareLines({ ...silentLogger, warn: (fields, text) => void lines.push({ ...fields, text }) }, clock);
    for (let second = 0; second < 121; second += 1) {
      rare('warn', 'a', { n: second }, 'disk');
      if (second === 5) rare('warn', 'b', {}, 'other');
      clock.jump(1_000);
    }
    expect(lines).toEqual([
      { n: 0, text: 'disk' },
      { text: 'other' },
      { n: 60, repeated: 59, text: 'disk' },
      { n: 120, repeated: 59, text: 'disk' },
    ]);
  });
});

describe('turns of long tasks', () => {
  const turnOfLoop = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

  /** A task that works a millisecond at a time and counts them. */
  function task(turns: Turns, clock: ReturnType<typeof movedClock>, forMs: number): { done: number } {
    const progress = { done: 0 };
    void (async () => {
      for (let i = 0; i < forMs; i += 1) {
        if (turns.due) await turns.next();
        clock.jump(1);
        progress.done += 1;
      }
    })();
    return progress;
  }

  it('hold the thread for one slice together', async () => {
    const clock = movedClock(START);
    const turns = new Turns(clock, 5);
    const [a, b] = [task(turns, clock, 20), task(turns, clock, 20)];
    const seen: number[] = [];
    while (a.done + b.done < 40) {
      const before = a.done + b.done;
      await turnOfLoop();
      seen.push(a.done + b.done - before);
    }
    expect(Math.max(...seen)).toBeLessThanOrEqual(5);
    expect(a.done).toBe(20);
  });

  it('take no more than their share of the time once the burst is used, and the burst again after a rest', async () => {
    const clock = movedClock(START);
    const turns = new Turns(clock, 5, { share: 0.25, burstMs: 50 });
    const work = task(turns, clock, 1_000);
    const settle = async (): Promise<void> => {
      for (let i = 0; i < 50; i += 1) await turnOfLoop();
    };
    await settle();
    const burst = work.done;
    expect(burst).toBeGreaterThanOrEqual(50);
    expect(burst).toBeLessThan(80);
    for (let i = 0; i < 80; i += 1) {
      await clock.advance(5);
      await settle();
    }
    // 400 ms have passed beside the work's own time: a quarter of all of it was work.
    const sustained = work.done - burst;
    expect(sustained / (400 + sustained)).toBeGreaterThan(0.15);
    expect(sustained / (400 + sustained)).toBeLessThanOrEqual(0.3);
  });

  it('charge nothing for the time between two tasks', async () => {
    const clock = movedClock(START);
    const turns = new Turns(clock, 5, { share: 0.25, burstMs: 50 });
    const first = task(turns, clock, 10);
    while (first.done < 10) await turnOfLoop();
    await turnOfLoop();
    await clock.advance(HOUR);
    const second = task(turns, clock, 40);
    for (let i = 0; i < 50; i += 1) await turnOfLoop();
    expect(second.done).toBe(40);
  });
});
