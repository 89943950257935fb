/**
 * Metric exporters of the environment. They get the collections of the LiveReader, which are cumulative, with the SDK's default
 * aggregation and limits. An exporter that asks for anything else (delta temporality, exponential histograms, another limit of
 * attribute sets) would silently get the wrong data that way, so it gets a registered reader of its own, at the cost of a second
 * record for every value.
 */
import type { IMetricReader, PushMetricExporter } from '@opentelemetry/sdk-metrics';
import {
  AggregationTemporality,
  AggregationType,
  InstrumentType,
  PeriodicExportingMetricReader,
} from '@opentelemetry/sdk-metrics';
import type { Logger } from '../../base/logger.ts';
import type { DropCount } from '../metrics/drop-count.ts';
import type { Env } from '../environment.ts';
import { positiveOf } from '../environment.ts';
import { loadMetrics } from './loading.ts';
import type { Flow } from './guarded.ts';
import { createFlow, guardMetricExporter } from './guarded.ts';
import type { ExporterChoice } from './resolver.ts';

export interface MetricReaders {
  /** These readers must be registered with the MeterProvider. */
  readonly registered: readonly IMetricReader[];
  /** These readers collect from the LiveReader. */
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
  /** `answerWithinMs` of each `Flow`. */
  readonly answerWithinMs: number | undefined;
}

/** The limit of attribute sets that a reader without a choice has in the SDK. */
const DEFAULT_LIMIT = 2_000;

/** The choices of a reader or exporter; all of them are optional in the SDK's interfaces. */
interface Choices {
  selectAggregation?(type: InstrumentType): { readonly type: AggregationType };
  selectAggregationTemporality?(type: InstrumentType): AggregationTemporality;
  selectCardinalityLimit?(type: InstrumentType): number;
}

/** Whether `choices` differ from the choices of the LiveReader, for any kind of instrument. */
function needsOwnReader(choices: Choices): boolean {
  return Object.values(InstrumentType).some(
    (type) =>
      choices.selectAggregationTemporality?.(type) === AggregationTemporality.DELTA ||
      (choices.selectAggregation?.(type).type ?? AggregationType.DEFAULT) !== AggregationType.DEFAULT ||
      (choices.selectCardinalityLimit?.(type) ?? DEFAULT_LIMIT) !== DEFAULT_LIMIT,
  );
}

function periodic(
  exporter: PushMetricExporter & Choices,
  { env, logger, defaultIntervalMs }: ReaderOptions,
): IMetricReader {
  const exportIntervalMillis = positiveOf(env, 'OTEL_METRIC_EXPORT_INTERVAL', logger) ?? defaultIntervalMs;
  const timeoutMs = positiveOf(env, 'OTEL_METRIC_EXPORT_TIMEOUT', logger) ?? 30_000;
  const reader: IMetricReader & Choices = new PeriodicExportingMetricReader({
    exporter,
    exportIntervalMillis,
    // The SDK refuses a timeout above the interval.
    exportTimeoutMillis: Math.min(timeoutMs, exportIntervalMillis),
  });
  // The SDK's reader has this choice but does not ask its exporter.
  const limit = exporter.selectCardinalityLimit?.bind(exporter);
  if (limit !== undefined) reader.selectCardinalityLimit = limit;
  return reader;
}

/** Throws VitrineError `exporter_unknown`. `prometheus` is not one of these exporters. */
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
      (needsOwnReader(loaded.reader) ? registered : fed).push(loaded.reader);
      continue;
    }
    const flow = createFlow(options.drops.of('metrics', choice.name), 30_000, options.logger, options.answerWithinMs);
    flows.push(flow);
    const reader = periodic(guardMetricExporter(loaded.exporter, flow), options);
    (needsOwnReader(loaded.exporter) ? registered : fed).push(reader);
  }
  return { registered, fed, flows };
}
