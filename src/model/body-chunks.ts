/**
 * The body of a request as its bytes arrive, within a limit. Every reader of bodies, in the server kit and in the monitor,
 * is built on this function; its callers handle decoding, pace and memory.
 */
import type { IncomingMessage } from 'node:http';
import { VitrineError } from '../base/errors.ts';

export interface ChunkLimits {
  readonly maxBytes: number;
  /** The error for a body above the limit. */
  readonly tooLarge: () => VitrineError;
  /** The message about a body that ended too early. */
  readonly incomplete: string;
  /** Passes the chunks on and throws `request_timeout` when the chunks come too slowly. */
  readonly paced: (source: AsyncIterable<Buffer>) => AsyncIterable<Buffer>;
}

/**
 * Ending early does not destroy the request, so an answer can still be sent. Throws the errors of `tooLarge` and `paced`,
 * and VitrineError `bad_request` when the client closed the connection.
 */
export async function* bodyChunks(request: IncomingMessage, limits: ChunkLimits): AsyncGenerator<Buffer> {
  const { maxBytes, tooLarge, incomplete, paced } = limits;
  let total = 0;
  const source = request.iterator({ destroyOnReturn: false }) as AsyncIterableIterator<Buffer>;
  try {
    for await (const chunk of paced(source)) {
      total += chunk.length;
      if (total > maxBytes) throw tooLarge();
      yield chunk;
    }
  } catch (error) {
    if (error instanceof VitrineError) throw error;
    throw new VitrineError('bad_request', incomplete, { cause: error });
  } finally {
    // Without this call the request would wait for a reader for ever, and `resume` would not discard the rest of the body.
    // The call is not awaited, because after a time-out a read is still pending.
    source.return?.().catch(() => {});
  }
}
