/** A number that says whether the newest values of some metrics have changed, without reading their samples. */
import { METRIC_NAME } from '../../../model/labels.ts';
import type { Head } from './head.ts';

const float = new Float64Array(1);
const words = new Uint32Array(float.buffer);

/** FNV-1a over words of 32 bits. */
function mixed(digest: number, value: number): number {
  float[0] = value;
  return Math.imul(Math.imul(digest ^ words[0], 0x01_00_01_93) ^ words[1], 0x01_00_01_93);
}

/**
 * Equal when the same series of these metrics have the same newest values. A histogram and a stale marker have no number as
 * their value: then a newer one counts as changed.
 */
export function digestOf(head: Head, names: readonly string[]): number {
  let digest = 0x81_1c_9d_c5 | 0;
  for (const name of names) {
    for (const slot of head.table.postings.idsOf(METRIC_NAME, name)) {
      const value = head.lastV(slot);
      digest = mixed(mixed(digest, slot), Number.isNaN(value) ? head.lastT(slot) : value);
    }
  }
  return digest;
}
