/**
 * Reads the head and the day files together. A series is read without a pause (chunks up to the head's first sample, then
 * the head), so a sample that moves from one to the other is neither missed nor read twice. Between two series the reader
 * gives the event loop back every few milliseconds.
 */
import { Turns, type Clock } from '../../base/clock.ts';
import { rareLines, type Logger, type RareLine } from '../../base/logger.ts';
import { Labels } from '../../model/labels.ts';
import { VitrineError } from '../../base/errors.ts';
import type { SelectPace, WorkMeter } from '../../model/ports.ts';
import type { Matcher } from '../../model/labels.ts';
import type { Samples, Series } from '../../model/series.ts';
import { Columns } from './codec/columns.ts';
import { isDamaged, messageOf } from './disk/database.ts';
import { DamagedChunk, type DayFile } from './disk/day-file.ts';
import type { DayFiles } from './disk/day-files.ts';
import type { Head } from './head/head.ts';
import { Selector } from './head/postings.ts';
import type { CompileMatcher } from './head/postings.ts';
import { sortInTurns } from './head/sort-in-turns.ts';

const TURN_MS = 8;

/** Patterns of label queries run on this thread, so the cost of each compilation and match is limited. */
const LABEL_QUERY_METER: WorkMeter = {
  compiling: (size) => assertCheap(size, MAX_COMPILED),
  matching: (steps) => assertCheap(steps, MAX_STEPS),
};
/** Instructions, and instructions times the length of a value: about 20 ms each. */
const [MAX_COMPILED, MAX_STEPS] = [1_024, 100_000];

function assertCheap(cost: number, limit: number): void {
  if (cost <= limit) return;
  throw new VitrineError('query_failed', 'a regular expression is too expensive for a question about labels');
}

const byLabels = (a: Labels, b: Labels): number => Labels.compare(a, b);

type Selectors = readonly (readonly Matcher[])[];

export class SampleReader {
  readonly #head: Head;
  readonly #days: DayFiles;
  readonly #compile: CompileMatcher;
  readonly #turns: Turns;
  readonly #rareLine: RareLine;
  readonly #columns = new Columns(4096);

  constructor(parts: { head: Head; days: DayFiles; compileMatcher: CompileMatcher; clock: Clock; logger: Logger }) {
    this.#head = parts.head;
    this.#days = parts.days;
    this.#compile = parts.compileMatcher;
    this.#turns = new Turns(parts.clock, TURN_MS);
    this.#rareLine = rareLines(parts.logger, parts.clock);
  }

