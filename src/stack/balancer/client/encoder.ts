/**
 * Compresses the body of one answer while it arrives. Node's streams of zlib work in libuv's pool, so the data path is not
 * held up. Bytes that arrive while others are being compressed wait and are then compressed together; after each such piece
 * everything is flushed, so an answer that comes in pieces reaches its client in pieces. The number of encoders in a process
 * is limited, because each holds up to a mebibyte.
 */
import * as zlib from 'node:zlib';

export type ContentCoding = 'br' | 'zstd' | 'gzip';

export interface EncoderEvents {
  /** Compressed bytes, which belong to the listener. */
  onEncoded(bytes: Buffer): void;
  /** Everything that was written so far has come out, or more can be taken in than before. */
  onEncodedAll(): void;
  /** The body cannot be completed. */
  onEncodingFailed(): void;
}

/** Bytes that may wait for compression before the source is held back. */
const WAITING_BYTES = 64 * 1024;
const ENCODERS_LIMIT = 128;
/** Levels at which each coding costs about the same time; a window of 256 KiB bounds the memory. */
const BROTLI_QUALITY = 4;
const GZIP_LEVEL = 6;
const ZSTD_LEVEL = 3;
const WINDOW_BITS = 18;

let open = 0;

type Stream = zlib.Gzip | zlib.BrotliCompress | zlib.ZstdCompress;

const C = zlib.constants;
const MAKERS: Readonly<Record<ContentCoding, { readonly make: () => Stream; readonly flush: number }>> = {
  br: {
    make: () =>
      zlib.createBrotliCompress({
        params: { [C.BROTLI_PARAM_QUALITY]: BROTLI_QUALITY, [C.BROTLI_PARAM_LGWIN]: WINDOW_BITS },
      }),
    flush: C.BROTLI_OPERATION_FLUSH,
  },
  zstd: {
    make: () =>
      zlib.createZstdCompress({
        params: { [C.ZSTD_c_compressionLevel]: ZSTD_LEVEL, [C.ZSTD_c_windowLog]: WINDOW_BITS },
      }),
    flush: C.ZSTD_e_flush,
  },
  gzip: { make: () => zlib.createGzip({ level: GZIP_LEVEL }), flush: C.Z_SYNC_FLUSH },
};

/** How many more encoders this process may open now. */
export const freeEncoders = (): number => ENCODERS_LIMIT - open;

export class Encoder {
  readonly #stream: Stream;
  readonly #flushKind: number;
  readonly #events: EncoderEvents;
  #waiting: Buffer[] = [];
  #waitingBytes = 0;
  #working = false;
  #onEnd: (() => void) | undefined;
  #over = false;

  constructor(coding: ContentCoding, events: EncoderEvents) {
    open += 1;
    const { make, flush } = MAKERS[coding];
    this.#events = events;
    this.#flushKind = flush;
    this.#stream = make();
    this.#stream.on('data', (bytes: Buffer) => this.#over || events.onEncoded(bytes));
    this.#stream.on('end', () => this.#ended());
    this.#stream.on('error', () => {
      if (this.#over) return;
      this.destroy();
      events.onEncodingFailed();
    });
  }

  /** Whether the source should wait for `onEncodedAll`. */
  get full(): boolean {
    return this.#waitingBytes > WAITING_BYTES;
  }

  /** Whether bytes of the body have not come out yet. */
  get busy(): boolean {
    return this.#working || this.#waitingBytes > 0;
  }

  /** The caller does not change the bytes any more. */
  write(bytes: Buffer): void {
    this.#waiting.push(bytes);
    this.#waitingBytes += bytes.length;
  }

  /** Compresses and flushes what was written. */
  flush(): void {
    if (this.#working || this.#over || this.#waitingBytes === 0) return;
    this.#working = true;
    this.#stream.write(this.#taken());
    this.#stream.flush(this.#flushKind, () => this.#flushed());
  }

  #flushed(): void {
    this.#working = false;
    if (this.#over) return;
    if (this.#onEnd !== undefined) this.#stream.end(this.#taken());
    else this.flush();
    this.#events.onEncodedAll();
  }

  #taken(): Buffer {
    const all = this.#waiting.length === 1 ? this.#waiting[0] : Buffer.concat(this.#waiting);
    this.#waiting = [];
    this.#waitingBytes = 0;
    return all;
  }

  /** The body is complete. `done` is called when the last byte has come out. */
  end(done: () => void): void {
    if (this.#over) return;
    this.#onEnd = done;
    if (!this.#working) this.#stream.end(this.#taken());
  }

  /** The client cannot take more bytes for now. */
  pause(): void {
    this.#stream.pause();
  }

  resume(): void {
    this.#stream.resume();
  }

  #ended(): void {
    if (this.#over) return;
    this.destroy();
    this.#onEnd?.();
  }

  /** Nothing is reported after this. May be called at any time. */
  destroy(): void {
    if (this.#over) return;
    this.#over = true;
    open -= 1;
    this.#stream.destroy();
  }
}
