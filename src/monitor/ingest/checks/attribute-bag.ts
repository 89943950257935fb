/**
 * Objects for attributes whose keys come from outside. `Object.create(null)` would do, but V8 keeps such objects as hash
 * tables; instances of a constructor with an empty prototype are fast, and `__proto__` is a key like any other in them.
 */
import type { AttributeValue } from '../../../model/records.ts';

export type AttributeBag = Record<string, AttributeValue>;

const Bag = function Bag() {} as unknown as new () => AttributeBag;
Bag.prototype = Object.freeze(Object.create(null));

export function newBag(): AttributeBag {
  return new Bag();
}
