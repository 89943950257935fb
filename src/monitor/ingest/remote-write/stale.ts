/**
 * Prometheus marks the end of a series by one NaN among many, 0x7ff0000000000002. It is compared as bytes, because
 * JavaScript may change the payload of a NaN that is read as a number.
 */
export function isStaleNaN(lo: number, hi: number): boolean {
  return hi === 0x7ff00000 && lo === 2;
}
