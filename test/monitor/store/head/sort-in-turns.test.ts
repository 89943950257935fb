import { assert, asyncProperty, integer } from 'fast-check';
import { expect, it } from 'vitest';
import { sortInTurns } from '../../../../src/monitor/store/head/sort-in-turns.ts';

const byFirst = ([a]: readonly [number, number], [b]: readonly [number, number]): number => a - b;

it('gives the order of Array.sort and keeps the order of equal items', async () => {
  await assert(
    asyncProperty(integer({ min: 0, max: 20_000 }), integer({ min: 1, max: 10_000 }), async (size, values) => {
      const items = Array.from({ length: size }, (_, i): [number, number] => [(i * 7919) % values, i]);
      expect(await sortInTurns([...items], byFirst, () => undefined)).toEqual(items.toSorted(byFirst));
    }),
    { numRuns: 20 },
  );
});

it('calls rest every few thousand items and ends when rest throws', async () => {
  let rests = 0;
  const items = Array.from({ length: 100_000 }, (_, i) => (i * 7919) % 100_003);
  await sortInTurns(
    [...items],
    (a, b) => a - b,
    () => void (rests += 1),
  );
  expect(rests).toBeGreaterThan(100);
  const enough = (): undefined => {
    throw new Error('enough');
  };
  await expect(sortInTurns(items, (a, b) => a - b, enough)).rejects.toThrow('enough');
});
