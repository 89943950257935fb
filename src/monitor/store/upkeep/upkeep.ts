/**
 * The store's periodic work: flush cycles keep the head at its size and the write-ahead rows few, retention keeps the
 * directory within its age and size, and the size is measured. One cycle and one retention pass run at a time, both in steps
 * of some milliseconds.
 */
import path from 'node:path';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { every } from '../../../base/clock.ts';
import { isDiskTrouble } from '../disk/database.ts';
import { databaseBytes } from '../disk/day-files.ts';
import { FlushCycle } from './flush-cycle.ts';
import type { FlushMode } from './flush-cycle.ts';
import { Growth } from './growth.ts';
import { JOURNAL_FILE } from '../disk/journal.ts';
import { PAGE_BYTES } from '../head/page-arena.ts';
import { applyRetention } from './retention.ts';
import { WINDOW_MS } from './options.ts';
import type { StoreParts } from './options.ts';
import type { WriteGate } from '../disk/write-gate.ts';

const UPKEEP_MS = 5_000;
const CYCLE_EVERY_MS = 3_600_000;
const RETENTION_EVERY_MS = 60_000;
/**
 * A cycle starts when the head has this many pages per series, which gives chunks of a good length. It does not start below
 * the lower share of headBytes, because many short cycles cost more than memory that is free anyway. It starts at the upper
 * share in any case.
 */
const CYCLE_PAGES = 8;
const CYCLE_SHARE = { min: 1 / 3, max: 0.85 };
/** A cycle also starts at this many bytes of write-ahead rows. */
const WAL_BYTES_MAX = 96 * 1024 * 1024;

export interface UpkeepParts extends StoreParts {
  readonly gate: WriteGate;
  readonly commit: () => void;
}

export class StoreUpkeep {
  readonly #parts: UpkeepParts;
  readonly #growth = new Growth();
  readonly #closing = new AbortController();
  readonly #stop: () => void;
  readonly #rolledUp = new Set<string>();
  #generation = 0;
  #sizeBytes = 0;
  #timeToFullSeconds: number | undefined;
  #cycle: FlushCycle | undefined;
  #flushing: Promise<void> | undefined;
  #retaining: Promise<void> | undefined;
  #lastCycleMs: number;
  #lastRetentionMs = -Infinity;

  constructor(parts: UpkeepParts) {
    this.#parts = parts;
    const { clock } = parts.options;
    this.#lastCycleMs = clock.monotonic();
    const onError = (error: unknown): void => this.#trouble('upkeep', error);
    this.#stop = every(clock, UPKEEP_MS, () => this.#tick(), onError);
    this.#measure();
  }

  /** Increases when series have left the head. */
  get generation(): number {
    return this.#generation;
  }

  /** Bytes on disk at the last measurement, at most some seconds ago. */
  get sizeBytes(): number {
    return this.#sizeBytes;
  }

  /** At the last measurement. */
  get timeToFullSeconds(): number | undefined {
    return this.#timeToFullSeconds;
  }

  /** Keeps the head near its size: starts a cycle in the background, and does a step at once when appends outrun it. */
  relieve(): void {
    const { headBytes } = this.#parts.options;
    const size = this.#parts.head.sizeBytes;
    if (size > this.#cycleBytes && this.#flushing === undefined && this.#parts.gate.open) {
      void this.#flush(this.#squeezed() ? 'squeeze' : 'pressure');
    }
    if (size > headBytes) this.#stepNow();
  }

  async flushAll(): Promise<void> {
    await this.#flushing;
    await this.#flush('all');
  }

  async retain(): Promise<void> {
    await this.#retaining;
    this.#retaining = this.#retain().finally(() => (this.#retaining = undefined));
    await this.#retaining;
  }

  /** Runs `work` while no day is being rolled up or deleted. */
  async withoutRetention(work: () => Promise<void>): Promise<void> {
    await this.#retaining;
    const done = work();
    // The caller gets the error; the next pass only waits for the end.
    this.#retaining = done.catch(() => {}).finally(() => (this.#retaining = undefined));
    await done;
  }

  async close(): Promise<void> {
    this.#closing.abort();
    this.#stop();
    await this.#flushing;
    await this.#retaining;
  }

