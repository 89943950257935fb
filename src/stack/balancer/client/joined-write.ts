/** Several pieces of an answer as one write to its socket. */
import type { Socket } from 'node:net';

/** Larger writes take a reusable block; smaller ones come from Node's pool or are cheap to collect. */
const SMALL_BYTES = 16 * 1024;
/** Room for one read from an upstream and the framing around it. */
export const BLOCK_BYTES = 96 * 1024;
const SPARE_BLOCKS = 64;
/** Blocks are reused after they were sent. As garbage they would make the process grow until the collector runs. */
const spare: Buffer[] = [];

/**
 * Copies the text once, into a buffer. As a string, the body would be copied twice, and both copies would be garbage. `views`
 * have `viewBytes` together.
 */
export function writeJoined(
  socket: Socket,
  before: string,
  views: readonly Buffer[],
  viewBytes: number,
  after: string,
): void {
  const size = before.length + viewBytes + after.length;
  const block = size > SMALL_BYTES && size <= BLOCK_BYTES;
  const out = block ? (spare.pop() ?? Buffer.allocUnsafeSlow(BLOCK_BYTES)) : Buffer.allocUnsafe(size);
  let at = out.write(before, 0, 'latin1');
  for (const view of views) {
    out.set(view, at);
    at += view.length;
  }
  if (after !== '') out.write(after, at, 'latin1');
  if (!block) {
    socket.write(out);
    return;
  }
  // Only blocks that were sent completely are free again: after an error, libuv may still hold the others.
  socket.write(out.subarray(0, size), (error) => {
    if (!error && spare.length < SPARE_BLOCKS) spare.push(out);
  });
}
