/**
 * Fingerprint of a label set: 64-bit FNV-1a over the sorted names and values, each followed by the byte 255, as 16 hex digits.
 * It is Prometheus' and Alertmanager's, so that an alert has the same id in every program.
 */
import type { Labels } from '../../../../model/labels.ts';

const encoder = new TextEncoder();
/** Label sets never change, and the page shows the same alerts each second. */
const known = new WeakMap<Labels, string>();

export function fingerprintOf(labels: Labels): string {
  const before = known.get(labels);
  if (before !== undefined) return before;
  const made = hashOf(labels);
  known.set(labels, made);
  return made;
}

function hashOf(labels: Labels): string {
  // Four 16-bit parts of the hash; products of them stay exact.
  let [a, b, c, d] = [0xcbf2, 0x9ce4, 0x8422, 0x2325];
  const add = (byte: number): void => {
    d ^= byte;
    // The prime is 2^40 + 0x1b3.
    const d1 = d * 0x1b3;
    const c1 = c * 0x1b3 + (d1 >>> 16);
    const b1 = b * 0x1b3 + d * 0x100 + (c1 >>> 16);
    const a1 = a * 0x1b3 + c * 0x100 + (b1 >>> 16);
    [a, b, c, d] = [a1 & 0xffff, b1 & 0xffff, c1 & 0xffff, d1 & 0xffff];
  };
  for (const text of labels.pairs) {
    for (const byte of encoder.encode(text)) add(byte);
    add(255);
  }
  return [a, b, c, d].map((part) => part.toString(16).padStart(4, '0')).join('');
}
