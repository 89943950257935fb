/** Batch processors of the environment's trace and log exporters, each with a gate and a guard that count items. */
import type { LogRecordProcessor } from '@opentelemetry/sdk-logs';
import { BatchLogRecordProcessor, SimpleLogRecordProcessor } from '@opentelemetry/sdk-logs';
import type { SpanProcessor } from '@opentelemetry/sdk-trace';
import { BatchSpanProcessor, SimpleSpanProcessor } from '@opentelemetry/sdk-trace';
import type { Logger } from '../../base/logger.ts';
import type { DropCount } from '../metrics/drop-count.ts';
import type { Env } from '../environment.ts';
import { positiveOf } from '../environment.ts';
import { loadLogExporter, loadSpanExporter } from './loading.ts';
import type { Flow } from './guarded.ts';
import { createFlow, gateLogs, gateSpans, guardLogExporter, guardSpanExporter } from './guarded.ts';
import type { ExporterChoice } from './resolver.ts';

export interface ProcessorOptions {
  readonly env: Env;
  readonly logger: Logger;
  readonly drops: DropCount;
  readonly directory: string;
  /** `answerWithinMs` of each `Flow`. */
  readonly answerWithinMs: number | undefined;
}

interface BatchLimits {
  readonly maxQueueSize: number;
  readonly maxExportBatchSize: number;
  readonly scheduledDelayMillis: number;
  readonly exportTimeoutMillis: number;
}

function limitsOf(env: Env, prefix: 'OTEL_BSP' | 'OTEL_BLRP', delayMs: number, logger: Logger): BatchLimits {
  const number = (name: string, otherwise: number): number =>
    Math.min(Math.ceil(positiveOf(env, `${prefix}_${name}`, logger) ?? otherwise), 2 ** 31 - 1);
  const maxQueueSize = number('MAX_QUEUE_SIZE', 2_048);
  return {
    maxQueueSize,
    maxExportBatchSize: Math.min(number('MAX_EXPORT_BATCH_SIZE', 512), maxQueueSize),
    scheduledDelayMillis: number('SCHEDULE_DELAY', delayMs),
    exportTimeoutMillis: number('EXPORT_TIMEOUT', 30_000),
  };
}

export interface Processors<T> {
  readonly processors: readonly T[];
  readonly flows: readonly Flow[];
}

/** Throws VitrineError `exporter_unknown`. */
export async function createSpanProcessors(
  choices: readonly ExporterChoice[],
  options: ProcessorOptions,
): Promise<Processors<SpanProcessor>> {
  const processors: SpanProcessor[] = [];
  const flows: Flow[] = [];
  for (const choice of choices) {
    const limits = limitsOf(options.env, 'OTEL_BSP', 5_000, options.logger);
    const flow = createFlow(
      options.drops.of('traces', choice.name),
      limits.exportTimeoutMillis,
      options.logger,
      options.answerWithinMs,
    );
    const exporter = guardSpanExporter(await loadSpanExporter(choice, options.directory), flow);
    const inner =
      choice.kind === 'console'
        ? new SimpleSpanProcessor({ exporter })
        : new BatchSpanProcessor({ exporter, ...limits });
    processors.push(gateSpans(inner, flow, limits.maxQueueSize));
    flows.push(flow);
  }
  return { processors, flows };
}

/** Throws VitrineError `exporter_unknown`. */
export async function createLogProcessors(
  choices: readonly ExporterChoice[],
  options: ProcessorOptions,
): Promise<Processors<LogRecordProcessor>> {
  const processors: LogRecordProcessor[] = [];
  const flows: Flow[] = [];
  for (const choice of choices) {
    const limits = limitsOf(options.env, 'OTEL_BLRP', 1_000, options.logger);
    const flow = createFlow(
      options.drops.of('logs', choice.name),
      limits.exportTimeoutMillis,
      options.logger,
      options.answerWithinMs,
    );
    const exporter = guardLogExporter(await loadLogExporter(choice, options.directory), flow);
    const inner =
      choice.kind === 'console'
        ? new SimpleLogRecordProcessor({ exporter })
        : new BatchLogRecordProcessor({ exporter, ...limits });
    processors.push(gateLogs(inner, flow, limits.maxQueueSize));
    flows.push(flow);
  }
  return { processors, flows };
}
