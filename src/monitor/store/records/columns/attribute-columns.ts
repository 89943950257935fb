/** The names of columns that hold attributes. */
import { newBag, type AttributeValue } from '../../../../model/records.ts';

/** Between the names of nested maps. */
export const INNER = '\u0001';
/** Columns of attributes begin with this, so that they never meet a record's own parts. */
export const ATTRIBUTE = 'a';
/** Attributes beyond the limit of columns, together as a map. */
export const REST = '.rest';

/** Puts a value of the column `name` back into the attributes of a record. */
export function restoreAttribute(
  attributes: Record<string, AttributeValue>,
  name: string,
  value: AttributeValue,
): void {
  const names = name.slice(ATTRIBUTE.length).split(INNER);
  let map = attributes;
  for (const inner of names.slice(0, -1)) {
    map[inner] ??= newBag();
    map = map[inner] as Record<string, AttributeValue>;
  }
  map[names[names.length - 1]] = value;
}
