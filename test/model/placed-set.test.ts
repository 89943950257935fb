/** A `PlacedSet` holds the same members as a `Set` after random additions and removals. */
import * as fc from 'fast-check';
import { expect, it } from 'vitest';
import { PlacedSet } from '../../src/model/placed-set.ts';

it('holds what a Set holds', () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.boolean(), fc.nat(9))), (steps) => {
      const all = Array.from({ length: 10 }, (_, id) => ({ id, place: -1 }));
      const [own, other] = [new PlacedSet<(typeof all)[number]>(), new Set<(typeof all)[number]>()];
      for (const [adds, id] of steps) {
        if (adds) own.add(all[id]);
        else own.delete(all[id]);
        if (adds) other.add(all[id]);
        else other.delete(all[id]);
        expect(own.size).toBe(other.size);
        expect(new Set(own)).toEqual(other);
      }
      for (const one of all) expect(one.place >= 0).toBe(other.has(one));
    }),
  );
});

it('visits each member once while the visited ones are deleted', () => {
  const own = new PlacedSet<{ id: number; place: number }>();
  for (let id = 0; id < 20; id += 1) own.add({ id, place: -1 });
  const seen: number[] = [];
  for (const one of own) {
    seen.push(one.id);
    if (one.id % 3 === 0) own.delete(one);
  }
  expect(seen.toSorted((a, b) => a - b)).toEqual(Array.from({ length: 20 }, (_, id) => id));
  expect(own.size).toBe(13);
  for (const one of own) own.delete(one);
  expect(own.size).toBe(0);
});
