/** The functions of Alertmanager's templates that Go's language does not have by itself. */
import { Labels } from '../../../../model/labels.ts';
import { BUILTINS, type TemplateFunction } from '../../rules/template/builtins.ts';
import { PLAIN } from '../../rules/template/functions.ts';
import { checkTimeZone } from '../../rules/template/go-time.ts';
import { TemplateError } from '../../rules/template/tree.ts';
import { GoDuration, GoObject, GoTime, plainOf, type Value } from '../../rules/template/value.ts';

function str(value: Value): string {
  if (typeof value === 'string') return value;
  throw new TemplateError('wrong type of argument: expected string');
}

function list(value: Value): readonly Value[] {
  const plain = plainOf(value);
  if (Array.isArray(plain)) return plain as readonly Value[];
  throw new TemplateError('wrong type of argument: expected list');
}

function time(value: Value): GoTime {
  if (value instanceof GoTime) return value;
  throw new TemplateError('wrong type of argument: expected time.Time');
}

/** A value as plain JSON data. */
function jsonOf(given: Value): unknown {
  const value = plainOf(given);
  if (typeof value === 'bigint') return Number(value);
  if (value instanceof GoTime) return new Date(value.ms).toISOString();
  if (value instanceof GoDuration) return Number(value.ns);
  if (value instanceof Labels) return value.toJSON();
  if (Array.isArray(value)) return (value as readonly Value[]).map(jsonOf);
  if (value instanceof Map) {
    const out = Object.create(null) as Record<string, unknown>;
    for (const [name, inner] of value as ReadonlyMap<string, Value>) out[name] = jsonOf(inner);
    return out;
  }
  return value ?? null;
}

/** encoding/json escapes these in texts. */
const HTML = /[<>&\u2028\u2029]/g;
const escaped = (char: string): string => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`;

function dict(values: readonly Value[]): ReadonlyMap<string, Value> {
  if (values.length % 2 !== 0) throw new TemplateError('dict requires an even number of arguments');
  const out = new Map<string, Value>();
  for (let at = 0; at < values.length; at += 2) {
    if (typeof values[at] !== 'string') throw new TemplateError('dict keys must be strings');
    out.set(values[at] as string, values[at + 1]);
  }
  return out;
}

/** Reads a time that was written in Go's layout of RFC 3339, of a date, or of a date and time. */
function dateOf(layout: string, text: string): GoTime {
  const known = ['2006-01-02T15:04:05Z07:00', '2006-01-02', '2006-01-02 15:04:05'];
  const ms = Date.parse(text.includes('T') || !text.includes(' ') ? text : `${text.replace(' ', 'T')}Z`);
  if (!known.includes(layout) || Number.isNaN(ms)) {
    throw new TemplateError(`parsing time ${JSON.stringify(text)} as ${JSON.stringify(layout)}: not possible`);
  }
  return new GoTime(ms);
}

const SHARED = ['reReplaceAll', 'match', 'toUpper', 'toLower', 'safeHtml', 'humanizeDuration'] as const;

const OWN: Readonly<Record<string, TemplateFunction>> = {
  // Other letters become lower case, unlike Prometheus' function of this name.
  title: (value) => PLAIN['title'](str(value).toLowerCase()),
  trimSpace: (value) => str(value).trim(),
  join: (separator, values) => list(values).map(str).join(str(separator)),
  safeUrl: (value) => str(value),
  urlUnescape: (value) => decodeURIComponent(str(value).replaceAll('+', ' ')),
  stringSlice: (...values) => values,
  list: (...values) => values,
  append: (values, ...more) => [...list(values), ...more],
  dict: (...values) => dict(values),
  date: (layout, at) => time(at).method('Format')?.(at, layout),
  tz: (zone, at) => {
    checkTimeZone(str(zone));
    return new GoTime(time(at).ms, str(zone));
  },
  toDate: (layout, value) => dateOf(str(layout), str(value)),
  mustToDate: (layout, value) => dateOf(str(layout), str(value)),
  toJson: (value) => JSON.stringify(jsonOf(value)).replaceAll(HTML, escaped),
  base64encode: (value) => Buffer.from(str(value)).toString('base64').replaceAll('+', '-').replaceAll('/', '_'),
  base64decode: (value) => Buffer.from(str(value), 'base64url').toString('utf8'),
};

/** The label of the route of this name; the pipeline has rendered it before. */
function routeLabel(data: GoObject, name: Value): Value {
  const labels = data.field('RouteLabels');
  return labels instanceof GoObject ? labels.field(str(name)) : '';
}

export function notifyFunctions(data: GoObject, nowMs: number): ReadonlyMap<string, TemplateFunction> {
  return new Map<string, TemplateFunction>([
    ...Object.entries(BUILTINS),
    ...SHARED.map((name): [string, TemplateFunction] => [name, PLAIN[name]]),
    ...Object.entries(OWN),
    ['now', () => new GoTime(nowMs)],
    ['since', (at) => new GoDuration(BigInt(Math.round(nowMs - time(at).ms)) * 1_000_000n)],
    ['routeLabels', (name) => routeLabel(data, name)],
  ]);
}

/** `tmpl` is the executor's own. */
export const NOTIFY_FUNCTION_NAMES: ReadonlySet<string> = new Set([
  ...Object.keys(BUILTINS),
  ...SHARED,
  ...Object.keys(OWN),
  'now',
  'since',
  'routeLabels',
]);
