/**
 * The support code of a request: the first 40 bits of the span id of the process that answered, as eight characters of
 * Crockford's base 32 (crockford.com/base32.html). It can be read over the telephone: I and L are read as 1, O as 0.
 */
const ALPHABET = '0123456789ABCDEFGHJKMNPQRSTVWXYZ';
const HALF = 5;

/** `spanId`: sixteen hexadecimal digits. */
export function supportCode(spanId: string): string {
  return half(spanId.slice(0, HALF)) + half(spanId.slice(HALF, 2 * HALF));
}

/** Five hexadecimal digits are twenty bits: four characters. */
function half(digits: string): string {
  const bits = parseInt(digits, 16);
  return ALPHABET[bits >> 15] + ALPHABET[(bits >> 10) & 31] + ALPHABET[(bits >> 5) & 31] + ALPHABET[bits & 31];
}

/** A code as people write it, in its usual form; undefined when it is none. */
export function readSupportCode(text: string): string | undefined {
  const code = text.replaceAll('-', '').trim().toUpperCase().replace(/[IL]/g, '1').replaceAll('O', '0');
  return /^[0-9A-HJKMNP-TV-Z]{8}$/.test(code) ? code : undefined;
}
