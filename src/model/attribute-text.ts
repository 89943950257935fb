/**
 * Attribute values as text, as OpenTelemetry's Collector and Prometheus print them (pdata's `Value.AsString`): strings as
 * they are, numbers as in JSON, lists and maps as JSON in the manner of Go (keys in byte order, U+2028 escaped), bytes as
 * base64 (which decoding has done already), and no value as ''.
 */
import type { AttributeValue } from './records.ts';

export function attributeText(value: AttributeValue): string {
  if (typeof value === 'string') return value;
  if (value === null) return '';
  if (typeof value !== 'object') return scalarText(value);
  return goJson(value) ?? '';
}

function scalarText(value: number | boolean | bigint): string {
  return Object.is(value, -0) ? '-0' : String(value);
}

/** Undefined for a value that JSON cannot hold; in Go such a value makes the whole value around it empty. */
function goJson(value: AttributeValue): string | undefined {
  if (value === null) return 'null';
  if (typeof value === 'string') return goString(value);
  if (typeof value === 'number' && !Number.isFinite(value)) return undefined;
  if (typeof value !== 'object') return scalarText(value);
  const parts: string[] = [];
  if (Array.isArray(value)) {
    for (const item of value as readonly AttributeValue[]) {
      const text = goJson(item);
      if (text === undefined) return undefined;
      parts.push(text);
    }
    return `[${parts.join(',')}]`;
  }
  const map = value as { readonly [key: string]: AttributeValue };
  for (const key of Object.keys(map).sort(byteOrder)) {
    const text = goJson(map[key]);
    if (text === undefined) return undefined;
    parts.push(`${goString(key)}:${text}`);
  }
  return `{${parts.join(',')}}`;
}

const goString = (text: string): string =>
  JSON.stringify(text.toWellFormed()).replaceAll('\u2028', '\\u2028').replaceAll('\u2029', '\\u2029');

/** UTF-16 order equals the order of UTF-8 bytes, except for surrogates. */
function byteOrder(a: string, b: string): number {
  if (/[\ud800-\udfff]/.test(a) || /[\ud800-\udfff]/.test(b)) return Buffer.compare(Buffer.from(a), Buffer.from(b));
  return a < b ? -1 : Number(a > b);
}
