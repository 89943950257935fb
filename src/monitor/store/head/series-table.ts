/**
 * The live series: labels ↔ reference, index by label pairs, and the limits on their number (per metric and in all).
 * A reference is a slot (low 20 bits) and the slot's epoch (high 12 bits), so a released reference is recognised for
 * 4,095 reuses of its slot; slot 0 is never used, so no reference is 0.
 * Over a limit a new series becomes its metric's overflow series, as OpenTelemetry's SDKs do
 * (opentelemetry.io/docs/specs/otel/metrics/sdk, "Cardinality limits"), and one warning names the label with most values.
 */
import type { Logger } from '../../../base/logger.ts';
import { Labels, METRIC_NAME } from '../../../model/labels.ts';
import { Postings } from './postings.ts';

export const SLOT_BITS = 20;
export const SLOT_MASK = (1 << SLOT_BITS) - 1;
export const OVERFLOW_LABEL = 'otel_metric_overflow';
/** The common overflow series of metrics for which there is no room for an overflow series of their own. */
const OVERFLOW_OF_ALL = Labels.from({ [METRIC_NAME]: 'vitrine_store_overflow', [OVERFLOW_LABEL]: 'true' });
const WARNED_MAX = 100;
const FREE = -1;
const EPOCH_MASK = 0xfff;

export interface SeriesLimits {
  readonly maxSeries: number;
  readonly maxSeriesPerMetric: number;
}

export interface NewSeries {
  readonly ref: number;
  readonly labels: Labels;
}

export class SeriesTable {
  readonly postings = new Postings();
  readonly #limits: SeriesLimits;
  readonly #logger: Logger;
  readonly #byKey = new Map<string, number>();
  readonly #perMetric = new Map<string, number>();
  /** Epoch of each slot; of a free one -1 - (the epoch it will have). */
  readonly #epochs: number[] = [FREE];
  readonly #freeSlots: number[] = [];
  readonly #overflowSlots = new Set<number>();
  readonly #warned = new Set<string>();
  #unsaved: NewSeries[] = [];
  #overflowed = 0;

  constructor(limits: SeriesLimits, logger: Logger) {
    this.#limits = limits;
    this.#logger = logger;
  }

  get size(): number {
    return this.postings.size;
  }

  /** Number of times that a new series was replaced by an overflow series. */
  get overflowed(): number {
    return this.#overflowed;
  }

  /** One more than the highest slot in use so far. */
  get slots(): number {
    return this.#epochs.length;
  }

  /** Series that are not on disk yet; they are written before their first sample. */
  get unsaved(): readonly NewSeries[] {
    return this.#unsaved;
  }

  saved(): void {
    this.#unsaved = [];
  }

  /** Slot of a valid reference, 0 otherwise. */
  slotOf(ref: number): number {
    const slot = ref & SLOT_MASK;
    return slot < this.#epochs.length && this.#epochs[slot] === ref >>> SLOT_BITS ? slot : 0;
  }

  refOf(slot: number): number {
    return ((this.#epochs[slot] << SLOT_BITS) | slot) >>> 0;
  }

  isOverflow(slot: number): boolean {
    return this.#overflowSlots.has(slot);
  }

  /** Slot of the series with this key, 0 when it is not live. */
  slotOfKey(key: string): number {
    return this.#byKey.get(key) ?? 0;
  }

  labelsOfKey(key: string): Labels | undefined {
    const slot = this.#byKey.get(key);
    return slot === undefined ? undefined : this.postings.labelsOf(slot);
  }

  resolve(labels: Labels): number {
    const slot = this.#byKey.get(labels.key);
    if (slot !== undefined) return this.refOf(slot);
    const metric = labels.name;
    const perMetric = this.#perMetric.get(metric) ?? 0;
    const metricFull = perMetric >= this.#limits.maxSeriesPerMetric;
    if (metricFull || this.size >= this.#limits.maxSeries) return this.#overflow(metric, metricFull);
    return this.#add(labels);
  }

  /** Adds a series that was read from the disk. When it contradicts an earlier one, in a damaged file, it is skipped. */
  restore(ref: number, labels: Labels): void {
    const slot = ref & SLOT_MASK;
    if (slot === 0 || this.slotOfKey(labels.key) !== 0 || this.postings.labelsOf(slot) !== undefined) return;
    while (this.#epochs.length <= slot) {
      this.#freeSlots.push(this.#epochs.length);
      this.#epochs.push(FREE);
    }
    this.#epochs[slot] = ref >>> SLOT_BITS;
    this.#enter(slot, labels);
  }

  /** Must be called once after the last `restore`: makes the slots between the restored ones available. */
  restored(): void {
    const free = this.#freeSlots.filter((slot) => this.#epochs[slot] < 0);
    this.#freeSlots.length = 0;
    this.#freeSlots.push(...free);
  }

  /** Releases slots and their references. */
  drop(slots: ReadonlySet<number>): void {
    for (const slot of slots) {
      const labels = this.postings.labelsOf(slot) as Labels;
      this.#byKey.delete(labels.key);
      const left = (this.#perMetric.get(labels.name) ?? 1) - 1;
      if (left > 0) this.#perMetric.set(labels.name, left);
      else this.#perMetric.delete(labels.name);
      this.#overflowSlots.delete(slot);
      this.#epochs[slot] = FREE - ((this.#epochs[slot] + 1) & EPOCH_MASK);
      this.#freeSlots.push(slot);
    }
    this.postings.remove(slots);
  }

  #add(labels: Labels): number {
    const slot = this.#freeSlots.pop() ?? this.#epochs.length;
    if (slot === this.#epochs.length) this.#epochs.push(FREE);
    this.#epochs[slot] = FREE - this.#epochs[slot];
    const interned = this.#enter(slot, labels);
    const ref = this.refOf(slot);
    this.#unsaved.push({ ref, labels: interned });
    return ref;
  }

  #enter(slot: number, labels: Labels): Labels {
    const interned = this.postings.add(slot, labels);
    this.#byKey.set(interned.key, slot);
    this.#perMetric.set(interned.name, (this.#perMetric.get(interned.name) ?? 0) + 1);
    if (interned.get(OVERFLOW_LABEL) === 'true') this.#overflowSlots.add(slot);
    return interned;
  }

  #overflow(metric: string, metricFull: boolean): number {
    this.#overflowed += 1;
    this.#warn(metric, metricFull);
    const own = Labels.from({ [METRIC_NAME]: metric, [OVERFLOW_LABEL]: 'true' });
    // Overflow series need room too: a tenth above the limit, then one series for all the rest.
    const room = this.size < this.#limits.maxSeries * 1.1 + 1;
    const labels = room || this.#byKey.has(own.key) ? own : OVERFLOW_OF_ALL;
    const slot = this.#byKey.get(labels.key);
    return slot === undefined ? this.#add(labels) : this.refOf(slot);
  }

  #warn(metric: string, metricFull: boolean): void {
    const about = metricFull ? metric : '';
    if (this.#warned.has(about) || this.#warned.size >= WARNED_MAX) return;
    this.#warned.add(about);
    const { label, values } = metricFull ? this.postings.widestLabel(METRIC_NAME, metric) : this.postings.widestOfAll();
    const limit = metricFull ? this.#limits.maxSeriesPerMetric : this.#limits.maxSeries;
    this.#logger.warn(
      { metric: metric.slice(0, 200), limit, label: label.slice(0, 200), values },
      `${metricFull ? `metric ${metric.slice(0, 200)}` : 'the store'} has reached its limit of ${limit} series; ` +
        `label ${label.slice(0, 200)} has ${values} values; further series are merged into the overflow series`,
    );
  }
}
