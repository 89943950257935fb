/** The memory store of rule tests, filled by tests of the engine: samples in any order, and a count of its selects. */
import type { Histogram } from '../../../src/model/histogram.ts';
import type { Labels, Matcher } from '../../../src/model/labels.ts';
import type { Series } from '../../../src/model/series.ts';
import { MemoryStore } from '../../../src/monitor/alerts/rules/memory-store.ts';

export interface Sample {
  readonly t: number;
  readonly v?: number | undefined;
  readonly h?: Histogram | undefined;
  readonly stale?: boolean | undefined;
  readonly st?: number | undefined;
}

export class MemorySource extends MemoryStore {
  /** How often `select` was called. */
  selects = 0;

  /** Of samples at one time the last one counts. Throws for times that are not after those of an earlier call. */
  add(labels: Labels, samples: readonly Sample[]): void {
    const sorted = [...new Map(samples.map((sample) => [sample.t, sample])).values()].sort((a, b) => a.t - b.t);
    const ref = this.resolve(labels);
    const before = this.count;
    void this.append({
      count: sorted.length,
      refs: new Uint32Array(sorted.length).fill(ref),
      t: Float64Array.from(sorted, ({ t }) => t),
      v: Float64Array.from(sorted, ({ v }) => v ?? Number.NaN),
      stale: Uint8Array.from(sorted, ({ stale }) => Number(stale === true)),
      h: sorted.map(({ h }) => h),
      st: Float64Array.from(sorted, ({ st }) => st ?? 0),
    });
    if (this.count - before !== sorted.length) throw new Error(`samples out of order: ${labels.key}`);
  }

  override select(matchers: readonly Matcher[], mintMs: number, maxtMs: number): readonly Series[] {
    this.selects += 1;
    return super.select(matchers, mintMs, maxtMs);
  }
}
