/**
 * One followed file: an open handle, so that its rest is still read after it was renamed or removed, and the lines since the
 * last position. A file that became shorter, or begins differently than before, was truncated and is read from its beginning.
 */
import { open, type FileHandle } from 'node:fs/promises';
import { LineSplitter, type Line } from '../request/line-splitter.ts';
import { digestOf, HEAD_BYTES, type Position } from './file-positions.ts';

const CHUNK_BYTES = 64 * 1024;

export interface Batch {
  readonly lines: readonly Line[];
  /** True when the file's end was reached. */
  readonly atEnd: boolean;
  /** True when the file was truncated before this batch: what waited for its continuation belongs to the old content. */
  readonly restarted: boolean;
}

export class FollowedFile {
  readonly key: string;
  readonly path: string;
  readonly #handle: FileHandle;
  readonly #maxLineBytes: number;
  #splitter: LineSplitter;
  /** Bytes read, and those of them that are in lines that were handed over. */
  #read: number;
  #done: number;
  #head: { digest: string; bytes: number };

  private constructor(
    handle: FileHandle,
    key: string,
    path: string,
    known: Position | undefined,
    maxLineBytes: number,
  ) {
    this.#handle = handle;
    this.key = key;
    this.path = path;
    this.#maxLineBytes = maxLineBytes;
    this.#splitter = new LineSplitter(maxLineBytes);
    this.#read = known?.offset ?? 0;
    this.#done = this.#read;
    this.#head = { digest: known?.head ?? digestOf(new Uint8Array()), bytes: known?.headBytes ?? 0 };
  }

  /** `positionOf` gives the remembered position by the file's key. */
  static async open(
    path: string,
    positionOf: (key: string) => Position | undefined,
    maxLineBytes: number,
  ): Promise<FollowedFile> {
    const handle = await open(path, 'r');
    try {
      const key = keyOf(await handle.stat());
      return new FollowedFile(handle, key, path, positionOf(key), maxLineBytes);
    } catch (error) {
      await handle.close();
      throw error;
    }
  }

  /** The position after the lines that were handed over. */
  get position(): Position {
    return { key: this.key, path: this.path, offset: this.#done, head: this.#head.digest, headBytes: this.#head.bytes };
  }

  /** The next complete lines, of at most `maxBytes`. */
  async next(maxBytes: number): Promise<Batch> {
    const { size } = await this.#handle.stat();
    const restarted = size < this.#read || !(await this.#beginsAsBefore());
    if (restarted) this.#restart();
    await this.#noteHead();
    const lines: Line[] = [];
    const buffer = Buffer.allocUnsafe(CHUNK_BYTES);
    for (let taken = 0; taken < maxBytes;) {
      const { bytesRead } = await this.#handle.read(buffer, 0, CHUNK_BYTES, this.#read);
      if (bytesRead === 0) return { lines, atEnd: true, restarted };
      const chunk = Buffer.from(buffer.subarray(0, bytesRead));
      lines.push(...this.#splitter.push(chunk));
      const lastEnd = chunk.lastIndexOf(0x0a);
      if (lastEnd >= 0) this.#done = this.#read + lastEnd + 1;
      this.#read += bytesRead;
      taken += bytesRead;
    }
    return { lines, atEnd: false, restarted };
  }

  /** The last line without a line feed, of a file that will not grow any more. */
  last(): readonly Line[] {
    const lines = [...this.#splitter.end()];
    this.#done = this.#read;
    return lines;
  }

  async close(): Promise<void> {
    await this.#handle.close();
  }

  #restart(): void {
    this.#splitter = new LineSplitter(this.#maxLineBytes);
    this.#read = 0;
    this.#done = 0;
    this.#head = { digest: digestOf(new Uint8Array()), bytes: 0 };
  }

  async #beginsAsBefore(): Promise<boolean> {
    return (await this.#digest(this.#head.bytes)) === this.#head.digest;
  }

  async #noteHead(): Promise<void> {
    if (this.#head.bytes >= HEAD_BYTES) return;
    const { size } = await this.#handle.stat();
    const bytes = Math.min(size, HEAD_BYTES);
    this.#head = { digest: await this.#digest(bytes), bytes };
  }

  async #digest(bytes: number): Promise<string> {
    const buffer = Buffer.alloc(bytes);
    const { bytesRead } = await this.#handle.read(buffer, 0, bytes, 0);
    return digestOf(buffer.subarray(0, bytesRead));
  }
}

export const keyOf = ({ dev, ino }: { readonly dev: number; readonly ino: number }): string => `${dev}:${ino}`;
