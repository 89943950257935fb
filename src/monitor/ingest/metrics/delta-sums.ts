/**
 * Adds delta points to cumulative totals. The totals are stored here and bounded: series without a point for the longest
 * idle time are dropped. When there are none, new series are refused and counted.
 */
import type { ExponentialValue } from './metric-points.ts';
import { addExponential } from './native-histograms.ts';
import { MAX_KEY_CHARACTERS } from './series-cache.ts';
import type { TimeRefusal } from '../checks/time-rules.ts';

export interface DeltaTotal {
  startMs: number;
  timeMs: number;
  sum: number;
  count: number;
  /** Of an explicit histogram; restarted when the bounds change. */
  counts: number[];
  exponential: ExponentialValue | undefined;
}

const IDLE_MS = 15 * 60_000;

export class DeltaSums {
  readonly #totals = new Map<string, DeltaTotal>();
  readonly #maxSeries: number;
  #characters = 0;
  /** No sweep before this time, so that a full table is not searched for every point. */
  #nextSweepMs = 0;

  constructor(maxSeries: number) {
    this.#maxSeries = maxSeries;
  }

  /** The total of a series at the time of a new point; or the reason why the point is refused. */
  at(seriesKey: string, startMs: number, timeMs: number, nowMs: number): DeltaTotal | TimeRefusal {
    const known = this.#totals.get(seriesKey);
    if (known) {
      if (timeMs === known.timeMs) return { reason: 'duplicate', message: 'a delta of this time was already counted' };
      if (timeMs < known.timeMs) return { reason: 'out_of_order', message: 'a delta older than the last one' };
      known.timeMs = timeMs;
      return known;
    }
    if (!this.#hasRoom() && !this.#sweep(nowMs)) {
      return { reason: 'series_limit', message: `more than ${this.#maxSeries} series of delta temporality` };
    }
    const fresh: DeltaTotal = { startMs, timeMs, sum: 0, count: 0, counts: [], exponential: undefined };
    this.#totals.set(seriesKey, fresh);
    this.#characters += seriesKey.length;
    return fresh;
  }

  #sweep(nowMs: number): boolean {
    if (nowMs < this.#nextSweepMs) return false;
    for (const [key, total] of this.#totals) {
      if (total.timeMs >= nowMs - IDLE_MS) continue;
      this.#totals.delete(key);
      this.#characters -= key.length;
    }
    this.#nextSweepMs = nowMs + 10_000;
    return this.#hasRoom();
  }

  #hasRoom(): boolean {
    return this.#totals.size < this.#maxSeries && this.#characters < MAX_KEY_CHARACTERS;
  }
}

export function isRefusal(value: DeltaTotal | TimeRefusal): value is TimeRefusal {
  return 'reason' in value;
}

/** Adds a delta; false when the two have no schema in common. */
export function addDelta(total: DeltaTotal, value: ExponentialValue): boolean {
  const sum = total.exponential === undefined ? value : addExponential(total.exponential, value);
  if (sum === undefined) return false;
  total.exponential = sum;
  return true;
}
