/**
 * One pass over the live series that moves old samples from memory into chunks of the day files, so that the head keeps
 * its size and the write-ahead rows can go. It works in steps of some milliseconds, between which ingest and queries run.
 *
 * A kill at any point is harmless: chunks are committed before their pages are freed, and tails count only when the cycle
 * is ended in one transaction. Samples that a broken cycle wrote twice are read once, because reading keeps times strictly
 * rising.
 */
import type { Clock } from '../../../base/clock.ts';
import type { Labels } from '../../../model/labels.ts';
import { ByteReader, ByteWriter } from '../codec/bytes.ts';
import { decodeChunk, encodeChunk } from '../codec/chunk-codec.ts';
import { Columns } from '../codec/columns.ts';
import { dayOf, pendingChunk } from '../disk/day-file.ts';
import type { DayFile, PendingChunk } from '../disk/day-file.ts';
import type { DayFiles } from '../disk/day-files.ts';
import type { Head } from '../head/head.ts';
import type { Journal } from '../disk/journal.ts';
import { PAGE_SAMPLES } from '../head/page-arena.ts';

/**
 * Which samples are moved:
 * - `window`: those older than the window that stays decoded;
 * - `pressure`: three quarters;
 * - `squeeze`: all full pages;
 * - `all`: everything.
 */
export type FlushMode = 'window' | 'pressure' | 'squeeze' | 'all';

export interface FlushPlan {
  readonly mode: FlushMode;
  /** From this time on, samples stay decoded in mode `window`. */
  readonly keepFromMs: number;
  /** Series without a sample since then leave the head; -Infinity keeps them. */
  readonly idleBeforeMs: number;
}

/** 128 samples: in shorter chunks the header and index entry take too large a share. */
const CHUNK_PAGES_MIN = 4;
const CHUNK_SAMPLES_MAX = 22 * PAGE_SAMPLES;
const STEP_MS = 5;
const STEP_CHUNKS = 1_000;

export interface FlushParts {
  readonly head: Head;
  readonly journal: Journal;
  readonly days: DayFiles;
  readonly options: { readonly clock: Clock };
  /** Writes the appends of this turn to disk. */
  readonly commit: () => void;
}

export class FlushCycle {
  readonly #parts: FlushParts;
  readonly #plan: FlushPlan;
  readonly #cycle: number;
  readonly #covered: number;
  readonly #slots: number;
  readonly #writer = new ByteWriter(64 * 1024);
  readonly #columns = new Columns(1024);
  /** Days that chunks were added to. */
  readonly #written = new Set<DayFile>();
  #next = 1;

  constructor(parts: FlushParts, plan: FlushPlan) {
    this.#parts = parts;
    this.#plan = plan;
    parts.commit();
    this.#covered = parts.journal.lastId;
    this.#cycle = parts.journal.beginCycle();
    this.#slots = parts.head.table.slots;
  }