  /** Whether series hold so few samples each that full chunks would free little. */
  #squeezed(): boolean {
    const { head, options } = this.#parts;
    return options.headBytes < head.table.size * PAGE_BYTES * CYCLE_PAGES;
  }

  /** Size of the head at which a cycle starts. */
  get #cycleBytes(): number {
    const { head, options } = this.#parts;
    const { min, max } = CYCLE_SHARE;
    const wanted = head.table.size * PAGE_BYTES * CYCLE_PAGES;
    return Math.min(options.headBytes * max, Math.max(options.headBytes * min, wanted));
  }

  #stepNow(): void {
    try {
      this.#cycle?.step();
    } catch (error) {
      this.#trouble('a flush', error);
      this.#cycle = undefined;
    }
  }

  #flush(mode: FlushMode): Promise<void> {
    this.#flushing ??= this.#runCycle(mode)
      .catch((error: unknown) => this.#trouble('a flush', error))
      .finally(() => {
        this.#cycle = undefined;
        this.#flushing = undefined;
      });
    return this.#flushing;
  }

  async #runCycle(mode: FlushMode): Promise<void> {
    const { head, journal, options } = this.#parts;
    const now = options.clock.now();
    this.#lastCycleMs = options.clock.monotonic();
    const idleBeforeMs = options.testMode ? -Infinity : now - WINDOW_MS;
    const cycle = new FlushCycle(this.#parts, { mode, keepFromMs: now - WINDOW_MS, idleBeforeMs });
    this.#cycle = cycle;
    while (cycle.step()) {
      await nextTurn();
      // The store is closing, or another step of the cycle failed.
      if (this.#closing.signal.aborted || this.#cycle !== cycle) return;
    }
    this.#cycle = undefined;
    await cycle.sync();
    if (this.#closing.signal.aborted) return;
    const gone = cycle.end();
    if (gone.size > 0) {
      head.drop(gone);
      this.#generation += 1;
    }
    while (!this.#closing.signal.aborted && journal.deleteSlice()) await nextTurn();
  }

  async #tick(): Promise<void> {
    const { gate, journal, options } = this.#parts;
    gate.check();
    this.#measure();
    if (!gate.open) return;
    const now = options.clock.monotonic();
    const long = journal.walBytes > WAL_BYTES_MAX;
    if (long || now - this.#lastCycleMs >= CYCLE_EVERY_MS) await this.#flush(long ? 'pressure' : 'window');
    const due = now - this.#lastRetentionMs >= RETENTION_EVERY_MS;
    if (due && !options.testMode && this.#retaining === undefined) await this.retain();
  }

  async #retain(): Promise<void> {
    const { days, metadata, options } = this.#parts;
    const { clock, logger } = options;
    this.#lastRetentionMs = clock.monotonic();
    try {
      const typeOf = (name: string): string | undefined => metadata.typeOf(name);
      const { signal } = this.#closing;
      const otherBytes = (): number => this.#journalBytes();
      const parts = { days, clock, logger, typeOf, signal, otherBytes, limits: options, rolledUp: this.#rolledUp };
      await applyRetention(parts, clock.now());
    } catch (error) {
      this.#trouble('retention', error);
    } finally {
      this.#measure();
    }
  }

  #journalBytes(): number {
    const { dir, otherBytes } = this.#parts.options;
    return databaseBytes(path.join(dir, JOURNAL_FILE)) + (otherBytes?.() ?? 0);
  }

  #measure(): void {
    const dayBytes = this.#parts.days.sizeBytes;
    this.#sizeBytes = dayBytes + this.#journalBytes();
    const { gate, options } = this.#parts;
    // Excludes head.db, which grows and shrinks with every flush cycle.
    this.#growth.note(options.clock.monotonic(), dayBytes);
    const room = Math.min(options.maxSizeBytes - this.#sizeBytes, gate.freeBytes() - options.minFreeBytes);
    this.#timeToFullSeconds = this.#growth.secondsUntil(room);
  }

  #trouble(what: string, error: unknown): void {
    const { gate, options } = this.#parts;
    if (isDiskTrouble(error)) gate.shut(error);
    else options.logger.error({ error }, `${what} of the store failed`);
  }
}
