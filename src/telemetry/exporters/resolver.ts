/**
 * Reads which exporters the environment names. Loading them is separate: `doctor` prints the table without starting anything,
 * and exporters that are not named are never imported, which saves memory.
 */
import type { Logger } from '../../base/logger.ts';
import type { Env, Signal } from '../environment.ts';
import { SIGNALS, isTrue, listOf, textOf } from '../environment.ts';

const PROTOCOLS = ['http/protobuf', 'http/json', 'grpc'] as const;
export type OtlpProtocol = (typeof PROTOCOLS)[number];

export type ExporterChoice = { readonly signal: Signal; readonly name: string } & (
  | {
      readonly kind: 'otlp';
      readonly protocol: OtlpProtocol;
      readonly endpoint: string;
      /** Histograms are exported with exponential buckets. */
      readonly isExponential?: boolean;
    }
  | { readonly kind: 'zipkin'; readonly endpoint: string }
  | { readonly kind: 'prometheus'; readonly host: string; readonly port: number }
  | { readonly kind: 'console' }
  | { readonly kind: 'module'; readonly factories: readonly string[] }
);

export interface ExporterTable {
  readonly disabled: boolean;
  readonly choices: readonly ExporterChoice[];
  /** Ignored values with the reason, one sentence each. */
  readonly warnings: readonly string[];
}

/** Functions that a user's module may export, by name or on its default export. One of them is required. */
const FACTORIES: Readonly<Record<Signal, readonly string[]>> = {
  traces: ['createSpanExporter'],
  metrics: ['createMetricReader', 'createMetricExporter'],
  logs: ['createLogRecordExporter'],
};

/** An endpoint without user, password and query, as it is shown. */
export function withoutSecrets(endpoint: string): string {
  try {
    const url = new URL(endpoint);
    url.username = '';
    url.password = '';
    url.search = '';
    return url.href;
  } catch {
    return '<not a URL>';
  }
}

function otlpEndpoint(env: Env, signal: Signal, protocol: OtlpProtocol): string {
  const own = textOf(env, `OTEL_EXPORTER_OTLP_${signal.toUpperCase()}_ENDPOINT`);
  if (own !== undefined) return withoutSecrets(own);
  const base = textOf(env, 'OTEL_EXPORTER_OTLP_ENDPOINT');
  if (protocol === 'grpc') return withoutSecrets(base ?? 'http://localhost:4317');
  return withoutSecrets(`${(base ?? 'http://localhost:4318').replace(/\/$/, '')}/v1/${signal}`);
}

function otlpProtocol(env: Env, signal: Signal, warnings: string[]): OtlpProtocol {
  for (const variable of [`OTEL_EXPORTER_OTLP_${signal.toUpperCase()}_PROTOCOL`, 'OTEL_EXPORTER_OTLP_PROTOCOL']) {
    const text = textOf(env, variable);
    if (text === undefined) continue;
    const known = PROTOCOLS.find((protocol) => protocol === text);
    if (known !== undefined) return known;
    warnings.push(`${variable} is none of ${PROTOCOLS.join(', ')} and is ignored.`);
  }
  return 'http/protobuf';
}

function wantsExponential(env: Env, warnings: string[]): boolean {
  const variable = 'OTEL_EXPORTER_OTLP_METRICS_DEFAULT_HISTOGRAM_AGGREGATION';
  const text = textOf(env, variable)?.toLowerCase();
  if (text === 'base2_exponential_bucket_histogram') return true;
  if (text !== undefined && text !== 'explicit_bucket_histogram')
    warnings.push(`${variable} is no aggregation that the specification knows and is ignored.`);
  return false;
}

function prometheusPort(env: Env, warnings: string[]): number {
  const text = textOf(env, 'OTEL_EXPORTER_PROMETHEUS_PORT');
  if (text === undefined) return 9464;
  const port = Number(text);
  if (Number.isInteger(port) && port > 0 && port < 65_536) return port;
  warnings.push('OTEL_EXPORTER_PROMETHEUS_PORT is not a port from 1 to 65535; 9464 is used.');
  return 9464;
}

function choose(env: Env, signal: Signal, name: string, warnings: string[]): ExporterChoice | undefined {
  if (name === 'none') return undefined;
  if (name === 'otlp') {
    const protocol = otlpProtocol(env, signal, warnings);
    const isExponential = signal === 'metrics' && wantsExponential(env, warnings);
    const endpoint = otlpEndpoint(env, signal, protocol);
    return { signal, name, kind: 'otlp', protocol, endpoint, ...(isExponential ? { isExponential } : {}) };
  }
  if (name === 'zipkin' && signal === 'traces') {
    const endpoint = textOf(env, 'OTEL_EXPORTER_ZIPKIN_ENDPOINT') ?? 'http://localhost:9411/api/v2/spans';
    return { signal, name, kind: 'zipkin', endpoint: withoutSecrets(endpoint) };
  }
  if (name === 'console') return { signal, name, kind: 'console' };
  if (name === 'prometheus' && signal === 'metrics') {
    const host = textOf(env, 'OTEL_EXPORTER_PROMETHEUS_HOST') ?? '127.0.0.1';
    return { signal, name, kind: 'prometheus', host, port: prometheusPort(env, warnings) };
  }
  return { signal, name, kind: 'module', factories: FACTORIES[signal] };
}

/**
 * `whenUnset` lists the exporters of an unset variable: none in Vitrine's own processes (never a network default), `otlp` under
 * `register` in a user's service, as OpenTelemetry specifies.
 */
export function resolveExporters(env: Env, whenUnset: readonly string[] = []): ExporterTable {
  if (isTrue(env, 'OTEL_SDK_DISABLED')) return { disabled: true, choices: [], warnings: [] };
  const warnings: string[] = [];
  const choices: ExporterChoice[] = [];
  for (const signal of SIGNALS) {
    const named = listOf(env, `OTEL_${signal.toUpperCase()}_EXPORTER`);
    for (const name of named.length === 0 ? whenUnset : named) {
      const choice = choose(env, signal, name, warnings);
      if (choice !== undefined) choices.push(choice);
    }
  }
  return { disabled: false, choices, warnings: [...new Set(warnings)] };
}

/** One line a choice, for people: `metrics  prometheus  http://127.0.0.1:9464/metrics`. */
export function describeExporters(table: ExporterTable): string[] {
  if (table.disabled) return ['all signals off (OTEL_SDK_DISABLED=true)'];
  return SIGNALS.flatMap((signal) => {
    const own = table.choices.filter((choice) => choice.signal === signal);
    return own.length === 0 ? [`${signal}: none`] : own.map((choice) => `${signal}: ${describeChoice(choice)}`);
  });
}

function describeChoice(choice: ExporterChoice): string {
  switch (choice.kind) {
    case 'otlp':
      return `otlp (${choice.protocol}) to ${choice.endpoint}`;
    case 'prometheus':
      return `prometheus on http://${choice.host}:${choice.port}/metrics`;
    case 'zipkin':
      return `zipkin to ${choice.endpoint}`;
    case 'console':
      return 'console';
    default:
      return `module ${choice.name}`;
  }
}

export function warnOf(table: ExporterTable, logger: Logger): void {
  for (const warning of table.warnings) logger.warn({}, warning);
}