  /** Does some milliseconds of work; true while there is more. Throws the disk's error; the cycle is then abandoned. */
  step(): boolean {
    this.#parts.commit();
    const from = this.#next;
    const { clock } = this.#parts.options;
    const deadline = clock.monotonic() + STEP_MS;
    const chunks = new Map<string, PendingChunk[]>();
    const freed: { slot: number; pages: number }[] = [];
    for (let made = 0; this.#next < this.#slots && made < STEP_CHUNKS; this.#next += 1) {
      const pages = this.#pagesToFlush(this.#next);
      if (pages > 0) {
        made += this.#collect(chunks, this.#next, pages);
        freed.push({ slot: this.#next, pages });
      }
      if (clock.monotonic() >= deadline && this.#next > from) {
        this.#next += 1;
        break;
      }
    }
    for (const ofDay of chunks.values()) {
      const file = this.#parts.days.forWriting(ofDay[0].startMs);
      file.add(ofDay);
      this.#written.add(file);
    }
    for (const { slot, pages } of freed) this.#parts.head.releasePages(slot, pages);
    this.#writeTails(from, this.#next);
    return this.#next < this.#slots;
  }

  /** Chunks must be on the disk before the rows that they replace can be deleted. */
  async sync(): Promise<void> {
    for (const file of this.#written) await file.sync();
  }

  /** Ends the cycle, after `sync`. Returns the slots of series to drop from the head: idle and wholly in chunks. */
  end(): Set<number> {
    const { head, journal } = this.#parts;
    this.#parts.commit();
    const gone = new Set<number>();
    const refs: number[] = [];
    for (let slot = 1; slot < this.#slots; slot += 1) {
      if (!this.#isIdle(slot) || head.pages(slot) > 0) continue;
      const ref = head.table.refOf(slot);
      if (head.table.slotOf(ref) === 0) continue;
      gone.add(slot);
      refs.push(ref);
    }
    journal.endCycle(this.#cycle, this.#covered, refs);
    return gone;
  }

  #isIdle(slot: number): boolean {
    const { head } = this.#parts;
    return Math.max(head.lastT(slot), head.born(slot)) < this.#plan.idleBeforeMs;
  }

  #pagesToFlush(slot: number): number {
    const { head } = this.#parts;
    const { mode } = this.#plan;
    if (mode === 'all' || this.#isIdle(slot)) return head.pages(slot);
    const full = head.fullPages(slot, mode === 'window' ? this.#plan.keepFromMs : Infinity);
    if (mode === 'squeeze') return full;
    if (full < CHUNK_PAGES_MIN) return 0;
    return mode === 'window' ? full : Math.max(CHUNK_PAGES_MIN, full - (full >>> 2));
  }

  /** Cuts the first pages of a series into chunks, at midnight and at the longest chunk. Returns how many. */
  #collect(chunks: Map<string, PendingChunk[]>, slot: number, pages: number): number {
    const columns = this.#columns;
    columns.clear();
    this.#parts.head.copyPages(columns, slot, pages);
    const labels = this.#parts.head.table.postings.labelsOf(slot) as Labels;
    let made = 0;
    for (let from = 0; from < columns.count; made += 1) {
      const day = dayOf(columns.t[from]);
      let to = Math.min(columns.count, from + CHUNK_SAMPLES_MAX);
      if (dayOf(columns.t[to - 1]) !== day) {
        to = from + 1;
        while (dayOf(columns.t[to]) === day) to += 1;
      }
      const ofDay = chunks.get(day) ?? [];
      if (ofDay.length === 0) chunks.set(day, ofDay);
      const part = from === 0 && to === columns.count ? columns : columns.part(from, to);
      ofDay.push(pendingChunk(labels, part));
      from = to;
    }
    return made;
  }

  #writeTails(from: number, to: number): void {
    const { head, journal } = this.#parts;
    const writer = this.#writer;
    const chunk = new ByteWriter(1024);
    writer.truncate();
    for (let slot = from; slot < to; slot += 1) {
      if (head.lastT(slot) === -Infinity) continue;
      const columns = this.#columns;
      columns.clear();
      head.copyInto(columns, slot, -Infinity, Infinity);
      chunk.truncate();
      if (columns.count > 0) encodeChunk(chunk, columns);
      writer.u32(head.table.refOf(slot));
      writer.f64(head.lastT(slot));
      writer.f64(head.lastV(slot));
      writer.varint(chunk.length);
      writer.bytes(chunk.view());
    }
    if (writer.length > 0) journal.addTail(this.#cycle, writer.view());
  }
}

/**
 * Puts the series of a tail row back into the head, without samples after `maxMs`; returns the number of samples left out.
 * Throws RangeError when the row is damaged.
 */
export function restoreTail(head: Head, row: Uint8Array, maxMs: number): number {
  let leftOut = 0;
  const reader = new ByteReader(row);
  const columns = new Columns(1024);
  while (!reader.done) {
    const ref = reader.u32();
    const [lastT, lastV] = [reader.f64(), reader.f64()];
    const chunk = reader.bytes(reader.varint());
    const slot = head.table.slotOf(ref);
    if (slot === 0) continue;
    if (chunk.length === 0) {
      if (lastT <= maxMs) head.resume(slot, lastT, lastV);
      continue;
    }
    columns.clear();
    decodeChunk(chunk, columns);
    const samples = columns.toSamples(-Infinity, Infinity);
    if (samples === undefined) continue;
    leftOut += head.replay({ ...samples, count: columns.count, refs: new Uint32Array(columns.count).fill(ref) }, maxMs);
  }
  return leftOut;
}
