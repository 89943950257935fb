/**
 * OpenTelemetry names → Prometheus names, strategy `UnderscoreEscapingWithSuffixes` of the compatibility specification
 * (opentelemetry.io/docs/specs/otel/compatibility/prometheus_and_openmetrics) as Prometheus' otlptranslator does it.
 * Every road uses these functions, which is why a metric has one name everywhere.
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

/** `a.b-c` → `a_b_c`; runs of underscores become one; a leading digit gets one before it. */
function escapeMetricName(name: string): string {
  const escaped = name.replace(/[^a-zA-Z0-9:]+/g, '_');
  return /^[0-9]/.test(escaped) ? `_${escaped}` : escaped;
}

/** Label names: as metric names, but every foreign character becomes its own underscore, and a leading digit gets `key_`. */
export function prometheusLabelName(name: string): string {
  const escaped = name
    .replace(/[^a-zA-Z0-9_]/g, '_')
    .replace(/_{2,}/g, (run, at: number) => (at === 0 && /^__.*__$/.test(name) ? run : '_'));
  if (/^[0-9]/.test(escaped)) return `key_${escaped}`;
  return escaped;
}

/** `s` → `seconds`, `By/s` → `bytes_per_second`, `{request}` → ''. */
export function unitWords(unit: string): string {
  const bare = unit.replace(/\{[^}]*\}/g, '').trim();
  const slash = bare.indexOf('/');
  const main = (slash < 0 ? bare : bare.slice(0, slash)).trim();
  const per = slash < 0 ? '' : bare.slice(slash + 1).trim();
  const words: string[] = [];
  if (main !== '' && main !== '1') words.push(escapeMetricName(UNITS[main] ?? main));
  if (per !== '') words.push('per', escapeMetricName(PER_UNITS[per] ?? per));
  return words.join('_').replace(/^_+|_+$/g, '');
}

/** The Prometheus family name, without the `_bucket`, `_sum` and `_count` of its series. */
export function prometheusMetricName(name: string, unit: string, kind: NamedKind): string {
  const tokens = escapeMetricName(name)
    .split('_')
    .filter((token, at) => token !== '' || at === 0);
  const words = unitWords(unit);
  if (words !== '') {
    for (const word of words.startsWith('per_')
      ? [words]
      : words.split('_per_').map((part, at) => (at === 0 ? part : `per_${part}`))) {
      if (!tokens.includes(word) && !tokens.join('_').endsWith(word)) tokens.push(...word.split('_'));
    }
  }
  if (unit === '1' && kind === 'gauge') {
    moveToEnd(tokens, 'ratio');
  }
  if (kind === 'counter') moveToEnd(tokens, 'total');
  return tokens.join('_');
}

function moveToEnd(tokens: string[], word: string): void {
  const at = tokens.indexOf(word);
  if (at >= 0) tokens.splice(at, 1);
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
