/**
 * Exemplars in memory: the last few of each series, for a bounded number of series. After a restart they are restored while
 * their write-ahead row is kept, about an hour. They are links to traces, which are not kept for longer either.
 */
import { isBlankId } from '../codec/blank-traces.ts';
import type { Exemplar, ExemplarSeries } from '../../../model/series.ts';
import type { Labels } from '../../../model/labels.ts';

const PER_SERIES_MAX = 16;
const SERIES_MAX = 20_000;
const LABEL_CHARS_MAX = 512;

export class MemoryExemplars {
  readonly #bySeries = new Map<string, { readonly labels: Labels; readonly exemplars: Exemplar[] }>();

  get size(): number {
    return this.#bySeries.size;
  }

  /** Keeps the exemplar unless it repeats or predates the series' last one, or its labels are too long; true when kept. */
  add(labels: Labels, exemplar: Exemplar): boolean {
    let chars = 0;
    for (const part of exemplar.labels.pairs) chars += part.length;
    if (chars > LABEL_CHARS_MAX || !Number.isFinite(exemplar.timestampMs)) return false;
    // Its trace was deleted.
    if (isBlankId(exemplar.labels.get('trace_id'))) return false;
    let entry = this.#bySeries.get(labels.key);
    if (entry === undefined) {
      entry = { labels, exemplars: [] };
    } else if (exemplar.timestampMs <= (entry.exemplars.at(-1)?.timestampMs ?? -Infinity)) {
      return false;
    }
    entry.exemplars.push(exemplar);
    if (entry.exemplars.length > PER_SERIES_MAX) entry.exemplars.shift();
    // Moves the series to the end, so that the first entry is the one without a new exemplar for longest.
    this.#bySeries.delete(labels.key);
    this.#bySeries.set(labels.key, entry);
    if (this.#bySeries.size > SERIES_MAX) this.#bySeries.delete(this.#bySeries.keys().next().value as string);
    return true;
  }

  /** Removes the links to these traces. */
  dropTraces(traceIds: ReadonlySet<string>): void {
    for (const [key, { labels, exemplars }] of this.#bySeries) {
      const left = exemplars.filter((exemplar) => !traceIds.has(exemplar.labels.get('trace_id')));
      if (left.length === 0) this.#bySeries.delete(key);
      else if (left.length < exemplars.length) this.#bySeries.set(key, { labels, exemplars: left });
    }
  }

  /** Exemplars of the accepted series in mint…maxt, series by labels. */
  find(accepts: (labels: Labels) => boolean, mintMs: number, maxtMs: number): ExemplarSeries[] {
    const found: ExemplarSeries[] = [];
    for (const { labels, exemplars } of this.#bySeries.values()) {
      if (!accepts(labels)) continue;
      const inside = exemplars.filter(({ timestampMs }) => timestampMs >= mintMs && timestampMs <= maxtMs);
      if (inside.length > 0) found.push({ labels, exemplars: inside });
    }
    return found;
  }
}
