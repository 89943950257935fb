/** Global OpenTelemetry providers that keep what was recorded, for tests of code that calls the API. */
import { context, metrics, propagation, trace } from '@opentelemetry/api';
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks';
import { W3CTraceContextPropagator } from '@opentelemetry/core';
import type { DataPoint, Histogram } from '@opentelemetry/sdk-metrics';
import { MeterProvider, MetricReader } from '@opentelemetry/sdk-metrics';
import type { ReadableSpan } from '@opentelemetry/sdk-trace';
import { InMemorySpanExporter, SimpleSpanProcessor, TracerProvider } from '@opentelemetry/sdk-trace';

class PulledReader extends MetricReader {
  protected override async onShutdown(): Promise<void> {}
  protected override async onForceFlush(): Promise<void> {}
}

export interface RecordedPoint {
  readonly attributes: Record<string, unknown>;
  readonly value: number | Histogram;
}

export interface RecordedTelemetry {
  spans(): ReadableSpan[];
  points(metric: string): Promise<RecordedPoint[]>;
  /** Sum over the points whose attributes include `attributes`; the count for histograms. */
  total(metric: string, attributes?: Record<string, unknown>): Promise<number>;
  reset(): void;
}

/** Call once a test file, before what is tested is constructed. */
export function recordTelemetry(): RecordedTelemetry {
  const exporter = new InMemorySpanExporter();
  const reader = new PulledReader();
  context.setGlobalContextManager(new AsyncLocalStorageContextManager());
  propagation.setGlobalPropagator(new W3CTraceContextPropagator());
  trace.setGlobalTracerProvider(new TracerProvider({ spanProcessors: [new SimpleSpanProcessor({ exporter })] }));
  metrics.setGlobalMeterProvider(new MeterProvider({ readers: [reader] }));

  const points = async (metric: string): Promise<RecordedPoint[]> => {
    const { resourceMetrics } = await reader.collect();
    return resourceMetrics.scopeMetrics
      .flatMap((scope) => scope.metrics)
      .filter(({ descriptor }) => descriptor.name === metric)
      .flatMap(({ dataPoints }) => dataPoints as DataPoint<number | Histogram>[])
      .map(({ attributes, value }) => ({ attributes: { ...attributes }, value }));
  };
  return {
    spans: () => exporter.getFinishedSpans(),
    points,
    async total(metric, attributes = {}) {
      const matching = (await points(metric)).filter((point) =>
        Object.entries(attributes).every(([name, value]) => point.attributes[name] === value),
      );
      return matching.reduce((sum, { value }) => sum + (typeof value === 'number' ? value : value.count), 0);
    },
    reset: () => exporter.reset(),
  };
}
