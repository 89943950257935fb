/** A store in a directory of its own, a clock that tests move, and batches written shortly. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { Clock } from '../../../src/base/clock.ts';
import type { SampleBatch } from '../../../src/model/ports.ts';
import { Labels } from '../../../src/model/labels.ts';
import type { Matcher } from '../../../src/model/labels.ts';
import type { Series } from '../../../src/model/series.ts';
import type { Histogram } from '../../../src/model/histogram.ts';
import { openSampleStore } from '../../../src/monitor/store/open-sample-store.ts';
import type { SampleStore } from '../../../src/monitor/store/sample-store.ts';
import type { SampleStoreOptions } from '../../../src/monitor/store/upkeep/options.ts';

export const compileMatcher = ({ op, value }: Matcher): ((text: string) => boolean) => {
  const pattern = new RegExp(`^(?:${value})$`, 'su');
  return (text) => pattern.test(text) === (op === '=~');
};

export class ManualClock implements Clock {
  #now: number;
  #timers: { at: number; callback: () => void }[] = [];

  constructor(nowMs: number) {
    this.#now = nowMs;
  }

  now(): number {
    return this.#now;
  }

  monotonic(): number {
    return this.#now;
  }

  after(delayMs: number, callback: () => void): () => void {
    const timer = { at: this.#now + delayMs, callback };
    this.#timers.push(timer);
    return () => {
      this.#timers = this.#timers.filter((other) => other !== timer);
    };
  }

  /** Moves time and runs what is due, in order. */
  move(ms: number): void {
    const until = this.#now + ms;
    for (;;) {
      const [due] = this.#timers.filter(({ at }) => at <= until).sort((a, b) => a.at - b.at);
      if (due === undefined) break;
      this.#timers = this.#timers.filter((other) => other !== due);
      this.#now = Math.max(this.#now, due.at);
      due.callback();
    }
    this.#now = until;
  }
}

export function temporaryDirectory(): string {
  return mkdtempSync(path.join(tmpdir(), 'vitrine-store-'));
}

export const removeDirectory = (dir: string): void => rmSync(dir, { recursive: true, force: true });

export function openTestStore(dir: string, options: Partial<SampleStoreOptions> = {}): SampleStore {
  return openSampleStore({ dir, compileMatcher, testMode: true, minFreeBytes: 0, ...options });
}

export const labelsOf = (name: string, rest: Record<string, string> = {}): Labels =>
  Labels.from({ __name__: name, ...rest });

export interface Point {
  readonly labels: Labels;
  readonly t: number;
  readonly v?: number;
  readonly stale?: boolean;
  readonly st?: number;
  readonly h?: Histogram;
}

export function batchOf(store: SampleStore, points: readonly Point[]): SampleBatch {
  const batch = {
    count: points.length,
    refs: Uint32Array.from(points, ({ labels }) => store.resolve(labels)),
    t: Float64Array.from(points, ({ t }) => t),
    v: Float64Array.from(points, ({ v }) => v ?? NaN),
  };
  return {
    ...batch,
    stale: points.some(({ stale }) => stale) ? Uint8Array.from(points, ({ stale }) => (stale ? 1 : 0)) : undefined,
    st: points.some(({ st }) => st !== undefined) ? Float64Array.from(points, ({ st }) => st ?? 0) : undefined,
    h: points.some(({ h }) => h !== undefined) ? points.map(({ h }) => h) : undefined,
  };
}

export const all = (name: string): Matcher[] => [{ name: '__name__', op: '=', value: name }];

/** `{labels: [t, v, t, v …]}`: short to compare. */
export function plain(series: readonly Series[]): Record<string, number[]> {
  return Object.fromEntries(
    series.map(({ labels, samples }) => [
      JSON.stringify(labels.toJSON()),
      [...samples.t].flatMap((t, i) => [t, samples.v[i]]),
    ]),
  );
}

export const histogramOf = (count: number, sum: number): Histogram => ({
  schema: 3,
  count,
  sum,
  zeroThreshold: 1e-128,
  zeroCount: 1,
  positiveSpans: [{ offset: -2, length: 2 }],
  positiveBuckets: [count - 2, 1],
  negativeSpans: [],
  negativeBuckets: [],
  customValues: [],
  resetHint: 'unknown',
});
