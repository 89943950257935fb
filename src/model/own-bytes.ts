/**
 * Bytes that are kept for long, in memory of their own. `Buffer.from`, `Buffer.concat` and `Buffer.allocUnsafe` take up to
 * half of `Buffer.poolSize` (64 KiB in Node 24) from a block that they share with whatever is allocated meanwhile, and one
 * kept part keeps its whole block: a cache of 64 MiB then holds 200 MiB.
 */

/** A copy of `chunks`, which together have `size` bytes. */
export function ownBytes(chunks: readonly Uint8Array[], size: number): Buffer {
  const own = Buffer.allocUnsafeSlow(size);
  let at = 0;
  for (const chunk of chunks) {
    own.set(chunk, at);
    at += chunk.length;
  }
  return own;
}
