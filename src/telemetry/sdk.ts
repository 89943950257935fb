/**
 * Configures and starts the OpenTelemetry SDK. NodeSDK connects the parts; the parts are resolved here, because arrays given
 * to it replace the environment's choice. Nothing here slows a request, and shutdown takes three seconds at most: with a hung
 * collector the SDK's own shutdown takes ten seconds and rejects, so its result is only logged.
 */
import type { Instrumentation } from '@opentelemetry/instrumentation';
import type { Sampler, SpanProcessor } from '@opentelemetry/sdk-trace';
import type { Clock } from '../base/clock.ts';
import { systemClock } from '../base/clock.ts';
import type { Logger } from '../base/logger.ts';
import type { Health } from '../model/health.ts';
import { closeCells, openCells } from './metrics/cells.ts';
import { joinCells } from './metrics/cells-producer.ts';
import { cellsFault } from './metrics/cells-proof.ts';
import { createLogProcessors, createSpanProcessors } from './exporters/batch-processors.ts';
import { routeDiagnostics } from './diagnostics.ts';
import type { ExportCount } from './metrics/drop-count.ts';
import { DropCount } from './metrics/drop-count.ts';
import type { Env } from './environment.ts';
import { listOf, textOf } from './environment.ts';
import { warnOfUnused } from './otel-variables.ts';
import { setKnownMethods } from './spans/http-attributes.ts';
import { FrameSender } from './road/frame-sender.ts';
import { LiveReader } from './metrics/live-reader.ts';
import { newestGaugesFault } from './metrics/newest-gauges.ts';
import { createMetricReaders } from './exporters/metric-readers.ts';
import { MonitorRoad } from './road/monitor-road.ts';
import type { PrometheusPage } from './metrics/prometheus-exporter.ts';
import { RingLogProcessor, RingSpanProcessor } from './road/record-buffer.ts';
import type { ExporterTable } from './exporters/resolver.ts';
import { resolveExporters, warnOf, withoutSecrets } from './exporters/resolver.ts';
import type { Identity } from './resource.ts';
import { createResource, detectorsFromEnv } from './resource.ts';
import { innerSpans } from './spans/inner-spans.ts';
import { leanFault } from './spans/lean-proof.ts';
import { handoverOf, switchingContexts, type SharedProcess } from './shared-process.ts';
import { recordEverything, samplerFromEnv } from './spans/sampler.ts';
import { SlimNodeSDK } from './slim-sdk.ts';
import { durationViews } from './metrics/views.ts';
import { within } from './within.ts';
import { endWithin, flushAll, type Parts } from './shutdown.ts';

export interface TelemetryOptions extends Identity {
  readonly env: Env;
  readonly logger: Logger;
  readonly clock?: Clock | undefined;
  /** Set when a monitor receives frames over IPC: every span and log line is then kept for the next frame. */
  readonly frames?:
    | {
        readonly health?: (() => Health | undefined) | undefined;
        readonly maxSpans?: number;
        readonly maxLogs?: number;
      }
    | undefined;
  /** OTLP/HTTP base URL of a monitor in another process. It gets all telemetry, in addition to the exporters of the environment. Not with `frames`. */
  readonly monitorUrl?: string | undefined;
  /** Bearer token of that monitor, and of scrapers from beyond loopback; it is sent to no other endpoint. Default VITRINE_TOKEN. */
  readonly token?: string | undefined;
  readonly instrumentations?: readonly Instrumentation[] | undefined;
  /** Exporters of a signal whose variable is unset; none in Vitrine's own processes. */
  readonly exportersWhenUnset?: readonly string[] | undefined;
  readonly defaultMetricIntervalMs?: number | undefined;
  /** Time between two collections for the monitor, by frames or by OTLP. Default: one second. */
  readonly collectIntervalMs?: number | undefined;
  /** The directory from which relative module paths and packages of exporters are resolved. */
  readonly directory?: string | undefined;
  readonly shutdownLimitMs?: number | undefined;
  /** The process belongs to an application: no export may keep it alive for longer. */
  readonly holdLimitMs?: number | undefined;
  /** Started by another process of Vitrine, with the same environment. */
  readonly isChild?: boolean | undefined;
  /** The application may register an SDK of its own (`others/handover.ts`). */
  readonly sharesProcess?: boolean | undefined;
}

export interface Telemetry {
  readonly table: ExporterTable;
  /** The one reader of cumulative data; undefined when OTEL_SDK_DISABLED is true. */
  readonly live: LiveReader | undefined;
  readonly frames: FrameSender | undefined;
  readonly prometheus: PrometheusPage | undefined;
  /** Set where the application may register an SDK of its own. */
  readonly handover: SharedProcess | undefined;
  /** Whether log records have a destination. */
  readonly takesLogs: boolean;
  /** Sent and dropped items of each exporter. */
  counts(): readonly Readonly<ExportCount>[];
  /** Sends all buffered telemetry, within the limit. The SDK stays usable. Never rejects. */
  flush(): Promise<void>;
  /** Flushes and shuts down within the limit. Never rejects. */
  shutdown(): Promise<void>;
}

