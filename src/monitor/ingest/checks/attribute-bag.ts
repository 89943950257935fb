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

/** An attribute as the text of a label: strings as they are, scalars as JavaScript prints them, the rest as JSON. */
export function attributeText(value: AttributeValue): string {
  if (typeof value === 'string') return value;
  if (value === null) return '';
  if (typeof value === 'object') {
    return JSON.stringify(value, (_key, inner: unknown) => (typeof inner === 'bigint' ? String(inner) : inner));
  }
  return String(value);
}
