/**
 * Limits the bytes of the requests that are being read and processed at once, in total and for each peer: one peer can use
 * at most half of the budget. A request that finds no room is refused with VitrineError `overloaded` and `Retry-After`,
 * because senders keep their data and repeat it. A request larger than a peer's share would never find room, so it is
 * refused with `payload_too_large`.
 */
import { VitrineError } from '../../../base/errors.ts';

export const RETRY_AFTER_SECONDS = 1;
/** The share of the budget for one address. */
const PEER_SHARE = 0.5;

export class ByteBudget {
  readonly #limitBytes: number;
  readonly #peerLimitBytes: number;
  readonly #byPeer = new Map<string, number>();
  #usedBytes = 0;

  constructor(limitBytes: number) {
    this.#limitBytes = limitBytes;
    this.#peerLimitBytes = Math.floor(limitBytes * PEER_SHARE);
  }

  get usedBytes(): number {
    return this.#usedBytes;
  }

  /** `peer`: the sender's address. */
  lease(peer: string): ByteLease {
    return new ByteLease((bytes, heldBytes) => {
      if (bytes > 0) this.#check(peer, bytes, heldBytes);
      this.#usedBytes += bytes;
      const ofPeer = (this.#byPeer.get(peer) ?? 0) + bytes;
      // Peers without a request are removed, so the map has no more entries than there are connections.
      if (ofPeer > 0) this.#byPeer.set(peer, ofPeer);
      else this.#byPeer.delete(peer);
    });
  }

  #check(peer: string, bytes: number, heldBytes: number): void {
    if (heldBytes + bytes > this.#peerLimitBytes) {
      throw new VitrineError(
        'payload_too_large',
        `the request needs more than ${this.#peerLimitBytes} bytes of memory, the most that one sender may use`,
        { hint: 'Send smaller batches, or raise ingest.in_flight.' },
      );
    }
    if (this.#usedBytes + bytes > this.#limitBytes) throw overloaded(`more than ${this.#limitBytes} bytes are`);
    if ((this.#byPeer.get(peer) ?? 0) + bytes > this.#peerLimitBytes)
      throw overloaded(`more than ${this.#peerLimitBytes} bytes of this sender are`);
  }
}

export function overloaded(what: string): VitrineError {
  return new VitrineError('overloaded', `${what} being taken in already`, {
    hint: 'Send again later; nothing of this request was kept.',
    headers: { 'Retry-After': String(RETRY_AFTER_SECONDS) },
  });
}

/** The share of the budget that one request holds; `release` returns it, once. */
export class ByteLease {
  readonly #change: (bytes: number, heldBytes: number) => void;
  #heldBytes = 0;

  constructor(change: (bytes: number, heldBytes: number) => void) {
    this.#change = change;
  }

  take(bytes: number): void {
    this.#change(bytes, this.#heldBytes);
    this.#heldBytes += bytes;
  }

  release(): void {
    this.#change(-this.#heldBytes, this.#heldBytes);
    this.#heldBytes = 0;
  }
}