const DEFAULT_FRAME_SPANS = 5_000;
const DEFAULT_FRAME_LOGS = 5_000;

/**
 * Throws VitrineError `exporter_unknown` (exit 3), `auth_required_to_bind` (exit 3), `port_taken` and `bind_failed` (exit
 * 4); then no part is left running.
 */
export async function startTelemetry(options: TelemetryOptions): Promise<Telemetry> {
  const { env, logger } = options;
  const monitorUrl = options.frames === undefined ? options.monitorUrl : undefined;
  const hasFile = hasConfigFile(options);
  const table = withoutMonitor(exportersOf(options), monitorUrl);
  if (table.disabled) return off(table);
  const clock = options.clock ?? systemClock;
  const faults = { spans: leanFault(), metrics: await cellsFault(clock) };
  warnOf(table, logger);
  warnOfVariables(options);
  routeDiagnostics(env, logger);
  sayFaults(faults, logger);
  const fault = newestGaugesFault();
  if (fault !== undefined)
    logger.warn({ fault }, 'Gauges stand still when the clock is set back: the SDK compares times.');
  const drops = new DropCount();
  const parts = await loadParts(options, table, drops);
  const live = new LiveReader();
  const prometheus = await openPage(table, live, tokenOf(options));
  const rings = ringsFor(options, monitorUrl);
  const detectors = detectorsFromEnv(env, logger);
  const sampler = samplerFromEnv(env, logger);
  const contexts = await switchingContexts(options.sharesProcess);
  const isPlain = hasFile || parts.registered.length > 0 || faults.metrics !== undefined;
  const cells = isPlain ? undefined : openCells(clock);
  const sdk = new SlimNodeSDK({
    resource: createResource(options, env, logger),
    autoDetectResources: detectors.length > 0,
    resourceDetectors: detectors,
    ...sinksOf(rings, parts, sampler),
    metricReaders: [cells === undefined ? live : joinCells(cells, live), ...parts.registered],
    views: parts.registered.length > 0 ? [] : durationViews(),
    instrumentations: [...(options.instrumentations ?? [])],
    contextManager: contexts,
  });
  sdk.start();
  const handover = await handoverOf(mirrorsTo(rings, parts), contexts, hasFile);
  for (const reader of parts.fed) reader.setMetricProducer(live.producer());
  drops.publish();
  const outlets = openOutlets(options, monitorUrl, rings, live, drops);
  const running = { sdk, live, parts, ...outlets, prometheus, drops, logger };
  const limitMs = options.shutdownLimitMs ?? 3_000;
  return {
    table,
    live,
    frames: outlets.frames,
    prometheus,
    handover,
    takesLogs: hasFile || rings !== undefined || parts.logProcessors.length > 0,
    counts: () => drops.all(),
    flush: async () => void (await within(limitMs, Promise.all([flushAll(running), handover?.flush?.()]))),
    shutdown: once(() => {
      if (cells !== undefined) closeCells(cells);
      return endWithin(limitMs, running);
    }),
  };
}

/** Only a service has one; Vitrine's own processes have no second SDK beside theirs. */
const hasConfigFile = ({ env, sharesProcess }: TelemetryOptions): boolean =>
  sharesProcess === true && textOf(env, 'OTEL_CONFIG_FILE') !== undefined;

/** With a configuration file the variables of exporters have no effect (specification, "Declarative configuration"). */
function exportersOf(options: TelemetryOptions): ExporterTable {
  const { env, exportersWhenUnset } = options;
  if (!hasConfigFile(options)) return resolveExporters(env, exportersWhenUnset);
  return resolveExporters({ OTEL_SDK_DISABLED: env['OTEL_SDK_DISABLED'] });
}

/** A child of Vitrine has the environment of its parent, which has said it. */
function warnOfVariables({ env, logger, isChild }: TelemetryOptions): void {
  setKnownMethods(listOf(env, 'OTEL_INSTRUMENTATION_HTTP_KNOWN_METHODS'));
  if (isChild !== true) warnOfUnused(env, logger);
}

/** The parts that lean on internals of the SDK were compared with it; a part that differs is replaced by the SDK's own. */
function sayFaults(faults: Readonly<Record<'spans' | 'metrics', string | undefined>>, logger: Logger): void {
  for (const [part, fault] of Object.entries(faults)) {
    if (fault === undefined) continue;
    logger.warn(
      { part, fault, node: process.versions.node },
      `The fast ${part} do not work with this SDK; its own are used.`,
    );
  }
}

