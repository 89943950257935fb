/**
 * Results of checks as series in the store: `probe_*` with `job="targets"`, `instance` and `target`. A series that a check no
 * longer has gets a staleness mark, as a scrape would give it.
 */
import { Labels, METRIC_NAME } from '../../../model/labels.ts';
import type { SampleSink } from '../../../model/ports.ts';
import { SampleColumns } from '../../ingest/metrics/sample-columns.ts';
import type { ProbeSeries } from '../check.ts';

export const TARGETS_JOB = 'targets';

export interface SeriesOwner {
  readonly id: string;
  readonly name: string;
  readonly instance: string;
  readonly group: string;
}

export class SampleWriter {
  readonly #sink: SampleSink;
  /** Target → key of a series → its reference, of the last check. */
  readonly #refs = new Map<string, Map<string, number>>();
  #generation = -1;

  constructor(sink: SampleSink) {
    this.#sink = sink;
  }

  /** Resolves when the samples are stored. Rejects with VitrineError `storage_full`. */
  async write(
    all: readonly { readonly owner: SeriesOwner; readonly timeMs: number; readonly series: readonly ProbeSeries[] }[],
  ): Promise<void> {
    if (this.#sink.generation !== this.#generation) {
      this.#refs.clear();
      this.#generation = this.#sink.generation;
    }
    const columns = new SampleColumns();
    for (const { owner, timeMs, series } of all) this.#add(columns, owner, Math.round(timeMs), series);
    if (!columns.isEmpty) await this.#sink.append(columns.batch());
  }

  #add(columns: SampleColumns, owner: SeriesOwner, timeMs: number, series: readonly ProbeSeries[]): void {
    const before = this.#refs.get(owner.id) ?? new Map<string, number>();
    const now = new Map<string, number>();
    for (const { name, labels = {}, value } of series) {
      const key = `${name} ${Object.entries(labels).join(';')}`;
      const ref = before.get(key) ?? this.#sink.resolve(this.#labels(owner, name, labels));
      columns.add(ref, timeMs, value, false, 0);
      now.set(key, ref);
    }
    for (const [key, ref] of before) if (!now.has(key)) columns.add(ref, timeMs, Number.NaN, true, 0);
    this.#refs.set(owner.id, now);
  }

  #labels(owner: SeriesOwner, name: string, labels: Readonly<Record<string, string>>): Labels {
    const group: Record<string, string> = owner.group === '' ? {} : { group: owner.group };
    const own = { job: TARGETS_JOB, instance: owner.instance, target: owner.name };
    return Labels.from({ ...labels, ...group, ...own, [METRIC_NAME]: name });
  }

  /** The series of a target end. */
  async end(owner: SeriesOwner, timeMs: number): Promise<void> {
    await this.write([{ owner, timeMs, series: [] }]);
    this.#refs.delete(owner.id);
  }
}
