/**
 * Cuts a stream of bytes into numbered lines. A line over the limit is skipped to its end and reported without its text, so
 * one endless line costs no more memory than the limit. Lines end in LF; a CR before it is left to the reader.
 */
export interface Line {
  /** From 1. */
  readonly number: number;
  /** Undefined when the line was over the limit. */
  readonly bytes: Buffer | undefined;
}

const LF = 0x0a;

export class LineSplitter {
  readonly #maxBytes: number;
  #parts: Buffer[] = [];
  #partBytes = 0;
  #tooLong = false;
  /** Of the next line. */
  number = 1;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  /** Whether a line has begun. */
  get isInside(): boolean {
    return this.#partBytes > 0 || this.#tooLong;
  }

  /** The lines that `chunk` completes. */
  *push(chunk: Buffer): Generator<Line> {
    let start = 0;
    for (let end = chunk.indexOf(LF); end >= 0; end = chunk.indexOf(LF, start)) {
      this.#keep(chunk.subarray(start, end));
      yield this.#take();
      start = end + 1;
    }
    if (start < chunk.length) this.#keep(chunk.subarray(start));
  }

  /** The last line, when it did not end in a newline. */
  *end(): Generator<Line> {
    if (this.isInside) yield this.#take();
  }

  #keep(part: Buffer): void {
    if (this.#tooLong) return;
    this.#partBytes += part.length;
    if (this.#partBytes > this.#maxBytes) {
      this.#tooLong = true;
      this.#parts = [];
    } else this.#parts.push(part);
  }

  #take(): Line {
    const bytes = this.#parts.length === 1 ? this.#parts[0] : Buffer.concat(this.#parts);
    const line = { number: this.number, bytes: this.#tooLong ? undefined : bytes };
    this.number += 1;
    this.#parts = [];
    this.#partBytes = 0;
    this.#tooLong = false;
    return line;
  }
}
