/**
 * Observable instruments from a table of names, read together: one snapshot serves all of them, taken at most once a second.
 * At each collection the SDK hashes the attributes of every value and merges the value with its predecessor. For some hundred
 * values a second that was most of the work of an idle process, so where our SDK runs a table bypasses it, as cells do.
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

/** The values of a table, which are not read again within a second. */
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
    // A collection owns the points it was given, so they are replaced and not changed.
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
 * Registers all metrics of `table`. `read` is called for a collection, but not again within a second: readers that collect at
 * the same moment see the same numbers. Values that are not finite are ignored, and so are points of a metric beyond the SDK's
 * limit of attribute sets. One reading must not hold equal attributes twice. Returns a function that removes the metrics.
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

/** Shares of the growth since the last call, by key; the first call returns an empty list. */
export function createShares(): (totals: Readonly<Record<string, number>>, whole: number) => [string, number][] {
  let before: Readonly<Record<string, number>> | undefined;
  return (totals, whole) => {
    const last = before;
    before = { ...totals };
    if (last === undefined || !(whole > 0)) return [];
    return Object.entries(totals).map(([key, total]) => [key, Math.max(0, total - (last[key] ?? 0)) / whole]);
  };
}
