/** Times of records in milliseconds. */

/** One time and its two words: dividing these as doubles is exact here, and far cheaper than dividing big integers. */
const words = new DataView(new ArrayBuffer(8));

/** Whole milliseconds of nanoseconds, without the rest. */
export function unixMs(nanos: bigint): number {
  if (BigInt.asUintN(64, nanos) !== nanos) return Number(nanos / 1_000_000n);
  words.setBigUint64(0, nanos);
  // 2^32 ns are 4294 ms and 967,296 ns. No product passes 2^53.
  const high = words.getUint32(0);
  return high * 4294 + Math.floor((high * 967_296 + words.getUint32(4)) / 1e6);
}
