/**
 * Every `OTEL_*` variable of the OpenTelemetry specification (opentelemetry.io/docs/specs/otel/configuration/sdk-environment-variables,
 * .../protocol/exporter, and the semantic conventions') and of the JavaScript SDK, and what becomes of it here. docs/environment.md
 * is generated from this table, and a test sets each variable on running processes.
 */
import type { Logger } from '../base/logger.ts';
import type { Env } from './environment.ts';
import { textOf } from './environment.ts';

export type Fate =
  | 'honoured'
  /** Said in a warning at start when it is set to another value than `without`. */
  | 'ignored'
  /** Another language or another program reads it. */
  | 'not meant for us';

export interface OtelVariable {
  readonly fate: Fate;
  readonly text: string;
  /** Values of an ignored variable that ask for nothing else than what happens anyway. */
  readonly without?: readonly string[];
}

const honoured = (text: string): OtelVariable => ({ fate: 'honoured', text });
const ignored = (text: string, ...without: string[]): OtelVariable => ({ fate: 'ignored', text, without });

const OTLP_OPTIONS: Readonly<Record<string, string>> = {
  ENDPOINT: 'Address of the OTLP exporter; under `register` the default is `http://127.0.0.1:4318`.',
  PROTOCOL: '`http/protobuf` (default), `http/json` or `grpc`.',
  HEADERS: 'Header fields of each export, `key=value,key=value`, percent-encoded.',
  COMPRESSION: '`gzip` or `none`.',
  TIMEOUT: 'Milliseconds that one export may take.',
  CERTIFICATE: 'File with the certificates that are trusted.',
  CLIENT_KEY: "File with the client's private key.",
  CLIENT_CERTIFICATE: "File with the client's certificate.",
  INSECURE: 'gRPC without TLS where the endpoint has no scheme.',
};

const otlp = (signal: '' | 'TRACES_' | 'METRICS_' | 'LOGS_'): [string, OtelVariable][] =>
  Object.entries(OTLP_OPTIONS).map(([option, text]) => [
    `OTEL_EXPORTER_OTLP_${signal}${option}`,
    honoured(signal === '' ? text : `The same for ${signal.slice(0, -1).toLowerCase()} alone.`),
  ]);

const batch = (prefix: 'OTEL_BSP' | 'OTEL_BLRP', what: string): [string, OtelVariable][] => [
  [`${prefix}_SCHEDULE_DELAY`, honoured(`Milliseconds between two batches of ${what}.`)],
  [`${prefix}_EXPORT_TIMEOUT`, honoured(`Milliseconds that the export of a batch of ${what} may take.`)],
  [`${prefix}_MAX_QUEUE_SIZE`, honoured(`The most ${what} that wait; more are dropped and counted.`)],
  [`${prefix}_MAX_EXPORT_BATCH_SIZE`, honoured(`The most ${what} in one batch.`)],
];