/** With a monitor every span and record goes there, and the exporters get what the sampler leaves them. */
const sinksOf = (rings: Rings | undefined, { spanProcessors, logProcessors }: Parts, sampler: Sampler) =>
  rings === undefined
    ? { sampler, spanProcessors: [innerSpans, ...spanProcessors], logRecordProcessors: [...logProcessors] }
    : {
        sampler: recordEverything(sampler),
        spanProcessors: [innerSpans, rings.spans, ...spanProcessors],
        logRecordProcessors: [rings.logs, ...logProcessors],
      };

/** With a monitor not to the exporters of the environment: an SDK of the application reads the same environment. */
const mirrorsTo = (rings: Rings | undefined, parts: Parts): readonly SpanProcessor[] =>
  rings === undefined ? [innerSpans, ...parts.spanProcessors] : [innerSpans, rings.spans];

interface Rings {
  readonly spans: RingSpanProcessor;
  readonly logs: RingLogProcessor;
}

/** Undefined when no monitor would empty the buffers. */
function ringsFor({ frames }: TelemetryOptions, monitorUrl: string | undefined): Rings | undefined {
  if (frames === undefined && monitorUrl === undefined) return undefined;
  return {
    spans: new RingSpanProcessor(frames?.maxSpans ?? DEFAULT_FRAME_SPANS),
    logs: new RingLogProcessor(frames?.maxLogs ?? DEFAULT_FRAME_LOGS),
  };
}

interface Outlets {
  readonly frames: FrameSender | undefined;
  readonly road: MonitorRoad | undefined;
}

/** A monitor that this process started gets frames; any other gets OTLP. */
function openOutlets(
  options: TelemetryOptions,
  monitorUrl: string | undefined,
  rings: Rings | undefined,
  live: LiveReader,
  drops: DropCount,
): Outlets {
  if (rings === undefined) return { frames: undefined, road: undefined };
  const { logger, clock = systemClock, frames, collectIntervalMs: intervalMs = 1_000 } = options;
  const taken = { live, spans: rings.spans.buffer, logs: rings.logs.buffer, clock, logger, intervalMs };
  if (monitorUrl === undefined)
    return { frames: new FrameSender({ ...taken, health: frames?.health }), road: undefined };
  return { frames: undefined, road: new MonitorRoad({ ...taken, drops, url: monitorUrl, token: tokenOf(options) }) };
}

const tokenOf = ({ token, env }: TelemetryOptions): string | undefined => token ?? textOf(env, 'VITRINE_TOKEN');

/** Removes exporters to the monitor, which gets all telemetry already. */
function withoutMonitor(table: ExporterTable, monitorUrl: string | undefined): ExporterTable {
  if (monitorUrl === undefined) return table;
  const base = `${withoutSecrets(monitorUrl).replace(/\/+$/, '')}/v1/`;
  const choices = table.choices.filter((choice) => choice.kind !== 'otlp' || !choice.endpoint.startsWith(base));
  return { ...table, choices };
}

function off(table: ExporterTable): Telemetry {
  return {
    table,
    live: undefined,
    frames: undefined,
    prometheus: undefined,
    handover: undefined,
    takesLogs: false,
    counts: () => [],
    flush: () => Promise.resolve(),
    shutdown: () => Promise.resolve(),
  };
}

async function loadParts(options: TelemetryOptions, table: ExporterTable, drops: DropCount): Promise<Parts> {
  const { env, logger } = options;
  const shared = {
    env,
    logger,
    drops,
    directory: options.directory ?? process.cwd(),
    answerWithinMs: options.holdLimitMs,
  };
  const of = (signal: string): ExporterTable['choices'] =>
    table.choices.filter((choice) => choice.signal === signal && choice.kind !== 'prometheus');
  const spans = await createSpanProcessors(of('traces'), shared);
  const logs = await createLogProcessors(of('logs'), shared);
  const defaultIntervalMs = options.defaultMetricIntervalMs ?? 60_000;
  const metrics = await createMetricReaders(of('metrics'), { ...shared, defaultIntervalMs });
  return {
    spanProcessors: spans.processors,
    logProcessors: logs.processors,
    registered: metrics.registered,
    fed: metrics.fed,
    flows: [...spans.flows, ...logs.flows, ...metrics.flows],
  };
}

async function openPage(table: ExporterTable, live: LiveReader, token?: string): Promise<PrometheusPage | undefined> {
  const choice = table.choices.find(({ kind }) => kind === 'prometheus');
  if (choice?.kind !== 'prometheus') return undefined;
  const { startPrometheusPage } = await import('./metrics/prometheus-exporter.ts');
  return startPrometheusPage(live, choice, token);
}

function once<T>(run: () => Promise<T>): () => Promise<T> {
  let result: Promise<T> | undefined;
  return () => (result ??= run());
}
