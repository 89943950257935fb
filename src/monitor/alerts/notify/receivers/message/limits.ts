/** Texts within the limits of a service. A text that is too long ends with an ellipsis, never within a character. */

const ELLIPSIS = '…';

/** At most `length` UTF-16 units, which is at least as strict as any service counts characters. */
export function cut(text: string, length: number): string {
  if (text.length <= length) return text;
  const end = length - ELLIPSIS.length;
  return `${withoutHalf(text.slice(0, end))}${ELLIPSIS}`;
}

/** At most `bytes` bytes of UTF-8. */
export function cutBytes(text: string, bytes: number): string {
  if (Buffer.byteLength(text) <= bytes) return text;
  let end = bytes - Buffer.byteLength(ELLIPSIS);
  const all = Buffer.from(text);
  // A byte 10xxxxxx continues a character.
  while (end > 0 && ((all[end] ?? 0) & 0xc0) === 0x80) end -= 1;
  return `${all.subarray(0, end).toString('utf8')}${ELLIPSIS}`;
}

const withoutHalf = (text: string): string => (/[\uD800-\uDBFF]$/.test(text) ? text.slice(0, -1) : text);

/** For subjects, titles and names: one line without control characters and without marks that turn the direction of text. */
export const oneLine = (text: string): string =>
  text
    // oxlint-disable-next-line no-control-regex -- they are what is removed
    .replaceAll(/[\u0000-\u001f\u007f-\u009f\u2028\u2029]+/g, ' ')
    .replaceAll(/[\u202a-\u202e\u2066-\u2069]/g, '')
    .trim();

/** The fields that have a text, for services that take an empty one for a value. */
export const withoutEmpty = <Value>(fields: Readonly<Record<string, Value>>): Record<string, Value> =>
  Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== ''));

/** At most `bytes` bytes as a text in JSON, where a line break or a quotation mark takes two. */
export function cutJson(text: string, bytes: number): string {
  let short = cutBytes(text, bytes);
  for (let size = bytes; Buffer.byteLength(JSON.stringify(short)) > bytes && size > 8; size = Math.floor(size * 0.8)) {
    short = cutBytes(text, size);
  }
  return short;
}