  async select(
    matchers: readonly Matcher[],
    mintMs: number,
    maxtMs: number,
    pace?: SelectPace,
  ): Promise<readonly Series[]> {
    const out: Series[] = [];
    const floats = new FloatSlab(pace);
    const found = await this.#matching([matchers], mintMs, maxtMs, pace);
    for (const labels of await sortInTurns(found, byLabels, () => this.#rest(pace))) {
      const rest = this.#rest(pace);
      if (rest !== undefined) await rest;
      const samples = this.#read(labels, mintMs, maxtMs, floats);
      if (samples === undefined) continue;
      pace?.take(samples.t.length);
      out.push({ labels, samples });
    }
    return out;
  }

  /** Label sets with samples in the range, sorted, at most `limit`. No selector means all series. */
  async series(selectors: Selectors, mintMs: number, maxtMs: number, limit: number): Promise<readonly Labels[]> {
    const found = await this.#matching(selectors, mintMs, maxtMs);
    const sorted = await sortInTurns(found, byLabels, () => this.#rest());
    return this.#withSamples(sorted, mintMs, maxtMs, limit);
  }

  /** The time of the newest sample in the range that comes from a roll-up, -Infinity when none does. */
  coarseUntilMs(mintMs: number, maxtMs: number): number {
    let until = -Infinity;
    for (const file of this.#days.overlapping(mintMs, maxtMs)) {
      if (this.#guard(file, () => file.rolledUp) === true) until = Math.max(until, file.lastMs);
    }
    return until;
  }

  /** A promise to await when the thread must be given back; undefined when the reader may continue. */
  #rest(pace?: SelectPace): Promise<void> | undefined {
    if (pace !== undefined) return pace.due ? pace.pause() : undefined;
    return this.#turns.due ? this.#turns.next() : undefined;
  }

  /** Those of the label sets that have samples in the range, at most `limit`. */
  async #withSamples(found: readonly Labels[], mintMs: number, maxtMs: number, limit: number): Promise<Labels[]> {
    const out: Labels[] = [];
    for (const labels of found) {
      if (out.length >= limit) break;
      if (this.#has(labels.key, mintMs, maxtMs)) out.push(labels);
      await this.#rest();
    }
    return out;
  }

  async labelNames(selectors: Selectors, mintMs: number, maxtMs: number): Promise<readonly string[]> {
    const names = new Set<string>();
    const found = await this.#matching(selectors, mintMs, maxtMs);
    for (const labels of await this.#withSamples(found, mintMs, maxtMs, Infinity)) {
      for (let i = 0; i < labels.pairs.length; i += 2) names.add(labels.pairs[i]);
    }
    return [...names].sort();
  }

  async labelValues(name: string, selectors: Selectors, mintMs: number, maxtMs: number): Promise<readonly string[]> {
    const values = new Set<string>();
    // A value that was found once needs no second read of its samples.
    for (const labels of await this.#matching(selectors, mintMs, maxtMs)) {
      const value = labels.get(name);
      if (value !== '' && !values.has(value) && this.#has(labels.key, mintMs, maxtMs)) values.add(value);
      await this.#rest();
    }
    return [...values].sort();
  }

  /** A test of label sets: true when any of the selectors accepts them. */
  accepts(selectors: Selectors): (labels: Labels) => boolean {
    const made = selectors.map((matchers) => new Selector(matchers, this.#compile));
    return (labels) => made.some((selector) => selector.accepts(labels));
  }

  /** Label sets of head and day files that match, each once, in no order. */
  async #matching(selectors: Selectors, mintMs: number, maxtMs: number, pace?: SelectPace): Promise<Labels[]> {
    const found = new Map<string, Labels>();
    const rest = (): Promise<void> | undefined => this.#rest(pace);
    for (const matchers of selectors.length === 0 ? [[]] : selectors) {
      const selector = new Selector(matchers, this.#compile, pace ?? LABEL_QUERY_METER);
      const { postings } = this.#head.table;
      for (const slot of await postings.match(selector, rest)) {
        const labels = postings.labelsOf(slot);
        if (labels !== undefined) found.set(labels.key, labels);
      }
      for (const { index } of this.#days.overlapping(mintMs, maxtMs)) {
        for (const id of await index.match(selector, rest)) {
          const labels = index.labelsOf(id);
          if (labels !== undefined && !found.has(labels.key)) found.set(labels.key, labels);
        }
        await rest();
      }
    }
    return [...found.values()];
  }

  #read(labels: Labels, mintMs: number, maxtMs: number, floats: FloatSlab): Samples | undefined {
    for (;;) {
      try {
        return this.#readOnce(labels, mintMs, maxtMs, floats);
      } catch (error) {
        // Each damaged chunk is found once: a gap is better than a wrong sample.
        if (!(error instanceof DamagedChunk)) throw error;
        this.#rareLine('error', error.message, { cause: messageOf(error.cause) }, `${error.message} and is left out`);
      }
    }
  }

  #readOnce(labels: Labels, mintMs: number, maxtMs: number, floats: FloatSlab): Samples | undefined {
    const columns = this.#columns;
    columns.clear();
    const slot = this.#head.table.slotOfKey(labels.key);
    const headFirst = slot === 0 ? Infinity : this.#head.firstT(slot);
    if (headFirst > mintMs) {
      const to = Math.min(maxtMs, headFirst - 1);
      for (const file of this.#days.overlapping(mintMs, to)) {
        const done = this.#guard(file, () => {
          file.read(labels.key, mintMs, to, columns);
          return true;
        });
        // Half a chunk may have been read: better a gap than a wrong sample.
        if (done === undefined) columns.clear();
      }
    }
    const { t, v } = columns;
    const begun = columns.count > 0;
    // Samples of the head alone are copied once, to where they stay.
    const expect = (samples: number): void => {
      if (!begun) [columns.t, columns.v] = floats.room(samples);
    };
    if (slot !== 0 && headFirst <= maxtMs) this.#head.copyInto(columns, slot, mintMs, maxtMs, expect);
    const samples = columns.toSamples(mintMs, maxtMs);
    const inPlace = floats.holds(columns.t);
    [columns.t, columns.v] = [t, v];
    return samples === undefined || inPlace ? samples : { ...samples, ...floats.copyOf(samples) };
  }

  #has(key: string, mintMs: number, maxtMs: number): boolean {
    const slot = this.#head.table.slotOfKey(key);
    if (slot !== 0 && this.#head.firstT(slot) <= maxtMs && this.#head.lastT(slot) >= mintMs) return true;
    for (const file of this.#days.overlapping(mintMs, maxtMs)) {
      if (this.#guard(file, () => file.has(key, mintMs, maxtMs)) === true) return true;
    }
    return false;
  }

  /** A damaged day must not make the other days unreadable. */
  #guard<T>(file: DayFile, work: () => T): T | undefined {
    try {
      return work();
    } catch (error) {
      if (!isDamaged(error) || error instanceof DamagedChunk) throw error;
      this.#days.setAside(file, error);
      return undefined;
    }
  }
}

/** The largest piece of memory, in numbers; smaller ones are for queries of few samples. */
const SLAB = 131_072;
/** A piece is sent to the query thread as one message, whose labels are copied. */
const SLAB_SERIES = 500;

/**
 * Memory for the samples of one query: many small arrays of their own cost more than what is copied into them. Times and
 * values of a series lie in one piece, and the series of a piece come one after another.
 */
class FloatSlab {
  readonly #pace: SelectPace | undefined;
  #piece = new Float64Array(0);
  #used = 0;
  #series = 0;
  #next = 256;

  constructor(pace: SelectPace | undefined) {
    this.#pace = pace;
  }

  /** Whether an array lies in the newest piece. */
  holds(floats: Float64Array): boolean {
    return floats.buffer === this.#piece.buffer;
  }

  /** Room for the times and the values of one series. */
  room(samples: number): [t: Float64Array, v: Float64Array] {
    if (this.#used + 2 * samples > this.#piece.length || this.#series === SLAB_SERIES) {
      this.#piece = new Float64Array(Math.max(2 * samples, this.#next));
      this.#pace?.owns?.(this.#piece.buffer);
      this.#used = 0;
      this.#series = 0;
      this.#next = Math.min(SLAB, 2 * this.#next);
    }
    const middle = this.#used + samples;
    const t = this.#piece.subarray(this.#used, middle);
    this.#used = middle + samples;
    this.#series += 1;
    return [t, this.#piece.subarray(middle, this.#used)];
  }

  copyOf(samples: Samples): { t: Float64Array; v: Float64Array } {
    const [t, v] = this.room(samples.t.length);
    t.set(samples.t);
    v.set(samples.v);
    return { t, v };
  }
}
