/**
 * Reduces old days to five-minute steps. A roll-up is a selection of real samples, never an average: each sample keeps its
 * time and value, so PromQL needs no second kind of series. In each step a series keeps its first and last sample. A counter
 * also keeps the two samples around every reset, and a NaN with its neighbours; any other series keeps its smallest and
 * largest sample. Stale markers stay. So minimum, maximum and last value over whole steps do not change, no reset is lost,
 * and increase and rate over ranges of several steps change only by extrapolation. Functions that need every sample (count,
 * sum, quantile …) are refused by the engine, which is told where roll-ups end (docs/adr/0023-honest-roll-ups.md).
 */
import { renameSync } from 'node:fs';
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Clock } from '../../../base/clock.ts';
import { bucketsOf, type Histogram } from '../../../model/histogram.ts';
import { ROLL_UP_STEP_MS } from '../../../model/series.ts';
import { Columns } from '../codec/columns.ts';
import { DamagedChunk, DayFile, pendingChunk } from '../disk/day-file.ts';
import type { PendingChunk } from '../disk/day-file.ts';
import type { DayFiles, KnownDay } from '../disk/day-files.ts';

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
  keep[from] = 1;
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

/** Keeps both samples around each place where the later one does not continue the earlier. */
function markBreaks(
  columns: Columns,
  keep: Uint8Array,
  live: readonly number[],
  histograms: ReadonlyMap<number, Histogram>,
  counter: boolean,
): void {
  const { v } = columns;
  for (let i = 1; i < live.length; i += 1) {
    const [before, at] = [live[i - 1], live[i]];
    const [earlier, later] = [histograms.get(before), histograms.get(at)];
    let broken = columns.startOf(at) !== columns.startOf(before);
    if (earlier === undefined && later === undefined) broken ||= counter && !(v[at] >= v[before]);
    else broken ||= earlier === undefined || later === undefined || histogramFell(earlier, later);
    if (broken) keep[before] = keep[at] = 1;
  }
}

/** Whether `later` cannot continue `earlier`: another layout, or a count or bucket that fell. Gauges have no resets. */
function histogramFell(earlier: Histogram, later: Histogram): boolean {
  if (later.resetHint === 'gauge') return earlier.resetHint !== 'gauge';
  if (later.resetHint === 'reset' || later.count < earlier.count || later.zeroCount < earlier.zeroCount) return true;
  if (later.schema !== earlier.schema || later.zeroThreshold !== earlier.zeroThreshold) return true;
  if (String(later.customValues) !== String(earlier.customValues)) return true;
  return (
    bucketFell(earlier.positiveSpans, earlier.positiveBuckets, later.positiveSpans, later.positiveBuckets) ||
    bucketFell(earlier.negativeSpans, earlier.negativeBuckets, later.negativeSpans, later.negativeBuckets)
  );
}

type Spans = Histogram['positiveSpans'];

function bucketFell(
  spans: Spans,
  counts: readonly number[],
  laterSpans: Spans,
  laterCounts: readonly number[],
): boolean {
  const later = new Map(bucketsOf(laterSpans, laterCounts));
  for (const [index, count] of bucketsOf(spans, counts)) if ((later.get(index) ?? 0) < count) return true;
  return false;
}

/** The samples that stay, as columns of their own. */
export function rollUpSamples(columns: Columns, counter: boolean): Columns {
  const { t, v, count } = columns;
  const keep = new Uint8Array(count);
  const stale = new Set(columns.staleAt);
  for (const at of columns.staleAt) keep[at] = 1;
  // A range skips stale markers: the first and last of a step are chosen among the other samples.
  const live: number[] = [];
  for (let i = 0; i < count; i += 1) if (!stale.has(i)) live.push(i);
  for (let from = 0; from < live.length;) {
    const step = Math.floor(t[live[from]] / ROLL_UP_STEP_MS);
    let to = from + 1;
    while (to < live.length && Math.floor(t[live[to]] / ROLL_UP_STEP_MS) === step) to += 1;
    markStep(columns, keep, live[from], live[to - 1] + 1, counter);
    from = to;
  }
  const histograms = new Map(columns.hAt.map((at, i) => [at, columns.h[i]]));
  markBreaks(columns, keep, live, histograms, counter);
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
      const columns = readAll(source, labels.key);
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

/** All samples of a series except those of damaged chunks, each of which is found once. */
function readAll(source: DayFile, key: string): Columns {
  for (;;) {
    const columns = new Columns(0);
    try {
      source.read(key, -Infinity, Infinity, columns);
      return columns;
    } catch (error) {
      if (!(error instanceof DamagedChunk)) throw error;
    }
  }
}

/** `x_bucket` → `x` when metadata describes `x`. */
function familyOf(name: string, typeOf: RollUpParts['typeOf']): string {
  return typeOf(name) === undefined ? name.replace(/_(?:bucket|count|sum|total)$/, '') : name;
}
