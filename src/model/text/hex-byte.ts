/** Lower-case hexadecimal digits as bytes. */

const BAD_DIGIT = 0xff;
const DIGITS = new Uint8Array(128).fill(BAD_DIGIT);
for (let value = 0; value < 16; value += 1) DIGITS[value.toString(16).charCodeAt(0)] = value;

/** The byte of the two digits at `at`; -1 when they are none. Both must be inside the text. */
export function hexByteAt(text: string, at: number): number {
  const [high, low] = [text.charCodeAt(at), text.charCodeAt(at + 1)];
  if (high > 127 || low > 127) return -1;
  const value = (DIGITS[high] << 4) | DIGITS[low];
  return value > 0xff || DIGITS[low] === BAD_DIGIT ? -1 : value;
}
