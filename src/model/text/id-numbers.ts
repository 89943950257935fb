/**
 * Ids in records as numbers: the store lists the numbers of a batch's ids, and a search looks for the number of an id. Both
 * sides use these functions, so an id that is in a record is never skipped.
 */

const ID_MIN = 16;
const ID_MAX = 80;
const ULID_LENGTH = 26;
/** `txn_` and the like. */
const PREFIX_MAX = 16;
const DASH = 45;

const isHex = (code: number): boolean =>
  (code >= 48 && code <= 57) || (code >= 97 && code <= 102) || (code >= 65 && code <= 70);
const isAlphanumeric = (code: number): boolean =>
  (code >= 48 && code <= 57) || (code >= 97 && code <= 122) || (code >= 65 && code <= 90);

/**
 * A number for an id (16 or more hexadecimal digits, with dashes or a prefix such as `txn_`, or a ULID), -1 for any other
 * text. Ids that differ in case or dashes only have the same number.
 */
export function idNumber(text: string): number {
  const { length } = text;
  if (length < ID_MIN || length > ID_MAX) return -1;
  const start = Math.max(text.lastIndexOf('_'), text.lastIndexOf(':')) + 1;
  if (start > PREFIX_MAX || !isId(text, start)) return -1;
  let hash = 0x811c9dc5;
  for (let at = 0; at < length; at += 1) {
    const code = text.charCodeAt(at);
    if (code === DASH) continue;
    hash = Math.imul(hash ^ (code >= 65 && code <= 90 ? code + 32 : code), 0x01000193);
  }
  return mixed(hash);
}

const HEX_CODES = Uint8Array.from('0123456789abcdef', (digit) => digit.charCodeAt(0));

/** `idNumber` of the lower-case hexadecimal digits of an id's bytes. */
export function idNumberOfBytes(bytes: Uint8Array, from: number, length: number): number {
  if (length * 2 < ID_MIN || length * 2 > ID_MAX) return -1;
  let hash = 0x811c9dc5;
  let digits = 0;
  for (let at = from; at < from + length; at += 1) {
    const [high, low] = [bytes[at] >> 4, bytes[at] & 15];
    if (high < 10 || low < 10) digits += 1;
    hash = Math.imul(hash ^ HEX_CODES[high], 0x01000193);
    hash = Math.imul(hash ^ HEX_CODES[low], 0x01000193);
  }
  // Letters only are a word more often than an id.
  return digits === 0 ? -1 : mixed(hash);
}

/** `start`: where the prefix ends. */
function isId(text: string, start: number): boolean {
  let digits = 0;
  let letters = 0;
  let hex = true;
  for (let at = start; at < text.length; at += 1) {
    const code = text.charCodeAt(at);
    if (code === DASH) continue;
    if (!isAlphanumeric(code)) return false;
    hex &&= isHex(code);
    if (code < 58) digits += 1;
    letters += 1;
  }
  if (digits === 0) return false;
  return (hex && letters >= ID_MIN) || (start === 0 && letters === ULID_LENGTH && text.length === ULID_LENGTH);
}

/** Spreads the bits of a hash (MurmurHash3's finalizer). */
export function mixed(hash: number): number {
  let bits = hash ^ (hash >>> 16);
  bits = Math.imul(bits, 0x85ebca6b);
  bits ^= bits >>> 13;
  bits = Math.imul(bits, 0xc2b2ae35);
  return (bits ^ (bits >>> 16)) >>> 0;
}

const CODE = /^[0-9A-HJKMNP-TV-Z]{8}$/;

/** As `idNumber`, for a support code in its usual form (upper case, no dash). */
export function codeNumber(code: string): number {
  if (!CODE.test(code)) return -1;
  let hash = 0x811c9dc5;
  for (let at = 0; at < code.length; at += 1) hash = Math.imul(hash ^ code.charCodeAt(at), 0x01000193);
  return mixed(hash);
}
