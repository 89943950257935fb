/** Sinks that keep what they get in memory, as readable text where that helps, and refuse on demand. */
import type { AppendResult, LogSink, SampleBatch, SampleSink, SpanSink } from '../../../src/model/ports.ts';
import type { Histogram } from '../../../src/model/histogram.ts';
import type { Labels } from '../../../src/model/labels.ts';
import type { LogRecord, SpanRecord } from '../../../src/model/records.ts';
import type { Exemplar, MetricMetadata } from '../../../src/model/series.ts';

export interface MemorySample {
  readonly t: number;
  readonly v: number;
  readonly stale: boolean;
  readonly st: number;
  readonly h: Histogram | undefined;
}

/** `name{a="b"}` as Prometheus prints it. */
export function seriesText(labels: Labels): string {
  const pairs = [...labels]
    .filter(([name]) => name !== '__name__')
    .map(([name, value]) => `${name}=${JSON.stringify(value)}`);
  return pairs.length === 0 ? labels.name : `${labels.name}{${pairs.join(',')}}`;
}

export class MemorySampleSink implements SampleSink {
  readonly #byKey = new Map<string, number>();
  readonly labels: Labels[] = [];
  readonly samples: MemorySample[][] = [];
  readonly exemplars: { series: string; exemplar: Exemplar }[] = [];
  readonly metadata: MetricMetadata[] = [];
  generation = 0;
  resolved = 0;
  /** Set to make the next appends answer this, or throw it. */
  verdict: AppendResult | Error | undefined;

  resolve(labels: Labels): number {
    this.resolved += 1;
    let ref = this.#byKey.get(labels.key);
    if (ref === undefined) {
      ref = this.labels.push(labels);
      this.samples.push([]);
      this.#byKey.set(labels.key, ref);
    }
    return ref;
  }

  append(batch: SampleBatch): Promise<AppendResult> {
    if (this.verdict instanceof Error) return Promise.reject(this.verdict);
    if (this.verdict !== undefined) return Promise.resolve(this.verdict);
    for (let i = 0; i < batch.count; i += 1) {
      const series = this.samples[batch.refs[i] - 1];
      if (series === undefined) throw new Error(`unknown reference ${batch.refs[i]}`);
      const [t, v, st] = [batch.t[i], batch.v[i], batch.st?.[i] ?? 0];
      series.push({ t, v, stale: batch.stale?.[i] === 1, st, h: batch.h?.[i] });
    }
    for (const { ref, exemplar } of batch.exemplars ?? []) {
      this.exemplars.push({ series: seriesText(this.labels[ref - 1]), exemplar });
    }
    this.metadata.push(...(batch.metadata ?? []));
    return Promise.resolve({ accepted: batch.count, rejected: [] });
  }

  /** Last value of each series by its text. */
  last(): Record<string, number> {
    return Object.fromEntries(
      this.labels.flatMap((labels, i) => {
        const sample = this.samples[i].at(-1);
        return sample === undefined ? [] : [[seriesText(labels), sample.v]];
      }),
    );
  }

  of(series: string): MemorySample[] {
    const at = this.labels.findIndex((labels) => seriesText(labels) === series);
    return at < 0 ? [] : this.samples[at];
  }
}

export class MemorySpanSink implements SpanSink {
  readonly spans: SpanRecord[] = [];
  append(spans: readonly SpanRecord[]): AppendResult {
    this.spans.push(...spans);
    return { accepted: spans.length, rejected: [] };
  }
}

export class MemoryLogSink implements LogSink {
  readonly records: LogRecord[] = [];
  append(records: readonly LogRecord[]): AppendResult {
    this.records.push(...records);
    return { accepted: records.length, rejected: [] };
  }
}

export interface MemorySinks {
  readonly samples: MemorySampleSink;
  readonly spans: MemorySpanSink;
  readonly logs: MemoryLogSink;
}

export function memorySinks(): MemorySinks {
  return { samples: new MemorySampleSink(), spans: new MemorySpanSink(), logs: new MemoryLogSink() };
}