export const OTEL_VARIABLES: Readonly<Record<string, OtelVariable>> = {
  OTEL_SDK_DISABLED: honoured('`true` turns all telemetry off, the own page included.'),
  OTEL_CONFIG_FILE: honoured(
    'Declarative configuration 1.x. In services under the preload the SDK of JavaScript reads the file, names what it does not support, and its exporters work beside Vitrine. Vitrine’s own processes use of it what the variables of this table can say (resource, limits, sampler, propagators, batches, one exporter of each kind and signal) and name the rest; their names and instances stay their own. All other `OTEL_*` variables then count only where the file names them. A file with a mistake is said, and nothing is exported.',
  ),
  OTEL_SERVICE_NAME: honoured('Name of the service, `job` in Prometheus; children do not inherit it.'),
  OTEL_RESOURCE_ATTRIBUTES: honoured('Attributes of the resource, `key=value,key=value`, percent-encoded.'),
  OTEL_ENTITIES: ignored('The JavaScript SDK has no entities.'),
  OTEL_LOG_LEVEL: honoured('Level of the SDK’s own diagnostics, which then go to the console.'),
  OTEL_PROPAGATORS: honoured(
    'Comma list of `tracecontext`, `baggage`, `b3`, `b3multi`, `none`; unknown names are said.',
  ),
  OTEL_TRACES_SAMPLER: honoured(
    '`always_on`, `always_off`, `traceidratio`, `parentbased_…`: which spans exporters get. Vitrine records the others too.',
  ),
  OTEL_TRACES_SAMPLER_ARG: honoured('Ratio from 0 to 1 of the `traceidratio` samplers.'),
  ...Object.fromEntries([...batch('OTEL_BSP', 'spans'), ...batch('OTEL_BLRP', 'log records')]),
  OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT: honoured('Longest value of an attribute.'),
  OTEL_ATTRIBUTE_COUNT_LIMIT: honoured('The most attributes.'),
  OTEL_SPAN_ATTRIBUTE_VALUE_LENGTH_LIMIT: honoured('Longest value of an attribute of a span.'),
  OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT: honoured('The most attributes of a span.'),
  OTEL_SPAN_EVENT_COUNT_LIMIT: honoured('The most events of a span.'),
  OTEL_SPAN_LINK_COUNT_LIMIT: honoured('The most links of a span.'),
  OTEL_EVENT_ATTRIBUTE_COUNT_LIMIT: honoured('The most attributes of an event of a span.'),
  OTEL_LINK_ATTRIBUTE_COUNT_LIMIT: honoured('The most attributes of a link of a span.'),
  OTEL_SPAN_ATTRIBUTE_PER_EVENT_COUNT_LIMIT: honoured('The SDK’s own name of `OTEL_EVENT_ATTRIBUTE_COUNT_LIMIT`.'),
  OTEL_SPAN_ATTRIBUTE_PER_LINK_COUNT_LIMIT: honoured('The SDK’s own name of `OTEL_LINK_ATTRIBUTE_COUNT_LIMIT`.'),
  OTEL_LOGRECORD_ATTRIBUTE_VALUE_LENGTH_LIMIT: honoured('Longest value of an attribute of a log record.'),
  OTEL_LOGRECORD_ATTRIBUTE_COUNT_LIMIT: honoured('The most attributes of a log record.'),
  OTEL_TRACES_EXPORTER: honoured(
    'Comma list of `otlp`, `console`, `zipkin`, `none`, or a module; unset means none in Vitrine, `otlp` under `register`.',
  ),
  OTEL_METRICS_EXPORTER: honoured(
    'Comma list of `otlp`, `prometheus`, `console`, `none`, or a module; children do not inherit it.',
  ),
  OTEL_LOGS_EXPORTER: honoured('Comma list of `otlp`, `console`, `none`, or a module.'),
  ...Object.fromEntries((['', 'TRACES_', 'METRICS_', 'LOGS_'] as const).flatMap(otlp)),
  OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE: honoured('`cumulative`, `delta` or `lowmemory`.'),
  OTEL_EXPORTER_OTLP_METRICS_DEFAULT_HISTOGRAM_AGGREGATION: honoured(
    '`explicit_bucket_histogram` or `base2_exponential_bucket_histogram`.',
  ),
  OTEL_EXPORTER_PROMETHEUS_HOST: honoured(
    'Where the Prometheus exporter listens; default `127.0.0.1`. Beyond loopback every scraper must send `VITRINE_TOKEN` or `auth.token`; without a token Vitrine does not start.',
  ),
  OTEL_EXPORTER_PROMETHEUS_PORT: honoured('Port of the Prometheus exporter; default 9464.'),
  OTEL_EXPORTER_ZIPKIN_ENDPOINT: honoured(
    'Address of the `zipkin` exporter; default `http://localhost:9411/api/v2/spans`.',
  ),
  OTEL_EXPORTER_ZIPKIN_TIMEOUT: ignored('The JavaScript exporter has no such option.', '10000'),
  OTEL_EXPORTER_JAEGER_ENDPOINT: ignored('The Jaeger exporter was removed; Jaeger takes OTLP.'),
  OTEL_EXPORTER_JAEGER_AGENT_HOST: ignored('As above.'),
  OTEL_EXPORTER_JAEGER_AGENT_PORT: ignored('As above.'),
  OTEL_METRIC_EXPORT_INTERVAL: honoured('Milliseconds between two exports of metrics.'),
  OTEL_METRIC_EXPORT_TIMEOUT: honoured('Milliseconds that an export of metrics may take.'),
  OTEL_METRICS_EXEMPLAR_FILTER: ignored('The JavaScript SDK has no exemplars.', 'always_off'),
  OTEL_SEMCONV_STABILITY_OPT_IN: honoured(
    'HTTP spans and metrics always have the stable names; instrumentations of databases read it.',
  ),
  OTEL_INSTRUMENTATION_HTTP_KNOWN_METHODS: honoured(
    'Comma list of the methods that are not `_OTHER`, in services under the preload.',
  ),
  OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT: honoured('Read by the instrumentation of `openai`.'),
  OTEL_NODE_ENABLED_INSTRUMENTATIONS: honoured('Comma list of the instrumentations that are loaded, and no others.'),
  OTEL_NODE_DISABLED_INSTRUMENTATIONS: honoured('Comma list of instrumentations that are not loaded.'),
  OTEL_NODE_RESOURCE_DETECTORS: honoured(
    'Comma list of `container`, `aws`, `azure`, `gcp`, `alibaba`, `host`, `os`, `process`, `env`, `serviceinstance`, `all`, `none`; default none.',
  ),
  OTEL_NODE_EXPERIMENTAL_SDK_METRICS: honoured('`true` adds metrics of the SDK itself.'),
  OTEL_EXPERIMENTAL_CONFIG_FILE: ignored('The name of `OTEL_CONFIG_FILE` before version 1.'),
  OTEL_EXPERIMENTAL_RESOURCE_DISABLED_KEYS: { fate: 'not meant for us', text: 'Read by the Java agent.' },
};

