/**
 * The day files of a directory: their list, the few that are open, their size, and their deletion. A damaged file is set
 * aside with one log line; the other files stay in use.
 */
import { readdirSync, rmSync, statSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import path from 'node:path';
import { VitrineError } from '../../../base/errors.ts';
import type { Logger } from '../../../base/logger.ts';
import type { Labels } from '../../../model/labels.ts';
import { isDiskTrouble, messageOf, refuseNewer, setAside } from './database.ts';
import { DAY_MS, DayFile, dayOf } from './day-file.ts';

const NAME = /^samples-([+-]?\d{4,6}-\d\d-\d\d)\.db$/;
/** Index entries of all open files together; above this the least recently used file is closed. */
const OPEN_SERIES_MAX = 400_000;
const OPEN_FILES_MAX = 64;

export interface KnownDay {
  readonly day: string;
  readonly path: string;
  readonly startMs: number;
}

/** Bytes of a database with its side files. */
export function databaseBytes(file: string): number {
  let size = 0;
  for (const suffix of ['', '-wal', '-shm']) size += statSync(file + suffix, { throwIfNoEntry: false })?.size ?? 0;
  return size;
}

async function removeDatabase(file: string): Promise<void> {
  for (const suffix of ['-wal', '-shm', '']) await rm(file + suffix, { force: true });
}

export class DayFiles {
  readonly #dir: string;
  readonly #logger: Logger;
  readonly #live: (key: string) => Labels | undefined;
  /** Names of files that a newer version wrote. */
  readonly #newer = new Set<string>();
  readonly #days = new Map<string, KnownDay>();
  #sorted: readonly KnownDay[] | undefined;
  /** Least recently used first. */
  readonly #open = new Map<string, DayFile>();

  /** `live` returns the labels of a live series by key. A day of a newer version is not touched, and a log line says so. */
  constructor(dir: string, logger: Logger, live: (key: string) => Labels | undefined) {
    this.#dir = dir;
    this.#logger = logger;
    this.#live = live;
    for (const name of readdirSync(dir)) {
      if (/^samples-.*\.tmp(-wal|-shm)?$/.test(name)) rmSync(path.join(dir, name), { force: true });
      const day = NAME.exec(name)?.[1];
      if (day === undefined) continue;
      if (!this.#isReadable(path.join(dir, name))) continue;
      this.#days.set(day, { day, path: path.join(dir, name), startMs: Date.parse(`${day}T00:00:00Z`) });
    }
  }

  #isReadable(file: string): boolean {
    try {
      refuseNewer(file);
      return true;
    } catch (error) {
      if (!(error instanceof VitrineError)) throw error;
      this.#newer.add(path.basename(file));
      this.#logger.error({ file }, `${error.message}; its samples are not shown`);
      return false;
    }
  }

  /** Oldest first. */
  list(): readonly KnownDay[] {
    this.#sorted ??= [...this.#days.values()].sort((a, b) => a.startMs - b.startMs);
    return this.#sorted;
  }

  get sizeBytes(): number {
    let size = 0;
    for (const { path: file } of this.#days.values()) size += databaseBytes(file);
    return size;
  }

  /** Files that may hold samples with mint <= t <= maxt, oldest first. */
  *overlapping(mintMs: number, maxtMs: number): Generator<DayFile> {
    for (const known of this.list()) {
      if (known.startMs > maxtMs || known.startMs + DAY_MS <= mintMs) continue;
      const file = this.#get(known);
      if (file !== undefined && file.lastMs >= mintMs) yield file;
    }
  }

  /** The file of a day, created when there is none. Throws the disk's error. */
  forWriting(tMs: number): DayFile {
    const day = dayOf(tMs);
    const known = this.#days.get(day) ?? {
      day,
      path: path.join(this.#dir, `samples-${day}.db`),
      startMs: Math.floor(tMs / DAY_MS) * DAY_MS,
    };
    if (this.#newer.delete(path.basename(known.path))) this.setAside(known, 'a newer version of Vitrine wrote it');
    // The old file was set aside: a new file takes further chunks of the day.
    const file = this.#get(known) ?? new DayFile(known.path, day);
    this.#open.set(day, file);
    if (!this.#days.has(day)) this.#sorted = undefined;
    this.#days.set(day, known);
    return file;
  }

  open(day: string): DayFile | undefined {
    const known = this.#days.get(day);
    return known === undefined ? undefined : this.#get(known);
  }

  #get(known: KnownDay): DayFile | undefined {
    let file = this.#open.get(known.day);
    if (file === undefined) {
      try {
        const newest = [...this.#open.values()].at(-1);
        file = new DayFile(known.path, known.day, (key) => this.#live(key) ?? newest?.labelsOf(key));
      } catch (error) {
        if (isDiskTrouble(error)) throw error;
        this.setAside(known, error);
        return undefined;
      }
    }
    this.#open.delete(known.day);
    this.#open.set(known.day, file);
    this.#closeUnused();
    return file;
  }

  #closeUnused(): void {
    let series = 0;
    for (const file of this.#open.values()) series += file.index.size;
    for (const [day, file] of this.#open) {
      if (this.#open.size <= 2 || (series <= OPEN_SERIES_MAX && this.#open.size <= OPEN_FILES_MAX)) return;
      series -= file.index.size;
      file.close();
      this.#open.delete(day);
    }
  }

  /** Renames a file that cannot be read, so that its bytes are kept and the store can continue. */
  setAside(known: KnownDay, cause: unknown): void {
    this.forget(known.day);
    const aside = setAside(known.path);
    this.#logger.error({ file: aside, cause: messageOf(cause) }, `day ${known.day} cannot be read and was set aside`);
  }

  /** Closes the file if it is open; it stays on disk. */
  closeDay(day: string): void {
    this.#open.get(day)?.close();
    this.#open.delete(day);
  }

  forget(day: string): void {
    this.closeDay(day);
    this.#days.delete(day);
    this.#sorted = undefined;
  }

  /** Deletes the day, in the thread pool: freeing a large file takes the file system a while. */
  async remove({ day, path: file }: KnownDay): Promise<void> {
    this.forget(day);
    await removeDatabase(file);
  }

  close(): void {
    for (const file of this.#open.values()) file.close();
    this.#open.clear();
  }
}
