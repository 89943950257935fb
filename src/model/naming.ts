/**
 * OpenTelemetry names → Prometheus names, strategy `UnderscoreEscapingWithSuffixes` of the compatibility specification
 * (opentelemetry.io/docs/specs/otel/compatibility/prometheus_and_openmetrics) as Prometheus' otlptranslator does it.
 * Every exporter and receiver uses these functions, so a metric has one name everywhere.
 */
import type { MetricType } from './series.ts';

const UNITS: Readonly<Record<string, string>> = {
  d: 'days',
  h: 'hours',
  min: 'minutes',
  s: 'seconds',
  ms: 'milliseconds',
  us: 'microseconds',
  ns: 'nanoseconds',
  By: 'bytes',
  KiBy: 'kibibytes',
  MiBy: 'mebibytes',
  GiBy: 'gibibytes',
  TiBy: 'tibibytes',
  KBy: 'kilobytes',
  MBy: 'megabytes',
  GBy: 'gigabytes',
  TBy: 'terabytes',
  m: 'meters',
  V: 'volts',
  A: 'amperes',
  J: 'joules',
  W: 'watts',
  g: 'grams',
  Cel: 'celsius',
  Hz: 'hertz',
  '%': 'percent',
};
const PER_UNITS: Readonly<Record<string, string>> = {
  s: 'second',
  m: 'minute',
  h: 'hour',
  d: 'day',
  w: 'week',
  mo: 'month',
  y: 'year',
};

export type NamedKind = 'counter' | 'updowncounter' | 'gauge' | 'histogram';

/** The parts of a metric name: everything but ASCII letters, digits and `:` only separates. */
function nameTokens(name: string): string[] {
  return name.split(/[^a-zA-Z0-9:]+/).filter((token) => token !== '');
}

/**
 * Label names: every run of foreign characters and underscores becomes one underscore, a leading digit gets `key_`, and
 * the double underscores around a reserved name (`__x__`) are kept.
 */
export function prometheusLabelName(name: string): string {
  const reserved = /^__(.+)__$/s.exec(name);
  const escaped = (reserved?.[1] ?? name).replace(/[^a-zA-Z0-9]+/g, '_');
  if (reserved) return `__${escaped}__`;
  return /^[0-9]/.test(escaped) ? `key_${escaped}` : escaped;
}

/** `By/s` → ['bytes', 'second']; a part in braces (`{request}`) is an annotation and gives no word. */
function unitParts(unit: string): [main: string, per: string] {
  const slash = unit.indexOf('/');
  const main = (slash < 0 ? unit : unit.slice(0, slash)).trim();
  const per = slash < 0 ? '' : unit.slice(slash + 1).trim();
  return [main === '1' ? '' : unitWord(main, UNITS), unitWord(per, PER_UNITS)];
}

function unitWord(part: string, table: Readonly<Record<string, string>>): string {
  if (/[{}]/.test(part)) return '';
  const word = Object.hasOwn(table, part) ? table[part] : part;
  return word.replace(/[^a-zA-Z0-9:]+/g, '_').replace(/^_+|_+$/g, '');
}

/** `s` → `seconds`, `By/s` → `bytes_per_second`, `{request}` → ''. */
export function unitWords(unit: string): string {
  const [main, per] = unitParts(unit);
  if (per === '') return main;
  return main === '' ? `per_${per}` : `${main}_per_${per}`;
}

/** The Prometheus family name, without the `_bucket`, `_sum` and `_count` of its series. '' when no character is left. */
export function prometheusMetricName(name: string, unit: string, kind: NamedKind): string {
  const tokens = nameTokens(name);
  if (tokens.length === 0) return '';
  const [main, per] = unitParts(unit);
  const addPer = per !== '' && !tokens.includes(per);
  if (main !== '' && !tokens.includes(main)) tokens.push(main);
  if (addPer) tokens.push('per', per);
  if (kind === 'counter') moveToEnd(tokens, 'total');
  if (unit === '1' && kind === 'gauge') moveToEnd(tokens, 'ratio');
  const joined = tokens.join('_');
  return /^[0-9]/.test(joined) ? `_${joined}` : joined;
}

/** Removes every `word`, as otlptranslator does, before it is put last. */
function moveToEnd(tokens: string[], word: string): void {
  for (let at = tokens.indexOf(word); at >= 0; at = tokens.indexOf(word)) tokens.splice(at, 1);
  tokens.push(word);
}

/** The Prometheus type under which a kind is exposed. */
export function prometheusType(kind: NamedKind): MetricType {
  if (kind === 'updowncounter') return 'gauge';
  return kind;
}

/** `job` and `instance` of a resource, and the rest of its attributes for `target_info`. */
export function targetIdentity(attributes: Readonly<Record<string, unknown>>): { job: string; instance: string } {
  const text = (key: string): string => {
    const value = attributes[key];
    return typeof value === 'string' ? value : '';
  };
  const namespace = text('service.namespace');
  const name = text('service.name');
  return { job: namespace === '' ? name : `${namespace}/${name}`, instance: text('service.instance.id') };
}