/** Variables of other languages and of programs around OpenTelemetry. */
export const FOREIGN_PREFIXES: readonly string[] = [
  'OTEL_CPP_',
  'OTEL_DOTNET_',
  'OTEL_GO_',
  'OTEL_JAVA_',
  'OTEL_JAVAAGENT_',
  'OTEL_JMX_',
  'OTEL_PHP_',
  'OTEL_PYTHON_',
  'OTEL_RUBY_',
  'OTEL_RUST_',
  'OTEL_SWIFT_',
  'OTEL_COLLECTOR_',
  'OTEL_INJECTOR_',
  'OTEL_OPERATOR_',
  'OTEL_INSTRUMENTATION_',
];

/** What every name of the environment becomes: a sentence for each that has no effect although it was set. */
export function unusedVariables(env: Env): string[] {
  return Object.keys(env)
    .filter((name) => name.startsWith('OTEL_') && textOf(env, name) !== undefined)
    .sort()
    .flatMap((name) => {
      const known = Object.hasOwn(OTEL_VARIABLES, name) ? OTEL_VARIABLES[name] : undefined;
      if (known === undefined)
        return FOREIGN_PREFIXES.some((prefix) => name.startsWith(prefix))
          ? []
          : [`${name} is not a variable that Vitrine or OpenTelemetry's SDK knows; it has no effect.`];
      const isUsed = known.fate !== 'ignored' || known.without?.includes(textOf(env, name) ?? '') === true;
      return isUsed ? [] : [`${name} has no effect: ${known.text}`];
    });
}

export function warnOfUnused(env: Env, logger: Logger): void {
  for (const sentence of unusedVariables(env)) logger.warn({}, sentence);
}
