/** Attribute values as searchable text, and their size in memory. */
import type { Attributes, AttributeValue } from '../../../model/records.ts';

/** The form that a person would type: strings unchanged, bigints and numbers in digits, all others as JSON. */
export function attributeText(value: AttributeValue): string {
  if (typeof value === 'string') return value;
  if (value === null || typeof value !== 'object') return String(value);
  return JSON.stringify(value, (_key, part: unknown) => (typeof part === 'bigint' ? part.toString() : part));
}

/** True when the attribute, or an item of its list, has this text. */
export function hasAttribute(attributes: Attributes, name: string, value: string): boolean {
  if (!Object.hasOwn(attributes, name)) return false;
  const found: AttributeValue = attributes[name];
  return (
    attributeText(found) === value || (Array.isArray(found) && found.some((item) => attributeText(item) === value))
  );
}

/** Rough bytes of a value; deep values are counted by their parts. */
function valueBytes(value: AttributeValue): number {
  if (typeof value === 'string') return 16 + value.length;
  if (value === null || typeof value !== 'object') return 16;
  if (Array.isArray(value)) return value.reduce<number>((sum, part: AttributeValue) => sum + valueBytes(part), 32);
  return attributesBytes(value as Attributes);
}

export function attributesBytes(attributes: Attributes): number {
  let size = 32;
  for (const name of Object.keys(attributes)) size += 16 + valueBytes(attributes[name]);
  return size;
}
