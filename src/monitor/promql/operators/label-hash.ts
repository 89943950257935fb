/**
 * The position of a label set in [0, 1), by which `limit_ratio` chooses. It is Prometheus' hash of labels (xxHash64 over
 * each name and value, each with its length in front, model/labels/labels_stringlabels.go) divided by 2^64. Both therefore
 * choose the same series.
 */
import type { Labels } from '../../../model/labels.ts';

const [P1, P2, P3] = [0x9e3779b185ebca87n, 0xc2b2ae3d27d4eb4fn, 0x165667b19e3779f9n];
const [P4, P5] = [0x85ebca77c2b2ae63n, 0x27d4eb2f165667c5n];

const u64 = (value: bigint): bigint => BigInt.asUintN(64, value);
const rotate = (value: bigint, by: bigint): bigint => u64((value << by) | (value >> (64n - by)));
const round = (lane: bigint, input: bigint): bigint => u64(rotate(u64(lane + input * P2), 31n) * P1);
const merge = (hash: bigint, lane: bigint): bigint => u64((hash ^ round(0n, lane)) * P1 + P4);

/** xxHash64 with seed 0 (github.com/Cyan4973/xxHash, doc/xxhash_spec.md). */
export function xxHash64(bytes: Buffer): bigint {
  const { length } = bytes;
  let at = 0;
  let hash = P5;
  if (length >= 32) {
    let lanes = [u64(P1 + P2), P2, 0n, u64(-P1)];
    for (; at + 32 <= length; at += 32) {
      const from = at;
      lanes = lanes.map((lane, i) => round(lane, bytes.readBigUInt64LE(from + i * 8)));
    }
    const [a, b, c, d] = lanes;
    hash = u64(rotate(a, 1n) + rotate(b, 7n) + rotate(c, 12n) + rotate(d, 18n));
    for (const lane of lanes) hash = merge(hash, lane);
  }
  hash = u64(hash + BigInt(length));
  for (; at + 8 <= length; at += 8) {
    hash = u64(rotate(hash ^ round(0n, bytes.readBigUInt64LE(at)), 27n) * P1 + P4);
  }
  if (at + 4 <= length) {
    hash = u64(rotate(hash ^ u64(BigInt(bytes.readUInt32LE(at)) * P1), 23n) * P2 + P3);
    at += 4;
  }
  for (; at < length; at += 1) hash = u64(rotate(hash ^ u64(BigInt(bytes[at]) * P5), 11n) * P1);
  hash = u64((hash ^ (hash >> 33n)) * P2);
  hash = u64((hash ^ (hash >> 29n)) * P3);
  return hash ^ (hash >> 32n);
}

/** The text with its length in front: one byte for lengths below 255, else 255 and three bytes. */
function sized(text: string): Buffer {
  const bytes = Buffer.from(text);
  const { length } = bytes;
  const head = length < 255 ? [length] : [255, length & 255, (length >> 8) & 255, (length >> 16) & 255];
  return Buffer.concat([Buffer.from(head), bytes]);
}

export function placeOfLabels(labels: Labels): number {
  return Number(xxHash64(Buffer.concat(labels.pairs.map(sized)))) / 2 ** 64;
}
