/**
 * The day files of records in a data directory, by kind. Files are opened when a search first needs their time; the lists of
 * their batches then stay in memory and the few files used last stay open. A damaged file is set aside with a log line; the
 * other files stay in use.
 */
import { readdirSync, renameSync, rmSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import path from 'node:path';
import { VitrineError } from '../../../../base/errors.ts';
import type { Logger } from '../../../../base/logger.ts';
import type { RecordSignal } from '../../../../model/record-source.ts';
import { isDamaged, isDiskTrouble, messageOf, refuseNewer, setAside } from '../../disk/database.ts';
import { databaseBytes } from '../../disk/day-files.ts';
import { DAY_MS } from '../../disk/day-file.ts';
import { RecordFile, type BatchEntry, type NumberedBatch } from './record-file.ts';

/** Traces that were sealed as ordinary have files of their own, because they are kept for two days only. */
export const RECORD_KINDS = ['logs', 'traces', 'traces-ordinary', 'requests'] as const;
export type RecordKind = (typeof RECORD_KINDS)[number];

/** Each kind has its own schema version. */
const VERSIONS: Readonly<Record<RecordKind, number>> = { logs: 1, traces: 1, 'traces-ordinary': 1, requests: 1 };
const NAME = /^(logs|traces|traces-ordinary|requests)-(\d{4}-\d\d-\d\d)\.db$/;
const RENEWAL = /^(?:logs|traces|traces-ordinary|requests)-\d{4}-\d\d-\d\d\.db\.new/;
const OPEN_MAX = 24;
/** Of a database and its side files. */
const SUFFIXES = ['-wal', '-shm', ''];

export const signalOf = (kind: RecordKind): RecordSignal => (kind === 'traces-ordinary' ? 'traces' : kind);
export const kindsOf = (signal: RecordSignal): readonly RecordKind[] =>
  RECORD_KINDS.filter((kind) => signalOf(kind) === signal);

export interface KnownFile {
  readonly kind: RecordKind;
  readonly day: string;
  readonly path: string;
  readonly startMs: number;
}

/** The UTC day of a time, `2026-11-20`. */
export function recordDay(ms: number): string {
  return new Date(Math.floor(ms / DAY_MS) * DAY_MS).toISOString().slice(0, 10);
}

export class RecordFiles {
  readonly #dir: string;
  readonly #logger: Logger;
  readonly #durability: 'normal' | 'full';
  readonly #known = new Map<string, KnownFile>();
  /** Least recently used first. */
  readonly #open = new Map<string, RecordFile>();
  readonly #entries = new Map<string, readonly BatchEntry[]>();
  readonly #renewals = new Map<string, number>();
  #sizeBytes = 0;

  constructor(dir: string, logger: Logger, durability: 'normal' | 'full') {
    this.#dir = dir;
    this.#durability = durability;
    this.#logger = logger;
    for (const name of readdirSync(dir)) {
      // A kill ended the writing of a file that was to take the place of another.
      if (RENEWAL.test(name)) rmSync(path.join(dir, name), { force: true });
      const [, kind, day] = NAME.exec(name) ?? [];
      if (kind === undefined) continue;
      const known = this.#fileOf(kind as RecordKind, day);
      if (!this.#isReadable(known)) continue;
      this.#known.set(name, known);
    }
    this.measure();
  }

  #fileOf(kind: RecordKind, day: string): KnownFile {
    const startMs = Date.parse(`${day}T00:00:00Z`);
    return { kind, day, path: path.join(this.#dir, `${kind}-${day}.db`), startMs };
  }

  #isReadable({ kind, path: file }: KnownFile): boolean {
    try {
      refuseNewer(file, VERSIONS[kind]);
      return true;
    } catch (error) {
      if (!(error instanceof VitrineError)) throw error;
      this.#logger.error({ file }, `${error.message}; its records are not shown`);
      return false;
    }
  }

  /** Oldest first. */
  list(kinds: readonly RecordKind[] = RECORD_KINDS): readonly KnownFile[] {
    const files = [...this.#known.values()].filter(({ kind }) => kinds.includes(kind));
    return files.sort((a, b) => a.startMs - b.startMs);
  }

  /** Bytes on disk at the last measurement. */
  get sizeBytes(): number {
    return this.#sizeBytes;
  }

  measure(): number {
    this.#sizeBytes = 0;
    for (const { path: file } of this.#known.values()) this.#sizeBytes += databaseBytes(file);
    return this.#sizeBytes;
  }

  /** The batches of a file; none when it is damaged, which a log line says. */
  entries(known: KnownFile): readonly BatchEntry[] {
    const name = path.basename(known.path);
    const kept = this.#entries.get(name);
    if (kept !== undefined) return kept;
    const file = this.open(known);
    const entries = file === undefined ? [] : [...file.entries()];
    this.#entries.set(name, entries);
    return entries;
  }

  /** Whether the batches of a file are known without opening it. */
  isListed(known: KnownFile): boolean {
    return this.#entries.has(path.basename(known.path));
  }

  /** Undefined when the file is damaged or gone. */
  open(known: KnownFile): RecordFile | undefined {
    const name = path.basename(known.path);
    if (!this.#known.has(name)) return undefined;
    let file = this.#open.get(name);
    if (file === undefined) {
      try {
        file = new RecordFile(known.path, VERSIONS[known.kind], this.#durability);
      } catch (error) {
        if (isDiskTrouble(error)) throw error;
        this.#setAside(known, error);
        return undefined;
      }
    }
    this.#open.delete(name);
    this.#open.set(name, file);
    for (const [oldest, unused] of this.#open) {
      if (this.#open.size <= OPEN_MAX) break;
      unused.close();
      this.#open.delete(oldest);
    }
    return file;
  }

  /** Adds batches to the file of a day, which is created when there is none. Throws the disk's error. */
  add(kind: RecordKind, day: string, batches: readonly NumberedBatch[]): void {
    const known = this.#fileOf(kind, day);
    const name = path.basename(known.path);
    if (!this.#known.has(name)) {
      // A file that a newer version wrote, or that cannot be read, is set aside before a new one takes its name.
      if (!this.#isReadable(known)) setAside(known.path);
      this.#known.set(name, known);
    }
    // The second try is on a new file, when the first one was set aside.
    let file = this.open(known) ?? this.#openNew(known, name);
    try {
      file.add(batches);
    } catch (error) {
      if (!isDamaged(error)) throw error;
      this.#setAside(known, error);
      file = this.#openNew(known, name);
      file.add(batches);
    }
    this.#entries.set(name, [...file.entries()]);
  }

  #openNew(known: KnownFile, name: string): RecordFile {
    this.#known.set(name, known);
    const file = new RecordFile(known.path, VERSIONS[known.kind], this.#durability);
    this.#open.set(name, file);
    return file;
  }

  #setAside(known: KnownFile, cause: unknown): void {
    this.forget(known);
    const aside = setAside(known.path);
    this.#logger.error(
      { file: aside, cause: messageOf(cause) },
      `${known.kind} of day ${known.day} cannot be read and were set aside`,
    );
  }

  /** Deletes batches of a file, or the file when none is left. */
  async removeBatches(known: KnownFile, ids: readonly number[]): Promise<void> {
    const file = this.open(known);
    if (file === undefined) return;
    if (ids.length >= file.size) {
      await this.remove(known);
      return;
    }
    try {
      file.remove(ids);
    } catch (error) {
      if (!isDamaged(error)) throw error;
      this.#setAside(known, error);
    }
    this.changed(known);
  }

  /** Reads the list of a file's batches again. */
  changed(known: KnownFile): void {
    this.#entries.delete(path.basename(known.path));
  }

  /** How often another file took the place of this one: its batches then have other parts. */
  renewals({ path: file }: KnownFile): number {
    return this.#renewals.get(file) ?? 0;
  }

  /** An empty file, which `renew` puts in the place of this one, or `drop` removes. Throws the disk's error. */
  beginRenewal({ kind, path: file }: KnownFile): RecordFile {
    for (const suffix of SUFFIXES) rmSync(`${file}.new${suffix}`, { force: true });
    return new RecordFile(`${file}.new`, VERSIONS[kind], this.#durability);
  }

  renew(known: KnownFile, by: RecordFile): void {
    const name = path.basename(known.path);
    by.close();
    this.#open.get(name)?.close();
    this.#open.delete(name);
    this.#entries.delete(name);
    this.#renewals.set(known.path, this.renewals(known) + 1);
    for (const suffix of ['-wal', '-shm']) rmSync(known.path + suffix, { force: true });
    renameSync(by.path, known.path);
  }

  drop(renewal: RecordFile): void {
    renewal.close();
    for (const suffix of SUFFIXES) rmSync(renewal.path + suffix, { force: true });
  }

  forget(known: KnownFile): void {
    const name = path.basename(known.path);
    this.#open.get(name)?.close();
    this.#open.delete(name);
    this.#entries.delete(name);
    this.#known.delete(name);
  }

  async remove(known: KnownFile): Promise<void> {
    this.forget(known);
    for (const suffix of SUFFIXES) await rm(known.path + suffix, { force: true });
  }

  close(): void {
    for (const file of this.#open.values()) file.close();
    this.#open.clear();
  }
}
