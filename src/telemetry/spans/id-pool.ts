/**
 * Random hexadecimal ids for spans and requests. Many are made at a time, because a call to the system's generator or to
 * `toString` for each id would be a considerable part of the cost of a span. They come from `Math.random`, as the SDK's ids do
 * (W3C Trace Context section 3.2.2 asks for randomness, not for secrecy): knowing an id grants no access.
 */
import type { Random } from '../../base/random.ts';
import { systemRandom } from '../../base/random.ts';

const BATCH = 256;
const BYTES_A_WORD = 4;
/** A word whose text ends with 1, in either byte order. */
const LAST_DIGIT = new Uint32Array(Uint8Array.of(0, 0, 0, 1).buffer)[0];

export class IdPool {
  readonly #random: Random;
  readonly #length: number;
  readonly #words: Uint32Array;
  #text = '';
  #at = 0;

  /** `bytes`: the size of one id, a multiple of four. */
  constructor(bytes: number, random: Random = systemRandom) {
    this.#random = random;
    this.#length = bytes * 2;
    this.#words = new Uint32Array((bytes / BYTES_A_WORD) * BATCH);
  }

  /** Lower-case hexadecimal; never all zeros, which is not a valid id of a trace or a span. */
  next(): string {
    if (this.#at >= this.#text.length) {
      this.#draw();
      this.#at = 0;
    }
    const id = this.#text.slice(this.#at, this.#at + this.#length);
    this.#at += this.#length;
    return id;
  }

  #draw(): void {
    const words = this.#words;
    const each = words.length / BATCH;
    for (let at = 0; at < words.length; at += each) {
      let bits = 0;
      for (let word = at; word < at + each; word += 1) {
        words[word] = this.#random() * 0x1_0000_0000;
        bits |= words[word];
      }
      if (bits === 0) words.fill(LAST_DIGIT, at + each - 1, at + each);
    }
    this.#text = Buffer.from(words.buffer).toString('hex');
  }
}
