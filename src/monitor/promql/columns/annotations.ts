/**
 * Warnings and infos of a query, with Prometheus' wording (util/annotations). Each message appears once, with its place in
 * the query, as `PromQL warning: … (line:column)`. At most ten of each kind are shown; the others are only counted.
 */
import type { Position } from '../syntax/ast.ts';
import { formatGeneral } from '../../../model/go-float.ts';
import { positionAt } from '../syntax/position.ts';
import { quote } from '../../../model/text/quoting.ts';

const MAX_SHOWN = 10;
/** The most messages of one kind that are counted. A query over many metrics could produce one for each metric. */
const MAX_KEPT = 1_000;
const MONOTONICITY_URL = 'https://prometheus.io/docs/prometheus/latest/querying/functions/#histogram_quantile';

interface Repair {
  minBucket: number;
  maxBucket: number;
  maxDiff: number;
  count: number;
  minTs: number;
  maxTs: number;
}

const forName = (metric: string): string => (metric === '' ? '' : ` for metric name ${quote(metric)}`);

export class Annotations {
  readonly #query: string;
  readonly #warnings = new Set<string>();
  readonly #infos = new Set<string>();
  readonly #repairs = new Map<string, Repair>();
  readonly #nonCounters = new Set<string>();

  constructor(query: string) {
    this.#query = query;
  }

  warn(text: string, pos: Position): void {
    this.#add(this.#warnings, `PromQL warning: ${text} (${positionAt(this.#query, pos.start)})`);
  }

  info(text: string, pos: Position): void {
    this.#add(this.#infos, `PromQL info: ${text} (${positionAt(this.#query, pos.start)})`);
  }

  #add(to: Set<string>, text: string): void {
    if (to.size < MAX_KEPT) to.add(text);
  }

  get warnings(): readonly string[] {
    return shorten([...this.#warnings], 'warning');
  }

  get infos(): readonly string[] {
    const all = [...this.#infos];
    for (const [text, repair] of this.#repairs) {
      const [message, place] = text.split('\u0000');
      const from = new Date(repair.minTs).toISOString().replace('.000Z', 'Z');
      const to = new Date(repair.maxTs).toISOString().replace('.000Z', 'Z');
      all.push(
        `PromQL info: ${message}, from buckets ${formatGeneral(repair.minBucket)} to ${formatGeneral(repair.maxBucket)}, with a max diff of ` +
          `${formatGeneral(Number(repair.maxDiff.toPrecision(2)))}, over ${repair.count} samples from ${from} to ${to} (${place})`,
      );
    }
    return shorten(all, 'info');
  }

  invalidQuantile(q: number, pos: Position): void {
    this.warn(`quantile value should be between 0 and 1, got ${formatGeneral(q)}`, pos);
  }

  invalidRatio(ratio: number, cappedTo: number, pos: Position): void {
    this.warn(
      `ratio value should be between -1 and 1, got ${formatGeneral(ratio)}, capping to ${formatGeneral(cappedTo)}`,
      pos,
    );
  }

  badBucketLabel(metric: string, value: string, pos: Position): void {
    this.warn(`bucket label "le" is missing or has a malformed value of ${quote(value)}${forName(metric)}`, pos);
  }

  mixedFloatsHistograms(metric: string, pos: Position): void {
    this.warn(`encountered a mix of histograms and floats for metric name ${quote(metric)}`, pos);
  }

  mixedInAggregation(pos: Position): void {
    this.warn('encountered a mix of histograms and floats for aggregation', pos);
  }

  mixedClassicNative(metric: string, pos: Position): void {
    this.warn(`vector contains a mix of classic and native histograms${forName(metric)}`, pos);
  }

  notACounter(metric: string, pos: Position): void {
    this.warn(`this native histogram metric is not a counter: ${quote(metric)}`, pos);
  }

  notAGauge(metric: string, pos: Position): void {
    this.warn(`this native histogram metric is not a gauge: ${quote(metric)}`, pos);
  }

  mixedExponentialCustom(metric: string, pos: Position): void {
    this.warn(
      `vector contains a mix of histograms with exponential and custom buckets schemas for metric name ${quote(metric)}`,
      pos,
    );
  }

  incompatibleBucketLayout(op: string, pos: Position): void {
    this.warn(`incompatible bucket layout encountered for binary operator ${op}`, pos);
  }

  counterResetCollision(operation: string, pos: Position): void {
    this.warn(`conflicting counter resets during histogram ${operation}`, pos);
  }

  sortInRange(pos: Position): void {
    this.warn('sort is ineffective for range queries since results are always ordered by labels', pos);
  }

  startTimeOverlap(metric: string, pos: Position): void {
    this.warn(`sample has start time that overlaps with previous sample timestamp for metric ${quote(metric)}`, pos);
  }

  possibleNonCounter(metric: string, pos: Position): void {
    // Once for each series: the text is made for the first only.
    const key = `${pos.start} ${metric}`;
    if (this.#nonCounters.has(key)) return;
    if (this.#nonCounters.size < MAX_KEPT) this.#nonCounters.add(key);
    this.info(`metric might not be a counter, name does not end in _total/_sum/_count/_bucket: ${quote(metric)}`, pos);
  }

  incompatibleTypes(left: string, op: string, right: string, pos: Position): void {
    this.info(`incompatible sample types encountered for binary operator ${quote(op)}: ${left} ${op} ${right}`, pos);
  }

  histogramIgnored(aggregation: string, pos: Position): void {
    this.info(`ignored histogram in ${aggregation} aggregation`, pos);
  }

  histogramsIgnoredInRange(metric: string, pos: Position): void {
    this.info(
      `ignored histograms in a range containing both floats and histograms for metric name ${quote(metric)}`,
      pos,
    );
  }

  mismatchedCustomBuckets(operation: string, pos: Position): void {
    this.info(`mismatched custom buckets were reconciled during ${operation}`, pos);
  }

  nanObservations(result: 'is NaN' | 'is skewed higher', metric: string, pos: Position): void {
    this.info(`input to histogram_quantile has NaN observations, result ${result}${forName(metric)}`, pos);
  }

  nanObservationsInFraction(metric: string, pos: Position): void {
    this.info(
      `input to histogram_fraction has NaN observations, which are excluded from all fractions${forName(metric)}`,
      pos,
    );
  }

  /** All repairs of one metric make one message, which gives their number, their range and the largest difference. */
  forcedMonotonicity(metric: string, pos: Position, tMs: number, from: number, to: number, diff: number): void {
    const text = `input to histogram_quantile needed to be fixed for monotonicity (see ${MONOTONICITY_URL})${forName(metric)}`;
    const key = `${text}\u0000${positionAt(this.#query, pos.start)}`;
    const known = this.#repairs.get(key);
    if (known === undefined) {
      if (this.#repairs.size >= MAX_KEPT) return;
      this.#repairs.set(key, { minBucket: from, maxBucket: to, maxDiff: diff, count: 1, minTs: tMs, maxTs: tMs });
      return;
    }
    known.minBucket = Math.min(known.minBucket, from);
    known.maxBucket = Math.max(known.maxBucket, to);
    known.maxDiff = Math.max(known.maxDiff, diff);
    known.minTs = Math.min(known.minTs, tMs);
    known.maxTs = Math.max(known.maxTs, tMs);
    known.count += 1;
  }
}

function shorten(all: string[], kind: string): string[] {
  if (all.length <= MAX_SHOWN) return all;
  return [...all.slice(0, MAX_SHOWN), `${all.length - MAX_SHOWN} more ${kind} annotations omitted`];
}
