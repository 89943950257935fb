/**
 * Creates the exporters that the environment names and imports only those. The gRPC and JSON exporters are dependencies of
 * sdk-node: they are resolved from its location, so they are found in any layout of node_modules.
 */
import { createRequire } from 'node:module';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import type { LogRecordExporter } from '@opentelemetry/sdk-logs';
import type { IMetricReader, PushMetricExporter } from '@opentelemetry/sdk-metrics';
import { AggregationType, InstrumentType } from '@opentelemetry/sdk-metrics';
import type { SpanExporter } from '@opentelemetry/sdk-trace';
import { VitrineError } from '../../base/errors.ts';
import type { Signal } from '../environment.ts';
import { letGoOfProcess } from '../road/unref-transport.ts';
import type { ExporterChoice } from './resolver.ts';

type ModuleChoice = Extract<ExporterChoice, { kind: 'module' }>;
type OtlpChoice = Extract<ExporterChoice, { kind: 'otlp' }>;
type Exporters = { traces: SpanExporter; metrics: PushMetricExporter; logs: LogRecordExporter };

const OTLP_CLASS: Readonly<Record<Signal, string>> = {
  traces: 'OTLPTraceExporter',
  metrics: 'OTLPMetricExporter',
  logs: 'OTLPLogExporter',
};

type Classes = Record<string, new (options?: object) => unknown>;

const fromSdk = (name: string): Classes =>
  createRequire(createRequire(import.meta.url).resolve('@opentelemetry/sdk-node'))(name) as Classes;

/** The options of an OTLP exporter that it does not read from the environment itself. */
const optionsOf = ({ isExponential }: OtlpChoice): object | undefined =>
  isExponential === true
    ? {
        aggregationPreference: (type: InstrumentType) => ({
          type: type === InstrumentType.HISTOGRAM ? AggregationType.EXPONENTIAL_HISTOGRAM : AggregationType.DEFAULT,
        }),
      }
    : undefined;

async function otlpModule(choice: OtlpChoice): Promise<Classes> {
  if (choice.protocol === 'http/protobuf') {
    if (choice.signal === 'metrics') return await import('@opentelemetry/exporter-metrics-otlp-proto');
    return await import('@opentelemetry/exporter-logs-otlp-proto');
  }
  const signal = choice.signal === 'traces' ? 'trace' : choice.signal;
  return fromSdk(`@opentelemetry/exporter-${signal}-otlp-${choice.protocol === 'grpc' ? 'grpc' : 'http'}`);
}

async function otlpFactory(choice: OtlpChoice): Promise<() => unknown> {
  if (choice.signal === 'traces' && choice.protocol === 'http/protobuf')
    return (await import('../road/otlp-span-exporter.ts')).createOtlpSpanExporter;
  const Exporter = (await otlpModule(choice))[OTLP_CLASS[choice.signal]];
  return () => {
    const exporter = new Exporter(optionsOf(choice)) as object;
    letGoOfProcess(exporter);
    return exporter;
  };
}

async function loadOtlp(choice: OtlpChoice): Promise<unknown> {
  const create = await otlpFactory(choice);
  try {
    return create();
  } catch (cause) {
    throw new VitrineError('exporter_unknown', `The OTLP exporter for ${choice.signal} does not start: ${say(cause)}`, {
      hint: 'Check the OTEL_EXPORTER_OTLP_* variables.',
      cause,
    });
  }
}

const say = (error: unknown): string => (error instanceof Error ? error.message : String(error)).split('\n')[0];

/** True only when the module was not found. An error inside an existing module is reported as it is. */
const isMissing = (error: unknown): boolean =>
  error instanceof Error &&
  ['ERR_MODULE_NOT_FOUND', 'MODULE_NOT_FOUND'].includes((error as NodeJS.ErrnoException).code ?? '');

async function importModule(choice: ModuleChoice, directory: string): Promise<Record<string, unknown>> {
  const isPath = /^(?:\.{1,2}[\\/]|[\\/]|file:)/.test(choice.name);
  const variable = `OTEL_${choice.signal.toUpperCase()}_EXPORTER`;
  try {
    if (isPath && !choice.name.startsWith('file:')) {
      return (await import(pathToFileURL(path.resolve(directory, choice.name)).href)) as Record<string, unknown>;
    }
    return (await import(isPath ? choice.name : fromDirectory(choice.name, directory))) as Record<string, unknown>;
  } catch (cause) {
    const hint = isPath
      ? `Check the path; it is taken from ${directory}.`
      : `npm install ${choice.name}   (known without installing: otlp, console, none${choice.signal === 'metrics' ? ', prometheus' : ''})`;
    const fact = isMissing(cause) ? 'cannot be found' : `cannot be loaded: ${say(cause)}`;
    throw new VitrineError('exporter_unknown', `${variable} names "${choice.name}", which ${fact}.`, { hint, cause });
  }
}

