/**
 * Counts requests for the objectives over the ledger after the fact: any range, equal to counting the rows. Whole hours that
 * can hardly change are counted once and remembered, so the figure of a month is asked often and costs an hour of rows. A row
 * that comes later than that, and a deletion, make the hour be counted again.
 */
import type { Clock } from '../../../base/clock.ts';
import { VitrineError } from '../../../base/errors.ts';
import type { RecordSource } from '../../../model/record-source.ts';
import type { RequestRow } from '../../../model/request-row.ts';
import { rowMs } from '../../search/counts.ts';
import { scanMatches } from '../../search/scan.ts';
import type { EventFilter } from './event-filter.ts';
import type { EventCounts } from './request-events.ts';

const HOUR_MS = 3_600_000;
/** Rows come when their request ends, and the application's span some seconds later. */
const SETTLED_MS = 900_000;
/** A day at a time: what a scan has counted is remembered, whatever ends the next one. */
const PART_HOURS = 24;
const LIMITS = { timeMs: 120_000, bytes: Number.MAX_SAFE_INTEGER };
/** Filters of no objective whose hours are remembered: somebody tries them. */
const MAX_TRIED = 8;

interface Hour {
  good: number;
  total: number;
}

export interface PastEventsOptions {
  readonly source: RecordSource;
  readonly clock: Clock;
}

export class PastEvents {
  readonly #options: PastEventsOptions;
  /** Key of the filters → hour since 1970 → its counts. Bounded by the objectives, those tried, and the hours of the longest window. */
  readonly #known = new Map<string, Map<number, Hour>>();
  /** Keys of the objectives. */
  #kept: ReadonlySet<string> = new Set();
  /** One scan at a time, so that many readers of an answer cost as much as one. */
  #last: Promise<unknown> = Promise.resolve();
  #forgotten = 0;

  constructor(options: PastEventsOptions) {
    this.#options = options;
  }

  /** Counts of [fromMs, toMs). Throws VitrineError `query_failed` when the rows cannot be read in time. */
  counts(filter: EventFilter, fromMs: number, toMs: number): Promise<EventCounts> {
    const done = this.#last.then(() => this.#count(filter, fromMs, toMs));
    this.#last = done.catch(() => undefined);
    return done;
  }

  /** Rows that came just now: one of an hour that was counted already makes it be counted again. */
  came(rows: readonly RequestRow[]): void {
    if (this.#known.size === 0) return;
    const oldMs = this.#options.clock.now() - SETTLED_MS;
    for (const { startUnixNano } of rows) {
      const ms = Number(startUnixNano / 1_000_000n);
      if (ms >= oldMs) continue;
      this.#forgotten += 1;
      for (const hours of this.#known.values()) hours.delete(Math.floor(ms / HOUR_MS));
    }
  }

  /** Rows were deleted: everything is counted again. */
  forget(): void {
    this.#known.clear();
    this.#forgotten += 1;
  }

  /** Keeps the counts of these filters only, and of no hour before `fromMs`. */
  keep(filters: readonly EventFilter[], fromMs: number): void {
    this.#kept = new Set(filters.map(({ key }) => key));
    const first = Math.floor(fromMs / HOUR_MS);
    for (const [key, hours] of this.#known) {
      if (!this.#kept.has(key)) this.#known.delete(key);
      else for (const hour of hours.keys()) if (hour < first) hours.delete(hour);
    }
  }

  async #count(filter: EventFilter, fromMs: number, toMs: number): Promise<EventCounts> {
    const { clock } = this.#options;
    const settled = Math.floor((clock.now() - SETTLED_MS) / HOUR_MS);
    const firstWhole = Math.ceil(fromMs / HOUR_MS);
    const endWhole = Math.max(firstWhole, Math.min(Math.floor(toMs / HOUR_MS), settled));
    const sum: Hour = { good: 0, total: 0 };
    const add = ({ good, total }: EventCounts): void => {
      sum.good += good;
      sum.total += total;
    };
    for (let begin = firstWhole; begin < endWhole; begin += PART_HOURS) {
      for (const hour of await this.#hours(filter, begin, Math.min(begin + PART_HOURS, endWhole))) add(hour);
    }
    // The range may lie within one hour.
    const beforeMs = Math.min(firstWhole * HOUR_MS, toMs);
    for (const hour of (await this.#scan(filter, fromMs, beforeMs)).values()) add(hour);
    for (const hour of (await this.#scan(filter, Math.max(beforeMs, endWhole * HOUR_MS), toMs)).values()) add(hour);
    return sum;
  }

  #hoursOf(key: string): Map<number, Hour> {
    const known = this.#known.get(key) ?? new Map<number, Hour>();
    if (!this.#kept.has(key)) {
      // Maps keep the order of insertion: those tried last come last.
      this.#known.delete(key);
      const tried = [...this.#known.keys()].filter((one) => !this.#kept.has(one));
      for (const one of tried.slice(0, Math.max(0, tried.length - MAX_TRIED + 1))) this.#known.delete(one);
    }
    this.#known.set(key, known);
    return known;
  }

  /** Filters whose hours are remembered. */
  get remembered(): number {
    return this.#known.size;
  }

  /** Counts of whole hours, remembered or read. */
  async #hours(filter: EventFilter, begin: number, end: number): Promise<EventCounts[]> {
    const known = this.#hoursOf(filter.key);
    const all = Array.from({ length: end - begin }, (_, at) => begin + at);
    const missing = all.filter((hour) => !known.has(hour));
    if (missing.length === 0) return all.map((hour) => known.get(hour) ?? { good: 0, total: 0 });
    const before = this.#forgotten;
    const first = missing[0];
    const last = missing[missing.length - 1];
    const read = await this.#scan(filter, first * HOUR_MS, (last + 1) * HOUR_MS);
    const counts = all.map((hour) => (hour < first || hour > last ? known : read).get(hour) ?? { good: 0, total: 0 });
    // A row that came during the scan may or may not be in it.
    if (before === this.#forgotten) all.forEach((hour, at) => known.set(hour, counts[at]));
    return counts;
  }

  async #scan(filter: EventFilter, fromMs: number, toMs: number): Promise<Map<number, Hour>> {
    const counts = new Map<number, Hour>();
    if (fromMs >= toMs) return counts;
    const { source, clock } = this.#options;
    const request = { signal: 'requests', filter: filter.total, fromMs, toMs, limits: LIMITS } as const;
    const { complete } = await scanMatches(source, request, clock, (batch, rows) => {
      if (rows.length === 0) return;
      const isGood = filter.good(batch);
      for (const row of rows) {
        const hour = Math.floor(rowMs(batch, row) / HOUR_MS);
        let tally = counts.get(hour);
        if (tally === undefined) counts.set(hour, (tally = { good: 0, total: 0 }));
        tally.total += 1;
        if (isGood(row)) tally.good += 1;
      }
    });
    if (!complete)
      throw new VitrineError('query_failed', `The requests of "${filter.name}" cannot be counted in time.`);
    return counts;
  }
}
