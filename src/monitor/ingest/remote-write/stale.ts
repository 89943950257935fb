/**
 * Prometheus marks the end of a series by one NaN among many, 0x7ff0000000000002. It is looked for in the bytes: JavaScript
 * may rewrite the payload of a NaN that passes through a number.
 */
export function isStaleNaN(lo: number, hi: number): boolean {
  return hi === 0x7ff00000 && lo === 2;
}
