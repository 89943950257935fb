/**
 * A log file that is rotated by size and by day (UTC). The last few files are kept as gzip. It never blocks or throws: lines
 * are buffered and written in the background, and when the disk is slow or full, lines that do not fit the buffer are counted
 * as dropped.
 */
import { createReadStream, createWriteStream, existsSync, mkdirSync, renameSync, statSync } from 'node:fs';
import { readdir, rm } from 'node:fs/promises';
import path from 'node:path';
import { pipeline } from 'node:stream/promises';
import { createGzip } from 'node:zlib';
import pino from 'pino';
import type { Clock } from '../../base/clock.ts';

export interface LogFileOptions {
  /** `DIR/name.ndjson`; the directory is made. */
  readonly file: string;
  readonly maxSizeBytes: number;
  /** Number of rotated files that are kept. */
  readonly keep: number;
  readonly clock: Clock;
  /** Limit of the bytes that wait to be written. */
  readonly maxBufferBytes?: number;
}

/** A disk that hangs must not keep the process alive. */
const CLOSE_LIMIT_MS = 2_000;

const day = (ms: number): string => new Date(ms).toISOString().slice(0, 10);

function sizeOf(file: string): number {
  try {
    return statSync(file).size;
  } catch {
    return 0;
  }
}

/** Resolves when everything is written, or after the limit. */
async function endOf(stream: Destination): Promise<void> {
  await new Promise<void>((resolve) => {
    setTimeout(resolve, CLOSE_LIMIT_MS).unref();
    stream.once('close', resolve);
    stream.once('error', () => resolve());
    stream.end();
  });
}

type Destination = ReturnType<typeof pino.destination>;

/** A name that does not exist yet, so that no file is overwritten when two are rotated within one second. */
function unused(nameOf: (turn: string) => string): string {
  let turn = 1;
  const name = (): string => nameOf(String(turn).padStart(4, '0'));
  while (existsSync(name()) || existsSync(`${name()}.gz`)) turn += 1;
  return name();
}

export class LogFile {
  readonly #options: LogFileOptions;
  #stream: Destination;
  #size: number;
  #day: string;
  #dropped = 0;
  #turning: Promise<void> = Promise.resolve();
  #isTurning = false;

  constructor(options: LogFileOptions) {
    this.#options = options;
    mkdirSync(path.dirname(options.file), { recursive: true, mode: 0o700 });
    this.#size = sizeOf(options.file);
    this.#day = day(this.#size > 0 ? statSync(options.file).mtimeMs : options.clock.now());
    this.#stream = this.#open();
  }

  #open(): Destination {
    const { file, maxBufferBytes = 4 * 1_024 * 1_024 } = this.#options;
    const stream = pino.destination({ dest: file, sync: false, minLength: 0, maxLength: maxBufferBytes, mode: 0o600 });
    const lost = (): void => {
      this.#dropped += 1;
    };
    stream.on('drop', lost);
    stream.on('error', lost);
    return stream;
  }

  /** Lines that could not be written. */
  get dropped(): number {
    return this.#dropped;
  }

  /** `line` ends with a newline. */
  write(line: string): void {
    const today = day(this.#options.clock.now());
    const isDue = this.#size + line.length > this.#options.maxSizeBytes || today !== this.#day;
    if (isDue && this.#size > 0 && !this.#isTurning) this.#turn(today);
    this.#size += Buffer.byteLength(line);
    try {
      this.#stream.write(line);
    } catch {
      this.#dropped += 1;
    }
  }

  /** The old file keeps its descriptor while it is renamed, so buffered lines are still written to it. */
  #turn(today: string): void {
    const ended = this.#day;
    this.#day = today;
    this.#size = 0;
    const { file, clock } = this.#options;
    const { dir, name, ext } = path.parse(file);
    const time = new Date(clock.now()).toISOString().slice(11, 19).replaceAll(':', '');
    const finished = unused((turn) => path.join(dir, `${name}-${ended}T${time}-${turn}${ext}`));
    try {
      renameSync(file, finished);
    } catch {
      // The file keeps growing; the next rotation tries again.
      this.#dropped += 1;
      return;
    }
    const old = this.#stream;
    this.#stream = this.#open();
    this.#isTurning = true;
    this.#turning = this.#pack(old, finished).finally(() => {
      this.#isTurning = false;
    });
  }

  async #pack(old: Destination, finished: string): Promise<void> {
    await endOf(old);
    const { dir, name } = path.parse(this.#options.file);
    try {
      await pipeline(createReadStream(finished), createGzip(), createWriteStream(`${finished}.gz`, { mode: 0o600 }));
      await rm(finished);
      await this.#forget(dir, name);
    } catch {
      // The rotated file stays uncompressed.
      this.#dropped += 1;
    }
  }

  async #forget(dir: string, name: string): Promise<void> {
    const own = new RegExp(`^${name.replace(/[.*+?^$()[\]{}|\\]/g, String.raw`\$&`)}-\\d{4}-\\d\\d-\\d\\dT.*\\.gz$`);
    const finished = (await readdir(dir)).filter((each) => own.test(each)).sort();
    for (const old of finished.slice(0, Math.max(0, finished.length - this.#options.keep))) {
      await rm(path.join(dir, old), { force: true });
    }
  }

  /** Resolves when everything is on disk. */
  async close(): Promise<void> {
    await this.#turning;
    await endOf(this.#stream);
  }
}
