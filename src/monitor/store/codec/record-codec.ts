/**
 * A record's values as JSON. Values that JSON cannot write (bigints, NaN, -0, lists and maps with them) are arrays that begin
 * with a letter. Unpacking gives back the same value.
 */
import { newBag, type AttributeValue } from '../../../model/records.ts';

export type Packed = string | number | boolean | null | readonly Packed[];

export function packValue(value: AttributeValue): Packed {
  switch (typeof value) {
    case 'number':
      return Number.isFinite(value) && !Object.is(value, -0) ? value : ['n', Object.is(value, -0) ? '-0' : `${value}`];
    case 'bigint':
      return ['b', `${value}`];
    case 'object':
      if (value === null) return null;
      if (Array.isArray(value)) return ['a', ...value.map((part: AttributeValue) => packValue(part))];
      return ['o', ...Object.entries(value).flatMap(([name, part]) => [name, packValue(part)])];
    default:
      return value;
  }
}

export function unpackValue(packed: Packed): AttributeValue {
  if (packed === null || typeof packed !== 'object') return packed;
  const [letter, ...parts] = packed;
  if (letter === 'n') return Number(parts[0]);
  if (letter === 'b') return BigInt(parts[0] as string);
  if (letter === 'a') return parts.map(unpackValue);
  const map = newBag();
  for (let at = 0; at < parts.length; at += 2) map[parts[at] as string] = unpackValue(parts[at + 1]);
  return map;
}
