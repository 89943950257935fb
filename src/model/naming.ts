/**
 * OpenTelemetry names → Prometheus names, strategy `UnderscoreEscapingWithSuffixes` of the compatibility specification
 * (opentelemetry.io/docs/specs/otel/compatibility/prometheus_and_openmetrics) as Prometheus' otlptranslator does it.
 * Every exporter and receiver uses these functions, so a metric has one name everywhere.
 */
import { attributeText } from './attribute-text.ts';
import type { Attributes } from './records.ts';
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
 * the double underscores around a reserved name (`__x__`) are kept. '' when only underscores are left: such a label does
 * not exist.
 */
export function prometheusLabelName(name: string): string {
  const reserved = /^__(.+)__$/s.exec(name);
  const escaped = (reserved?.[1] ?? name).replace(/[^a-zA-Z0-9]+/g, '_');
  if (/^_*$/.test(escaped)) return '';
  if (reserved) return `__${escaped}__`;
  return /^[0-9]/.test(escaped) ? `key_${escaped}` : escaped;
}

/** `By/s` → ['bytes', 'per_second']; a part in braces (`{request}`) is an annotation and gives no word. */
function unitParts(unit: string): [main: string, per: string] {
  const slash = unit.indexOf('/');
  const main = trimGo(slash < 0 ? unit : unit.slice(0, slash));
  const per = slash < 0 ? '' : unitWord(trimGo(unit.slice(slash + 1)), PER_UNITS);
  return [main === '1' ? '' : cleaned(unitWord(main, UNITS)), per === '' ? '' : cleaned(`per_${per}`)];
}

/** White space as Go's `strings.TrimSpace` has it: with U+0085, without the byte order mark. */
const isGoSpace = (unit: string): boolean => unit !== '\ufeff' && /[\s\u0085]/.test(unit);

/** By hand: `[\s]+$` tries each space of the text anew, and a unit of some thousand spaces took seconds. */
function trimGo(text: string): string {
  let [from, to] = [0, text.length];
  while (from < to && isGoSpace(text[from])) from += 1;
  while (to > from && isGoSpace(text[to - 1])) to -= 1;
  return text.slice(from, to);
}

function unitWord(part: string, table: Readonly<Record<string, string>>): string {
  if (/[{}]/.test(part)) return '';
  return Object.hasOwn(table, part) ? table[part] : part;
}

/**
 * Foreign characters and runs of underscores become one underscore; one at the beginning is removed, one at the end is kept.
 */
const cleaned = (word: string): string => word.replace(/[^a-zA-Z0-9:]+/g, '_').replace(/^_/, '');

/** `s` → `seconds`, `By/s` → `bytes_per_second`, `{request}` → ''. */
export function unitWords(unit: string): string {
  const words = unitParts(unit).filter((word) => word !== '');
  return words.join('_').replace(/^_|_$/g, '');
}

/** Adds the words of the unit that the name does not have yet at the end of the name (otlptranslator's addUnitTokens). */
function addUnit(tokens: string[], unit: string): void {
  const [mainWord, perWord] = unitParts(unit);
  const per = perWord === 'per_' ? '' : perWord.replace(/_$/, '');
  const addPer = per !== '' && !tokens.includes(per);
  const main = tokens.includes(mainWord) ? '' : mainWord;
  const shown = addPer ? main.replace(/_$/, '') : main;
  if (shown !== '') tokens.push(shown);
  if (addPer) tokens.push(per);
}

/** The Prometheus family name, without the `_bucket`, `_sum` and `_count` of its series. '' when no character is left. */
export function prometheusMetricName(name: string, unit: string, kind: NamedKind): string {
  const tokens = nameTokens(name);
  addUnit(tokens, unit);
  if (kind === 'counter') moveToEnd(tokens, 'total');
  if (unit === '1' && kind === 'gauge') moveToEnd(tokens, 'ratio');
  const joined = tokens.join('_');
  if (/^_+$/.test(joined) && joined !== name) return '';
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
export function targetIdentity(attributes: Attributes): { job: string; instance: string } {
  const text = (key: string): string => {
    const value = attributes[key];
    return value === undefined ? '' : attributeText(value);
  };
  const namespace = text('service.namespace');
  const name = text('service.name');
  return { job: namespace === '' ? name : `${namespace}/${name}`, instance: text('service.instance.id') };
}
