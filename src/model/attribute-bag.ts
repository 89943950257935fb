/**
 * Objects for attributes whose keys come from outside. `Object.create(null)` would be correct, but V8 stores such objects as
 * hash tables. Instances of a constructor with an empty prototype are fast, and `__proto__` is an ordinary key in them.
 */
import type { AttributeValue } from './records.ts';

export type AttributeBag = Record<string, AttributeValue>;

const Bag = function Bag() {} as unknown as new () => AttributeBag;
Bag.prototype = Object.freeze(Object.create(null));

export function newBag(): AttributeBag {
  return new Bag();
}
