/**
 * Observable instruments from a table of names, read together: one snapshot feeds all of them, at most once a second.
 * The API hashes the attributes of every value of every collection and merges it with the one before, which for some
 * hundred values a second is most of what an idle process does: where the SDK is ours, a table goes past it, as cells do.
 */
import type { Attributes } from '@opentelemetry/api';
import { metrics } from '@opentelemetry/api';
import { millisToHrTime } from '@opentelemetry/core';
import type { Clock } from '../../base/clock.ts';
import type { TableMetric } from './cells.ts';
import { CELLS_LIMIT, currentCells } from './cells.ts';
import type { MetricName } from '../names.ts';
import { observeMetrics } from './meters.ts';

const MIN_AGE_MS = 900;
const NO_ATTRIBUTES: Attributes = {};

export type Observe<K extends string> = (key: K, value: number, attributes?: Attributes) => void;

/** A table that is not read again within a second. */
class Snapshot<K extends string> {
  readonly #clock: Clock;
  readonly #read: (observe: Observe<K>, elapsedSeconds: number) => void;
  readonly #rows: ReadonlyMap<K, { readonly metric: MetricName; points: { value: number; attributes: Attributes }[] }>;
  #readAt: number | undefined;

  constructor(
    table: Readonly<Record<K, MetricName>>,
    clock: Clock,
    read: (observe: Observe<K>, elapsedSeconds: number) => void,
  ) {
    this.#clock = clock;
    this.#read = read;
    this.#rows = new Map((Object.keys(table) as K[]).map((key) => [key, { metric: table[key], points: [] }]));
  }

  rows(): ReadonlyMap<K, TableMetric> {
    const now = this.#clock.monotonic();
    const age = this.#readAt === undefined ? undefined : now - this.#readAt;
    if (age !== undefined && age < MIN_AGE_MS) return this.#rows;
    // What was given out is not written to again: a collection owns its data.
    for (const row of this.#rows.values()) row.points = [];
    this.#read(
      (key, value, attributes = NO_ATTRIBUTES) => {
        const points = this.#rows.get(key)?.points;
        if (points !== undefined && Number.isFinite(value) && points.length < CELLS_LIMIT)
          points.push({ value, attributes });
      },
      (age ?? 0) / 1e3,
    );
    this.#readAt = now;
    return this.#rows;
  }
}

/**
 * Registers all of `table`. `read` is called for a collection, but not again within a second: readers that collect at the
 * same moment see the same numbers. Values that are not finite are left out, and of one metric what is above the SDK's
 * limit of attribute sets. Equal attributes must not come twice in one reading. Returns what takes the metrics away again.
 */
export function observeTable<K extends string>(
  scope: string,
  table: Readonly<Record<K, MetricName>>,
  clock: Clock,
  read: (observe: Observe<K>, elapsedSeconds: number) => void,
): () => void {
  const snapshot = new Snapshot(table, clock, read);
  const cells = currentCells();
  if (cells !== undefined) {
    const own = { scope, startTime: millisToHrTime(clock.now()), read: () => [...snapshot.rows().values()] };
    cells.tables.add(own);
    return () => void cells.tables.delete(own);
  }
  return observeMetrics(metrics.getMeter(scope), table, (observe) => {
    for (const [key, { points }] of snapshot.rows())
      for (const { value, attributes } of points) observe(key, value, attributes);
  });
}

/** Shares of the growth since the last call, by key; nothing on the first. */
export function createShares(): (totals: Readonly<Record<string, number>>, whole: number) => [string, number][] {
  let before: Readonly<Record<string, number>> | undefined;
  return (totals, whole) => {
    const last = before;
    before = { ...totals };
    if (last === undefined || !(whole > 0)) return [];
    return Object.entries(totals).map(([key, total]) => [key, Math.max(0, total - (last[key] ?? 0)) / whole]);
  };
}
