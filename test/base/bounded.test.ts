import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { BoundedMap, BoundedQueue, RecentMap, WeightedMap } from '../../src/base/bounded.ts';

describe('WeightedMap', () => {
  const steps = fc.array(
    fc.record({
      key: fc.integer({ min: 0, max: 8 }),
      weight: fc.integer({ min: 0, max: 12 }),
      read: fc.boolean(),
    }),
    { maxLength: 60 },
  );

  it('never weighs more than its limit, evicts what was used longest ago, and counts it', () => {
    fc.assert(
      fc.property(steps, (plan) => {
        const map = new WeightedMap<number, number>(20);
        // The same, as a list: least recently used first.
        let model: { key: number; value: number; weight: number }[] = [];
        let dropped = 0;
        for (const [value, { key, weight, read }] of plan.entries()) {
          const known = model.find((entry) => entry.key === key);
          if (read) {
            expect(map.get(key)).toBe(known?.value);
            if (known !== undefined) model = [...model.filter((entry) => entry !== known), known];
            continue;
          }
          map.set(key, value, weight);
          model = [...model.filter((entry) => entry.key !== key), { key, value, weight }];
          let sum = model.reduce((total, entry) => total + entry.weight, 0);
          while (sum > 20) {
            sum -= model[0].weight;
            model.shift();
            dropped += 1;
          }
          expect(map.weight).toBeLessThanOrEqual(20);
          expect([map.size, map.weight, map.dropped]).toEqual([model.length, sum, dropped]);
        }
      }),
    );
  });

  it('does not keep a value that is heavier than the whole, and forgets the old one', () => {
    const map = new WeightedMap<string, number>(10);
    map.set('a', 1, 4);
    map.set('b', 2, 4);
    map.set('a', 3, 11);
    expect([map.get('a'), map.get('b'), map.size, map.weight, map.dropped]).toEqual([undefined, 2, 1, 4, 1]);
  });
});

describe('BoundedMap and BoundedQueue', () => {
  it('keep their limit and count what they evict', () => {
    const map = new BoundedMap<number, string>(2);
    expect([map.set(1, 'a'), map.set(2, 'b'), map.set(1, 'c'), map.set(3, 'd')]).toEqual([
      undefined,
      undefined,
      undefined,
      2,
    ]);
    expect([map.get(1), map.get(2), map.get(3), map.size, map.dropped]).toEqual(['c', undefined, 'd', 2, 1]);
    const queue = new BoundedQueue<number>(2);
    expect([queue.push(1), queue.push(2), queue.push(3)]).toEqual([undefined, undefined, 1]);
    expect([[...queue], queue.size, queue.dropped, queue.shift(), queue.shift(), queue.shift()]).toEqual([
      [2, 3],
      2,
      1,
      2,
      3,
      undefined,
    ]);
  });
});

describe('a map of recent entries', () => {
  it('has at least the newest entries it promises, and at most twice as many', () => {
    const map = new RecentMap<number, string>(100);
    for (let key = 0; key < 1_000; key += 1) {
      map.set(key, `${key}`);
      for (let newest = Math.max(0, key - 99); newest <= key; newest += 1) expect(map.get(newest)).toBe(`${newest}`);
      expect(map.size).toBeLessThanOrEqual(200);
    }
    expect(map.get(700)).toBeUndefined();
  });

  it('gives the value that was set last, and keeps its key longer', () => {
    const map = new RecentMap<string, number>(2);
    map.set('a', 1);
    map.set('b', 2);
    map.set('a', 3);
    expect(map.get('a')).toBe(3);
    map.set('c', 4);
    map.set('d', 5);
    expect(map.get('a')).toBe(3);
    expect(map.get('b')).toBeUndefined();
  });
});
