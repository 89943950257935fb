/**
 * Random ids for spans and requests: hexadecimal, drawn many at a time, because a call to the system's generator or to
 * `toString` for each would be a good part of what a span costs. From `Math.random`, as the SDK's own ids are (W3C Trace
 * Context section 3.2.2 asks for randomness, not for secrets): an id grants nothing to whoever guesses it.
 */
import type { Random } from '../base/random.ts';
import { systemRandom } from '../base/random.ts';

const BATCH = 256;
const BYTES_A_WORD = 4;

export class IdPool {
  readonly #random: Random;
  readonly #length: number;
  readonly #words: Uint32Array;
  #text = '';
  #at = 0;

  /** `bytes`: of one id, a multiple of four. */
  constructor(bytes: number, random: Random = systemRandom) {
    this.#random = random;
    this.#length = bytes * 2;
    this.#words = new Uint32Array((bytes / BYTES_A_WORD) * BATCH);
  }

  /** Lower-case hexadecimal; never all zeros, which is no valid id of a trace or a span. */
  next(): string {
    if (this.#at >= this.#text.length) {
      const words = this.#words;
      for (let at = 0; at < words.length; at += 1) words[at] = this.#random() * 0x1_0000_0000;
      this.#text = Buffer.from(words.buffer).toString('hex');
      this.#at = 0;
    }
    const id = this.#text.slice(this.#at, this.#at + this.#length);
    this.#at += this.#length;
    return /[^0]/.test(id) ? id : `${id.slice(1)}1`;
  }
}