/** Packages of the user take precedence over ours. Packages that only `import` can load keep their name. */
function fromDirectory(name: string, directory: string): string {
  try {
    return pathToFileURL(createRequire(path.join(directory, 'from.js')).resolve(name)).href;
  } catch {
    return name;
  }
}

async function loadModule(choice: ModuleChoice, directory: string): Promise<unknown> {
  const loaded = await importModule(choice, directory);
  const places = [loaded, loaded['default']].filter((place) => typeof place === 'object' && place !== null);
  for (const factory of choice.factories) {
    for (const place of places as Record<string, unknown>[]) {
      const make = place[factory];
      if (typeof make !== 'function') continue;
      try {
        return { factory, made: await (make as () => unknown)() };
      } catch (cause) {
        throw new VitrineError('exporter_unknown', `${factory}() of "${choice.name}" failed: ${say(cause)}`, { cause });
      }
    }
  }
  throw new VitrineError(
    'exporter_unknown',
    `"${choice.name}" exports no ${choice.factories.join(' or ')}, so it cannot take ${choice.signal}.`,
    { hint: `Export a function ${choice.factories[0]}() that returns the exporter.` },
  );
}

const METHODS: Readonly<Record<string, readonly string[]>> = {
  createSpanExporter: ['export', 'shutdown'],
  createMetricExporter: ['export', 'shutdown'],
  createLogRecordExporter: ['export', 'shutdown'],
  createMetricReader: ['setMetricProducer', 'shutdown'],
};

function checked(choice: ModuleChoice, result: { factory: string; made: unknown }): unknown {
  const missing = METHODS[result.factory].filter(
    (method) => typeof (result.made as Record<string, unknown> | undefined)?.[method] !== 'function',
  );
  if (missing.length === 0) return result.made;
  throw new VitrineError(
    'exporter_unknown',
    `${result.factory}() of "${choice.name}" returned something without ${missing.join('() and ')}().`,
  );
}

export type LoadedMetrics =
  | { readonly kind: 'exporter'; readonly exporter: PushMetricExporter }
  | { readonly kind: 'reader'; readonly reader: IMetricReader };

export async function loadSpanExporter(choice: ExporterChoice, directory: string): Promise<SpanExporter> {
  if (choice.kind === 'console') return new (await import('@opentelemetry/sdk-trace')).ConsoleSpanExporter();
  if (choice.kind === 'zipkin') {
    const { ZipkinExporter } = fromSdk('@opentelemetry/exporter-zipkin');
    return new ZipkinExporter() as SpanExporter;
  }
  return (await loadAny(choice, directory)).value as Exporters['traces'];
}

export async function loadLogExporter(choice: ExporterChoice, directory: string): Promise<LogRecordExporter> {
  if (choice.kind === 'console') return new (await import('@opentelemetry/sdk-logs')).ConsoleLogRecordExporter();
  return (await loadAny(choice, directory)).value as Exporters['logs'];
}

/** Not for `prometheus`, which is a scrape page and not an exporter (`prometheus-exporter.ts`). */
export async function loadMetrics(choice: ExporterChoice, directory: string): Promise<LoadedMetrics> {
  if (choice.kind === 'console') {
    return { kind: 'exporter', exporter: new (await import('@opentelemetry/sdk-metrics')).ConsoleMetricExporter() };
  }
  const { factory, value } = await loadAny(choice, directory);
  if (factory === 'createMetricReader') return { kind: 'reader', reader: value as IMetricReader };
  return { kind: 'exporter', exporter: value as PushMetricExporter };
}

async function loadAny(choice: ExporterChoice, directory: string): Promise<{ factory: string; value: unknown }> {
  if (choice.kind === 'otlp') return { factory: 'otlp', value: await loadOtlp(choice) };
  if (choice.kind !== 'module')
    throw new VitrineError('exporter_unknown', `"${choice.name}" cannot take ${choice.signal}.`);
  const result = (await loadModule(choice, directory)) as { factory: string; made: unknown };
  return { factory: result.factory, value: checked(choice, result) };
}
