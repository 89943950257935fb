/** Which fields of a response are stored, and how a later response updates them (RFC 9111 sections 3.1 and 3.2). */
import { headerObject } from './directives.ts';

/** Framing and connection fields, and Age, which is computed for each answer. */
const NOT_STORED = new Set([
  'content-length',
  'transfer-encoding',
  'connection',
  'keep-alive',
  'trailer',
  'upgrade',
  'age',
]);
/** They describe the bytes of the stored body, which an update does not replace. */
const OF_THE_BODY = [
  'content-length',
  'content-encoding',
  'content-range',
  'content-md5',
  'content-digest',
  'repr-digest',
  'digest',
];

export function storedFields(flat: readonly string[]): string[] {
  const fields: string[] = [];
  for (let i = 0; i < flat.length; i += 2)
    if (!NOT_STORED.has(flat[i].toLowerCase())) fields.push(flat[i], flat[i + 1]);
  return fields;
}

/** The newer response's fields replace stored ones of the same names, except those that describe the stored body. */
export function updatedFields(stored: readonly string[], newer: readonly string[]): string[] {
  const incoming = headerObject(newer);
  for (const name of OF_THE_BODY) delete incoming[name];
  // The stored body keeps its tag; a response without a tag gets one.
  if (stored.some((name, at) => at % 2 === 0 && name.toLowerCase() === 'etag')) delete incoming.etag;
  const fields: string[] = [];
  for (let i = 0; i < stored.length; i += 2) {
    if (!(stored[i].toLowerCase() in incoming)) fields.push(stored[i], stored[i + 1]);
  }
  for (let i = 0; i < newer.length; i += 2) {
    if (newer[i].toLowerCase() in incoming) fields.push(newer[i], newer[i + 1]);
  }
  return fields;
}

/** RFC 9110 section 6.6.1: a recipient adds a missing Date. */
export function withDate(fields: readonly string[], nowMs: number): readonly string[] {
  for (let at = 0; at < fields.length; at += 2) if (fields[at].toLowerCase() === 'date') return fields;
  return [...fields, 'Date', new Date(nowMs).toUTCString()];
}

export function without(fields: readonly string[], name: string): string[] {
  return fields.filter((_, at) => fields[at - (at % 2)].toLowerCase() !== name);
}
