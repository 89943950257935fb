/** Slows guessing: ten tries a minute for one key, such as an address or the name of an account. */
import { BoundedMap } from '../../../base/bounded.ts';
import type { Clock } from '../../../base/clock.ts';
import { VitrineError } from '../../../base/errors.ts';

const MAX_KEYS = 10_000;
const TRIES_PER_MINUTE = 10;

export class Tries {
  readonly #clock: Clock;
  readonly #what: string;
  readonly #tries = new BoundedMap<string, { sinceMs: number; count: number }>(MAX_KEYS);

  /** `what` ends the sentence "Too many tries …". */
  constructor(clock: Clock, what: string) {
    this.#clock = clock;
    this.#what = what;
  }

  /** @throws VitrineError `too_many_requests` from the eleventh within a minute on */
  count(key: string): void {
    const now = this.#clock.now();
    const known = this.#tries.get(key);
    const tries = known === undefined || now - known.sinceMs >= 60_000 ? { sinceMs: now, count: 0 } : known;
    tries.count += 1;
    this.#tries.set(key, tries);
    if (tries.count > TRIES_PER_MINUTE) {
      throw new VitrineError('too_many_requests', `Too many tries ${this.#what}.`, {
        hint: 'Wait a minute.',
        headers: { 'Retry-After': '60' },
      });
    }
  }
}
