/**
 * The minimum pace of a request body. The received bytes occupy memory until the rest arrives, so a sender that stops or
 * sends very slowly would occupy memory that other senders need. In any five seconds of waiting, at least a twelfth of the
 * bytes received before must arrive, and at least 1,200 bytes. A sender with a constant rate may therefore take a minute,
 * which is the time limit of a request.
 */
import type { Clock } from '../../../base/clock.ts';
import { VitrineError } from '../../../base/errors.ts';

const SPAN_MS = 5_000;
const LEAST_BYTES = 1_200;
const LEAST_SHARE = 1 / 12;

/**
 * The chunks of `source`. Throws VitrineError `request_timeout` when they arrive too slowly; time that the consumer takes
 * does not count.
 */
export async function* pacedChunks(source: AsyncIterable<Buffer>, clock: Clock): AsyncGenerator<Buffer> {
  const chunks = source[Symbol.asyncIterator]();
  const pace = { total: 0, inSpan: 0, waitedMs: 0 };
  for (;;) {
    const next = await within(chunks.next(), pace, clock);
    if (next.done === true) return;
    pace.total += next.value.length;
    pace.inSpan += next.value.length;
    yield next.value;
  }
}

interface Pace {
  total: number;
  /** Bytes and waiting time of the present period. */
  inSpan: number;
  waitedMs: number;
}

async function within<T>(pending: Promise<T>, pace: Pace, clock: Clock): Promise<T> {
  for (;;) {
    const beganMs = clock.monotonic();
    // No signal: aborting one makes an exception with a stack, for every chunk of every body.
    const late = Promise.withResolvers<undefined>();
    const cancel = clock.after(Math.max(1, SPAN_MS - pace.waitedMs), () => late.resolve(undefined));
    let first: { readonly value: T } | undefined;
    try {
      first = await Promise.race([pending.then((value) => ({ value })), late.promise]);
    } finally {
      cancel();
    }
    pace.waitedMs += clock.monotonic() - beganMs;
    if (first !== undefined) return first.value;
    const before = pace.total - pace.inSpan;
    if (pace.inSpan < Math.max(LEAST_BYTES, before * LEAST_SHARE)) {
      // Nobody uses the later result of this read.
      pending.catch(() => {});
      const text = `the body came too slowly: ${pace.inSpan} bytes in ${SPAN_MS / 1_000} s`;
      throw new VitrineError('request_timeout', text, { hint: 'Send it faster, or in smaller batches.' });
    }
    pace.inSpan = 0;
    pace.waitedMs = 0;
  }
}
