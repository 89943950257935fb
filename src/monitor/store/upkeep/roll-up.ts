/**
 * Old days in five-minute steps. A roll-up is a choice of real samples, never an average: each keeps its own time and value,
 * so PromQL needs no second kind of series. Of each step a counter keeps its last sample and the two around every reset
 * (so no reset is lost, and increase and rate over ranges of several steps change only by extrapolation); any other series
 * its least, its greatest and its last (over whole steps, min_over_time, max_over_time and last_over_time do not change;
 * avg_over_time becomes rough). Stale markers stay.
 */
import { renameSync } from 'node:fs';
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Clock } from '../../../base/clock.ts';
import { Columns } from '../codec/columns.ts';
import { DayFile, pendingChunk } from '../disk/day-file.ts';
import type { PendingChunk } from '../disk/day-file.ts';
import type { DayFiles, KnownDay } from '../disk/day-files.ts';

const ROLL_UP_STEP_MS = 300_000;
const SLICE_MS = 10;
const SLICE_CHUNKS = 2_000;
/** Longest chunk of a roll-up; a day of steps has 288 × 3 samples. */
const CHUNK_SAMPLES_MAX = 1_024;

/** Whether values only rise except for resets: by declared type, else by the name's ending. */
export function isCounterName(name: string, type: string | undefined): boolean {
  if (type === 'gauge' || type === 'gaugehistogram') return false;
  return type === 'counter' || /_(?:total|count|sum|bucket)$/.test(name);
}

function markStep(columns: Columns, keep: Uint8Array, from: number, to: number, counter: boolean): void {
  const { v } = columns;
  keep[to - 1] = 1;
  if (counter) return;
  let [least, greatest] = [-1, -1];
  for (let i = from; i < to; i += 1) {
    if (Number.isNaN(v[i])) continue;
    if (least < 0 || v[i] < v[least]) least = i;
    if (greatest < 0 || v[i] > v[greatest]) greatest = i;
  }
  if (least < 0) return;
  keep[least] = 1;
  keep[greatest] = 1;
}

/** The samples that stay, as columns of their own. */
export function rollUpSamples(columns: Columns, counter: boolean): Columns {
  const { t, v, count } = columns;
  const keep = new Uint8Array(count);
  for (const at of columns.staleAt) keep[at] = 1;
  for (let from = 0; from < count;) {
    const step = Math.floor(t[from] / ROLL_UP_STEP_MS);
    let to = from + 1;
    while (to < count && Math.floor(t[to] / ROLL_UP_STEP_MS) === step) to += 1;
    markStep(columns, keep, from, to, counter);
    from = to;
  }
  for (let i = counter ? 1 : count; i < count; i += 1) {
    if (v[i] < v[i - 1]) keep[i - 1] = keep[i] = 1;
  }
  const stale = new Set(columns.staleAt);
  const histograms = new Map(columns.hAt.map((at, i) => [at, columns.h[i]]));
  const out = new Columns(64);
  for (let i = 0; i < count; i += 1) {
    if (keep[i] === 1) out.push(t[i], v[i], stale.has(i), columns.startOf(i), histograms.get(i));
  }
  return out;
}

export interface RollUpParts {
  readonly days: DayFiles;
  readonly clock: Clock;
  readonly typeOf: (metric: string) => string | undefined;
  readonly signal: AbortSignal;
}

/**
 * Replaces a day by its roll-up, a slice at a time. False when it was stopped or the day was written to meanwhile; the day
 * is then unchanged.
 */
export async function rollUpDay(known: KnownDay, { days, clock, typeOf, signal }: RollUpParts): Promise<boolean> {
  const target = known.path.replace(/\.db$/, '.tmp');
  const source = new DayFile(known.path, known.day);
  const rolled = new DayFile(target, known.day);
  const lastChunk = source.lastChunk;
  try {
    let pending: PendingChunk[] = [];
    let sliceEnds = clock.monotonic() + SLICE_MS;
    for (const id of source.index.ids()) {
      const labels = source.index.labelsOf(id);
      if (labels === undefined) continue;
      const columns = new Columns(0);
      source.read(labels.key, -Infinity, Infinity, columns);
      if (columns.count === 0) continue;
      const kept = rollUpSamples(columns, isCounterName(labels.name, typeOf(familyOf(labels.name, typeOf))));
      for (let from = 0; from < kept.count; from += CHUNK_SAMPLES_MAX) {
        pending.push(pendingChunk(labels, kept.part(from, Math.min(kept.count, from + CHUNK_SAMPLES_MAX))));
      }
      if (clock.monotonic() < sliceEnds && pending.length < SLICE_CHUNKS) continue;
      rolled.add(pending);
      pending = [];
      await nextTurn();
      if (signal.aborted) return false;
      sliceEnds = clock.monotonic() + SLICE_MS;
    }
    rolled.add(pending);
    rolled.markRolledUp();
    if (source.lastChunk !== lastChunk) return false;
  } finally {
    rolled.close();
    source.close();
  }
  days.closeDay(known.day);
  renameSync(target, known.path);
  return true;
}

/** `x_bucket` → `x` when metadata describes `x`. */
function familyOf(name: string, typeOf: RollUpParts['typeOf']): string {
  return typeOf(name) === undefined ? name.replace(/_(?:bucket|count|sum|total)$/, '') : name;
}
