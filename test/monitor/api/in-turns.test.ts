import { expect, test } from 'vitest';
import { inTurns, refuseManyParts } from '../../../src/monitor/api/targets/in-turns.ts';
import { movedClock } from '../../support/moved-clock.ts';

test('after ten milliseconds of work others have a turn, and the order stays', async () => {
  const clock = movedClock(1_000);
  const seen: string[] = [];
  const other = (): void => {
    seen.push('other');
    if (seen.length < 40) setImmediate(other);
  };
  setImmediate(other);
  let worked = 0;
  const monotonic = (): number => clock.monotonic() + worked;
  const made = await inTurns([1, 2, 3, 4, 5, 6], { monotonic }, (n) => {
    worked += 5;
    seen.push(String(n));
    return n * 10;
  });
  expect(made).toEqual([10, 20, 30, 40, 50, 60]);
  expect(seen.slice(0, 7)).toEqual(['1', '2', 'other', '3', '4', 'other', '5']);
});

test('an answer with too many parts is refused with what to do', () => {
  expect(() => refuseManyParts(100, 2_000)).not.toThrow();
  expect(() => refuseManyParts(2_000, 101)).toThrow('2000 targets of 101 parts each are more than 200000.');
});
