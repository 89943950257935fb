/**
 * A declarative configuration as the variables that say the same. Vitrine's own processes make their spans and metrics by
 * parts that the SDK's reader of such files cannot set up, but every exporter, limit and sampler that they have is one that a variable
 * chooses. Each value that is read is taken out of the model, so what is left at the end is what has no such variable; it is named. Pure.
 */

type Section = { [name: string]: unknown };

export interface FileEnvironment {
  readonly env: Readonly<Record<string, string>>;
  /** Paths of the file that Vitrine's own processes do not use. */
  readonly unused: readonly string[];
}

const isSection = (value: unknown): value is Section =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** Takes `name` out of `from`. */
function take(from: Section, name: string): unknown {
  const value = from[name] ?? undefined;
  delete from[name];
  return value;
}

const section = (from: Section, name: string): Section => {
  const value = from[name];
  return isSection(value) ? value : {};
};
const listOf = (value: unknown): Section[] => (Array.isArray(value) ? value.filter(isSection) : []);

class Variables {
  readonly env: Record<string, string> = {};

  set(name: string, value: unknown): void {
    if (typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean')
      this.env[name] = `${value}`;
  }

  /** Moves values of `from` into variables. */
  move(from: Section, names: Readonly<Record<string, string>>): void {
    for (const [name, variable] of Object.entries(names)) this.set(variable, take(from, name));
  }

  add(name: string, item: string): void {
    this.env[name] = this.env[name] === undefined ? item : `${this.env[name]},${item}`;
  }
}

const pair = (name: unknown, value: unknown): string =>
  `${encodeURIComponent(String(name))}=${encodeURIComponent(String(value))}`;

/** `name` and `value` of a list, then those of the list as one text, which is written like the variable. */
function pairsOf(from: Section, list: string, text: string): string[] {
  const pairs = listOf(take(from, list)).map(({ name, value }) => pair(name, value));
  const more = take(from, text);
  return typeof more === 'string' && more !== '' ? [more, ...pairs] : pairs;
}

/** Identities that Vitrine's own processes have already. */
const OWN = /^service\.(?:name|instance\.id|version)=/;

function resource(to: Variables, from: Section): void {
  const pairs = pairsOf(from, 'attributes', 'attributes_list')
    .flatMap((each) => each.split(','))
    .filter((each) => !OWN.test(each));
  if (pairs.length > 0) to.set('OTEL_RESOURCE_ATTRIBUTES', pairs.join(','));
}

function propagators(to: Variables, from: Section): void {
  const named = listOf(take(from, 'composite')).flatMap((each) => Object.keys(each));
  const more = take(from, 'composite_list');
  const all = [...named, ...(typeof more === 'string' ? more.split(',').map((each) => each.trim()) : [])];
  if (all.length > 0) to.set('OTEL_PROPAGATORS', [...new Set(all)].join(','));
}

/** A parent-based sampler is one of the variable's when only its root is given. */
function sampler(to: Variables, tracers: Section): void {
  const given = section(tracers, 'sampler');
  const parent = given['parent_based'];
  const prefix = parent === undefined ? '' : 'parentbased_';
  const root = isSection(parent) ? section(parent, 'root') : given;
  const arg = isSection(root['trace_id_ratio_based']) ? (root['trace_id_ratio_based']['ratio'] ?? 1) : undefined;
  const name =
    'always_on' in root
      ? 'always_on'
      : 'always_off' in root
        ? 'always_off'
        : 'trace_id_ratio_based' in root
          ? 'traceidratio'
          : undefined;
  if (name === undefined) return;
  to.set('OTEL_TRACES_SAMPLER', `${prefix}${name}`);
  to.set('OTEL_TRACES_SAMPLER_ARG', arg);
  if (isSection(parent)) delete parent['root'];
  else for (const each of Object.keys(given)) delete given[each];
}

const OTLP = { endpoint: 'ENDPOINT', compression: 'COMPRESSION', timeout: 'TIMEOUT' } as const;
const TLS = {
  ca_file: 'CERTIFICATE',
  key_file: 'CLIENT_KEY',
  cert_file: 'CLIENT_CERTIFICATE',
  insecure: 'INSECURE',
} as const;

type Signal = 'TRACES' | 'METRICS' | 'LOGS';

const variablesOf = (signal: Signal, options: Readonly<Record<string, string>>): Record<string, string> =>
  Object.fromEntries(Object.entries(options).map(([name, option]) => [name, `OTEL_EXPORTER_OTLP_${signal}_${option}`]));

function otlp(to: Variables, signal: Signal, options: Section, kind: 'http' | 'grpc'): void {
  const encoding = take(options, 'encoding') === 'json' ? 'json' : 'protobuf';
  to.set(`OTEL_EXPORTER_OTLP_${signal}_PROTOCOL`, kind === 'grpc' ? 'grpc' : `http/${encoding}`);
  const headers = pairsOf(options, 'headers', 'headers_list');
  if (headers.length > 0) to.set(`OTEL_EXPORTER_OTLP_${signal}_HEADERS`, headers.join(','));
  to.move(options, variablesOf(signal, OTLP));
  to.move(section(options, 'tls'), variablesOf(signal, TLS));
  if (signal !== 'METRICS') return;
  to.move(options, {
    temporality_preference: 'OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE',
    default_histogram_aggregation: 'OTEL_EXPORTER_OTLP_METRICS_DEFAULT_HISTOGRAM_AGGREGATION',
  });
}

/** One exporter of each kind has variables; another of the same kind is left. */
function exporter(to: Variables, signal: Signal, from: Section): void {
  const list = `OTEL_${signal}_EXPORTER`;
  for (const kind of ['http', 'grpc'] as const) {
    const options = from[`otlp_${kind}`];
    if (options === undefined || to.env[list]?.split(',').includes('otlp') === true) continue;
    to.add(list, 'otlp');
    otlp(to, signal, isSection(options) ? options : {}, kind);
    if (options === null) delete from[`otlp_${kind}`];
  }
  if ('console' in from) {
    to.add(list, 'console');
    if (from['console'] === null) delete from['console'];
  }
}

const BATCH = (prefix: 'OTEL_BSP' | 'OTEL_BLRP'): Record<string, string> => ({
  schedule_delay: `${prefix}_SCHEDULE_DELAY`,
  export_timeout: `${prefix}_EXPORT_TIMEOUT`,
  max_queue_size: `${prefix}_MAX_QUEUE_SIZE`,
  max_export_batch_size: `${prefix}_MAX_EXPORT_BATCH_SIZE`,
});

function processors(to: Variables, signal: 'TRACES' | 'LOGS', provider: Section): void {
  for (const each of listOf(provider['processors'])) {
    const batch = section(each, 'batch');
    to.move(batch, BATCH(signal === 'TRACES' ? 'OTEL_BSP' : 'OTEL_BLRP'));
    exporter(to, signal, section(batch, 'exporter'));
    // Vitrine sends everything in batches, so that no request waits for an export.
    exporter(to, signal, section(section(each, 'simple'), 'exporter'));
  }
}

function readers(to: Variables, provider: Section): void {
  for (const each of listOf(provider['readers'])) {
    const periodic = section(each, 'periodic');
    to.move(periodic, { interval: 'OTEL_METRIC_EXPORT_INTERVAL', timeout: 'OTEL_METRIC_EXPORT_TIMEOUT' });
    exporter(to, 'METRICS', section(periodic, 'exporter'));
    const pull = section(section(each, 'pull'), 'exporter');
    const page = pull['prometheus/development'];
    if (page === undefined) continue;
    to.add('OTEL_METRICS_EXPORTER', 'prometheus');
    if (isSection(page))
      to.move(page, { host: 'OTEL_EXPORTER_PROMETHEUS_HOST', port: 'OTEL_EXPORTER_PROMETHEUS_PORT' });
    if (page === null) delete pull['prometheus/development'];
  }
}

const SPAN_LIMITS = {
  attribute_value_length_limit: 'OTEL_SPAN_ATTRIBUTE_VALUE_LENGTH_LIMIT',
  attribute_count_limit: 'OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT',
  event_count_limit: 'OTEL_SPAN_EVENT_COUNT_LIMIT',
  link_count_limit: 'OTEL_SPAN_LINK_COUNT_LIMIT',
  event_attribute_count_limit: 'OTEL_EVENT_ATTRIBUTE_COUNT_LIMIT',
  link_attribute_count_limit: 'OTEL_LINK_ATTRIBUTE_COUNT_LIMIT',
};
const LOG_LIMITS = {
  attribute_value_length_limit: 'OTEL_LOGRECORD_ATTRIBUTE_VALUE_LENGTH_LIMIT',
  attribute_count_limit: 'OTEL_LOGRECORD_ATTRIBUTE_COUNT_LIMIT',
};
const LIMITS = {
  attribute_value_length_limit: 'OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT',
  attribute_count_limit: 'OTEL_ATTRIBUTE_COUNT_LIMIT',
};

/** `parsed`: a valid file of version 1.x, as the SDK's reader gives it. */
export function environmentOf(parsed: unknown): FileEnvironment {
  const copied = copyOf(parsed);
  const model = isSection(copied) ? copied : {};
  const to = new Variables();
  to.set('OTEL_SDK_DISABLED', take(model, 'disabled'));
  const level = take(model, 'log_level');
  if (typeof level === 'string') to.set('OTEL_LOG_LEVEL', level.replace(/\d$/, ''));
  to.move(section(model, 'attribute_limits'), LIMITS);
  resource(to, section(model, 'resource'));
  propagators(to, section(model, 'propagator'));
  const [tracers, meters, loggers] = ['tracer', 'meter', 'logger'].map((each) => section(model, `${each}_provider`));
  to.move(section(tracers, 'limits'), SPAN_LIMITS);
  sampler(to, tracers);
  processors(to, 'TRACES', tracers);
  to.move(section(loggers, 'limits'), LOG_LIMITS);
  processors(to, 'LOGS', loggers);
  readers(to, meters);
  return { env: to.env, unused: leaves(model, '') };
}

/** An empty section is written as null, so that a section that is empty at the end is one whose values were all taken. */
function copyOf(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(copyOf);
  if (!isSection(value)) return value;
  const entries = Object.entries(value);
  return entries.length === 0 ? null : Object.fromEntries(entries.map(([name, each]) => [name, copyOf(each)]));
}

/** Paths of the values that are left. */
function leaves(value: unknown, path: string): string[] {
  if (Array.isArray(value)) return [...new Set(value.flatMap((each: unknown) => leaves(each, path)))];
  if (!isSection(value)) return value === undefined || (value === null && !isChoice(path)) ? [] : [path];
  return Object.entries(value).flatMap(([name, each]) => leaves(each, path === '' ? name : `${path}.${name}`));
}

/** In these sections the name of an entry is what is chosen, also without a value. */
const isChoice = (path: string): boolean =>
  /(?:sampler|_sampled|exporter|id_generator|detectors|composite)\.[^.]+$/.test(path);
