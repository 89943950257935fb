/** The series that are made of spans on their way in, and their writing. */
import { metrics } from '@opentelemetry/api';
import { every, type Clock } from '../../../base/clock.ts';
import type { SampleSink, SpanSink } from '../../../model/ports.ts';
import { SpanMetrics } from '../../../monitor/insight/span-metrics.ts';
import { counterOf } from '../../../telemetry/metrics/meters.ts';
import { METRICS } from '../../../telemetry/names.ts';
import type { Settings } from '../../process/settings-schema.ts';

/** As often as Tempo's generator writes. */
const WRITE_MS = 15_000;

export interface OpenSpanMetrics {
  readonly sink: SpanSink;
  /** Writes the series until the returned function is called. */
  begin(store: SampleSink, onError: (error: unknown) => void): () => void;
}

/** Spans pass through unchanged; when the metrics are switched off, nothing is written. */
export function openSpanMetrics(
  section: Settings['ingest']['span_metrics'],
  clock: Clock,
  sink: SpanSink,
  checkTraces: string,
): OpenSpanMetrics {
  if (!section.enabled) return { sink, begin: () => () => {} };
  const overflow = counterOf(metrics.getMeter('vitrine.insight'), METRICS.spanMetricsOverflow);
  const made = new SpanMetrics({
    sink,
    clock,
    maxCombinations: section.max_combinations,
    checkTraces,
    onOverflow: (spans) => overflow.add(spans),
  });
  return {
    sink: made,
    begin: (store, onError) => every(clock, WRITE_MS, (nowMs) => made.samples(nowMs, store), onError),
  };
}
