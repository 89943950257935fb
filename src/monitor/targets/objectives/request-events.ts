/**
 * Counts requests for the objectives over the ledger as they come: each row once, after the moment in which the application's
 * span completes it. The counts only rise, so they are a Prometheus counter.
 */
import type { RequestRow } from '../../../model/request-row.ts';
import { compileFilter, type BatchTest } from '../../search/evaluate.ts';
import { batchOfRows, recordTime } from '../../store/recent/record-rows.ts';
import { eventFilters } from './event-filter.ts';
import type { ObjectiveConfig } from './schema.ts';

export interface EventCounts {
  readonly good: number;
  readonly total: number;
}

interface Tally {
  readonly name: string;
  readonly key: string;
  readonly counted: BatchTest;
  readonly good: BatchTest;
  readonly counts: { good: number; total: number };
}

interface Waiting {
  readonly row: RequestRow;
  readonly atMs: number;
}

/**
 * Balancer and application send each second. Waiting longer would be more exact for the route of a request, and would delay
 * each alert by as much; the balancer knows the application's routes after two seconds of traffic.
 */
const SETTLE_MS = 1_000;
/** Rows that wait; above it the oldest are counted at once. */
const MAX_WAITING = 50_000;

export class RequestEvents {
  readonly #maxWaiting: number;
  #tallies: readonly Tally[] = [];
  #waiting: Waiting[] = [];

  constructor(maxWaiting = MAX_WAITING) {
    this.#maxWaiting = maxWaiting;
  }

  /** Objectives with the same name and filters keep their counts. */
  replace(objectives: readonly ObjectiveConfig[]): void {
    const before = new Map(this.#tallies.map((tally) => [tally.key, tally.counts]));
    this.#tallies = eventFilters(objectives).map(({ name, key, total, good }) => ({
      name,
      key,
      counted: compileFilter(total),
      good,
      counts: before.get(key) ?? { good: 0, total: 0 },
    }));
    if (this.#tallies.length === 0) this.#waiting = [];
  }

  /** Rows as they came; the objects are completed by the application's span. */
  take(rows: readonly RequestRow[], nowMs: number): void {
    if (this.#tallies.length === 0) return;
    for (const row of rows) this.#waiting.push({ row, atMs: nowMs });
    const over = this.#waiting.length - this.#maxWaiting;
    if (over > 0) this.#count(this.#waiting.splice(0, over));
  }

  /** Counts the rows that nothing can change any more. */
  tick(nowMs: number): void {
    const open = this.#waiting.findIndex(({ atMs }) => nowMs - atMs < SETTLE_MS);
    this.#count(this.#waiting.splice(0, open < 0 ? this.#waiting.length : open));
  }

  #count(settled: readonly Waiting[]): void {
    for (const [service, ofService] of Map.groupBy(settled, ({ row }) => row.service)) {
      const placed = ofService.map(({ row }) => ({
        position: { timeUnixNano: recordTime('requests', row), sequence: 0 },
        record: row,
      }));
      const batch = batchOfRows('requests', service, placed);
      for (const { counted, good, counts } of this.#tallies) {
        const isCounted = counted(batch);
        const isGood = good(batch);
        for (let row = 0; row < batch.count; row += 1) {
          if (!isCounted(row)) continue;
          counts.total += 1;
          if (isGood(row)) counts.good += 1;
        }
      }
    }
  }

  /** By name of the objective. */
  *counts(): Generator<readonly [name: string, counts: EventCounts]> {
    for (const { name, counts } of this.#tallies) yield [name, counts];
  }
}
