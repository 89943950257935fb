/** A background request: the cache asked for a newer answer while it served a stale one (RFC 5861 section 3). */
import type { CacheFill } from '../../../model/response-cache.ts';
import { Attempt, type AttemptOwner, type AttemptPieces, type Try } from './attempt.ts';
import { fieldList, type ReplyHead } from '../http/reply-head.ts';

export class Refresh implements AttemptOwner {
  readonly #fill: CacheFill;
  #state: 'waiting' | 'collecting' | 'kept' | 'refused' = 'waiting';

  constructor(pieces: AttemptPieces, fill: CacheFill, one: Try) {
    this.#fill = fill;
    void new Attempt(pieces, this, one);
  }

  attemptInterim(): void {}

  attemptHead(_attempt: Attempt, head: ReplyHead): void {
    const fields = fieldList(head.fields);
    if (head.status === 304 && this.#fill.validates) {
      this.#state = this.#fill.validated(fields) === undefined ? 'refused' : 'kept';
    } else if (head.status >= 500) this.#state = 'refused';
    else this.#state = this.#fill.head(head.status, fields) ? 'collecting' : 'refused';
  }

  attemptBody(bytes: Buffer): void {
    if (this.#state === 'collecting' && !this.#fill.chunk(Buffer.from(bytes))) this.#state = 'refused';
  }

  attemptFlush(): void {}

  attemptComplete(): void {
    if (this.#state === 'collecting' || this.#state === 'kept') this.#fill.end();
    else this.#fill.abort();
  }

  attemptFailed(): void {
    this.#fill.abort();
  }

  attemptSilent(): void {}

  attemptOrphaned(): void {}
}
