/**
 * Metric exporters of the environment. The LiveReader is their producer. An exporter that prefers delta temporality would get
 * cumulative data from it, so such an exporter is registered as a separate reader, which costs more for each record.
 */
import type { IMetricReader, PushMetricExporter } from '@opentelemetry/sdk-metrics';
import { AggregationTemporality, InstrumentType, PeriodicExportingMetricReader } from '@opentelemetry/sdk-metrics';
import type { Logger } from '../../base/logger.ts';
import type { DropCount } from '../metrics/drop-count.ts';
import type { Env } from '../environment.ts';
import { positiveOf } from '../environment.ts';
import { loadMetrics } from './loading.ts';
import type { Flow } from './guarded.ts';
import { createFlow, guardMetricExporter } from './guarded.ts';
import type { ExporterChoice } from './resolver.ts';

export interface MetricReaders {
  /** Must be registered with the MeterProvider. */
  readonly registered: readonly IMetricReader[];
  /** Need the LiveReader's producer. */
  readonly fed: readonly IMetricReader[];
  readonly flows: readonly Flow[];
}

export interface ReaderOptions {
  readonly env: Env;
  readonly logger: Logger;
  readonly drops: DropCount;
  readonly directory: string;
  /** Milliseconds between exports when OTEL_METRIC_EXPORT_INTERVAL is unset. */
  readonly defaultIntervalMs: number;
  /** Of each `Flow`. */
  readonly answerWithinMs: number | undefined;
}

const prefersDelta = (reader: {
  selectAggregationTemporality?(type: InstrumentType): AggregationTemporality;
}): boolean =>
  [InstrumentType.COUNTER, InstrumentType.HISTOGRAM].some(
    (type) => reader.selectAggregationTemporality?.(type) === AggregationTemporality.DELTA,
  );

function periodic(exporter: PushMetricExporter, { env, logger, defaultIntervalMs }: ReaderOptions): IMetricReader {
  const exportIntervalMillis = positiveOf(env, 'OTEL_METRIC_EXPORT_INTERVAL', logger) ?? defaultIntervalMs;
  const timeoutMs = positiveOf(env, 'OTEL_METRIC_EXPORT_TIMEOUT', logger) ?? 30_000;
  // The SDK rejects a timeout above the interval.
  return new PeriodicExportingMetricReader({
    exporter,
    exportIntervalMillis,
    exportTimeoutMillis: Math.min(timeoutMs, exportIntervalMillis),
  });
}

/** Throws VitrineError `exporter_unknown`. `prometheus` is not among these. */
export async function createMetricReaders(
  choices: readonly ExporterChoice[],
  options: ReaderOptions,
): Promise<MetricReaders> {
  const registered: IMetricReader[] = [];
  const fed: IMetricReader[] = [];
  const flows: Flow[] = [];
  for (const choice of choices) {
    const loaded = await loadMetrics(choice, options.directory);
    if (loaded.kind === 'reader') {
      (prefersDelta(loaded.reader) ? registered : fed).push(loaded.reader);
      continue;
    }
    const flow = createFlow(options.drops.of('metrics', choice.name), 30_000, options.logger, options.answerWithinMs);
    flows.push(flow);
    const delta = prefersDelta(loaded.exporter);
    (delta ? registered : fed).push(periodic(guardMetricExporter(loaded.exporter, flow), options));
  }
  return { registered, fed, flows };
}
