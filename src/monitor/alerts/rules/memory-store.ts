/**
 * Samples in memory, source and sink in one, for rule tests (and, by `test/support`, for tests of the engine): no sample is
 * too old, and every sample is visible at once.
 */
import type { AppendResult, SampleBatch, SampleSink, SampleSource } from '../../../model/ports.ts';
import { LabelAnswers } from '../../../model/label-answers.ts';
import type { Matcher } from '../../../model/labels.ts';
import { Labels } from '../../../model/labels.ts';
import type { Histogram } from '../../../model/histogram.ts';
import type { Samples, Series } from '../../../model/series.ts';
import { compileMatcher } from '../../promql/syntax/matchers.ts';

/** Further samples are refused and counted. */
const MAX_SAMPLES = 10_000_000;

interface Column {
  readonly labels: Labels;
  readonly t: number[];
  readonly v: number[];
  readonly stale: number[];
  /** When present, each list has the length of `t`; it is created with the first sample that has such a value. */
  h: (Histogram | undefined)[] | undefined;
  st: number[] | undefined;
}

function push(column: Column, t: number, v: number, stale: number, h: Histogram | undefined, st: number): void {
  const at = column.t.push(t) - 1;
  column.v.push(v);
  column.stale.push(stale);
  if (h !== undefined) column.h ??= Array.from({ length: at });
  column.h?.push(h);
  if (st !== 0) column.st ??= Array.from({ length: at }, () => 0);
  column.st?.push(st);
}

/** The samples from `mintMs` to `maxtMs`, both included; columns without a value are left out. */
function between({ t, v, stale, h, st }: Column, mintMs: number, maxtMs: number): Samples | undefined {
  const from = t.findIndex((time) => time >= mintMs);
  const last = t.findLastIndex((time) => time <= maxtMs);
  if (from < 0 || last < from) return undefined;
  const marks = Uint8Array.from(stale.slice(from, last + 1));
  return {
    t: Float64Array.from(t.slice(from, last + 1)),
    v: Float64Array.from(v.slice(from, last + 1)),
    stale: marks.includes(1) ? marks : undefined,
    h: h?.slice(from, last + 1),
    st: st === undefined ? undefined : Float64Array.from(st.slice(from, last + 1)),
  };
}

export class MemoryStore extends LabelAnswers implements SampleSource, SampleSink {
  readonly generation = 0;
  readonly #columns: Column[] = [];
  readonly #refs = new Map<string, number>();
  #count = 0;

  /** Samples it holds. */
  get count(): number {
    return this.#count;
  }

  resolve(labels: Labels): number {
    const known = this.#refs.get(labels.key);
    if (known !== undefined) return known;
    this.#columns.push({ labels, t: [], v: [], stale: [], h: undefined, st: undefined });
    this.#refs.set(labels.key, this.#columns.length);
    return this.#columns.length;
  }

  append({ count, refs, t, v, stale, h, st }: SampleBatch): Promise<AppendResult> {
    let accepted = 0;
    for (let i = 0; i < count; i += 1) {
      const column = this.#columns[refs[i] - 1];
      if (this.#count >= MAX_SAMPLES || t[i] <= (column.t.at(-1) ?? -Infinity)) continue;
      push(column, t[i], v[i], stale?.[i] ?? 0, h?.[i], st?.[i] ?? 0);
      this.#count += 1;
      accepted += 1;
    }
    const refused = count - accepted;
    const message = 'samples not after the last one of their series, or too many';
    return Promise.resolve({
      accepted,
      rejected: refused === 0 ? [] : [{ reason: 'out_of_order', count: refused, message }],
    });
  }

  #matching(matchers: readonly Matcher[]): Column[] {
    const tests = matchers.map((matcher) => ({ name: matcher.name, test: compileMatcher(matcher) }));
    return this.#columns.filter(({ labels }) => tests.every(({ name, test }) => test(labels.get(name))));
  }

  select(matchers: readonly Matcher[], mintMs: number, maxtMs: number): readonly Series[] {
    return this.#matching(matchers)
      .flatMap((column) => {
        const samples = between(column, mintMs, maxtMs);
        return samples === undefined ? [] : [{ labels: column.labels, samples }];
      })
      .sort((a, b) => Labels.compare(a.labels, b.labels));
  }
}
