/**
 * Prometheus' template functions. Functions that need data from outside (query, now, external URL) get it from the context.
 */
import type { RE2JS } from 're2js';
import { parseDurationMs } from '../../../../base/units.ts';
import { MAX_REGEX_LENGTH } from '../../../../model/text/regex.ts';
import { chargeMatch, compileRe2 } from '../../../../model/text/regex.ts';
import { expandReplacement } from '../../../promql/functions/replacement.ts';
import { BUILTINS, queryEscape } from './builtins.ts';
import type { TemplateFunction } from './builtins.ts';
import { humanize, humanize1024, humanizeDuration, humanizePercentage, humanizeTimestamp } from './humanize.ts';
import { TemplateError } from './tree.ts';
import type { SampleValue, Value } from './value.ts';
import { GoDuration, GoTime, isSample, toFloat } from './value.ts';

export interface TemplateContext {
  /** Instant query at the time of the evaluation. */
  readonly query: (expr: string) => Promise<readonly SampleValue[]>;
  readonly nowMs: number;
  readonly externalUrl: string;
}

function str(value: Value): string {
  if (typeof value === 'string') return value;
  throw new TemplateError('wrong type of argument: expected string');
}

function sample(value: Value): SampleValue {
  if (isSample(value)) return value;
  throw new TemplateError('wrong type of argument: expected sample');
}

function list(value: Value): readonly Value[] {
  if (Array.isArray(value)) return value as readonly Value[];
  throw new TemplateError('wrong type of argument: expected query result');
}

function regex(pattern: string): RE2JS {
  if (pattern.length > MAX_REGEX_LENGTH) throw new TemplateError('regular expression is too long');
  const compiled = compileRe2(pattern);
  if (typeof compiled === 'string') throw new TemplateError(compiled);
  return compiled;
}

/** Throws VitrineError `query_failed` when the match would take too long. */
function matcherOf(pattern: string, text: string): ReturnType<RE2JS['matcher']> {
  const compiled = regex(pattern);
  chargeMatch(compiled.programSize(), text, undefined);
  return compiled.matcher(text);
}

/** Go's ReplaceAllString. */
function replaceAll(pattern: string, replacement: string, text: string): string {
  const matcher = matcherOf(pattern, text);
  const groups = matcher.groupCount();
  let out = '';
  let end = 0;
  while (matcher.find()) {
    const groupOf = (reference: string): string => {
      if (!/^\d+$/.test(reference))
        return matcher.pattern().namedGroups()[reference] ? (matcher.group(reference) ?? '') : '';
      return Number(reference) <= groups ? (matcher.group(Number(reference)) ?? '') : '';
    };
    out += text.slice(end, matcher.start()) + expandReplacement(replacement, groupOf);
    end = matcher.end();
  }
  return out + text.slice(end);
}

/** `[::1]:80` → host and port; port '' when there is none. */
function splitHostPort(text: string): { host: string; port: string } {
  const found = /^(?:\[([^\]]*)\]|([^:[\]]*)):(\d*)$/.exec(text);
  return found === null ? { host: text, port: '' } : { host: found[1] ?? found[2], port: found[3] };
}

function stripDomain(text: string): string {
  const { host, port } = splitHostPort(text);
  if (/^\d+\.\d+\.\d+\.\d+$/.test(host) || host.includes(':')) return text;
  const [name] = host.split('.');
  return port === '' ? name : `${name}:${port}`;
}

/** As strings.Title: upper case for each letter that follows a non-letter. */
const title = (text: string): string =>
  text.replace(/(^|[^\p{L}\p{N}_'])(\p{L})/gu, (_all, before: string, letter: string) => before + letter.toUpperCase());

function sortByLabel(label: string, samples: readonly Value[]): readonly Value[] {
  const key = (value: Value): string => sample(value).Labels.get(label);
  return [...samples].sort((a, b) => (key(a) < key(b) ? -1 : Number(key(a) > key(b))));
}

function graphPath(expr: string, tab: 0 | 1): string {
  return `/graph?g0.expr=${queryEscape(expr)}&g0.tab=${tab}`;
}

function durationSeconds(text: string): number {
  const ms = parseDurationMs(text);
  if (ms === undefined) throw new TemplateError(`not a valid duration string: ${JSON.stringify(text)}`);
  return ms / 1_000;
}

/** Functions of Prometheus that need nothing from outside. */
export const PLAIN: Readonly<Record<string, TemplateFunction>> = {
  first: (samples) => {
    const [head] = list(samples);
    if (head === undefined) throw new TemplateError('first() called on vector with no elements');
    return head;
  },
  label: (name, of) => sample(of).Labels.get(str(name)),
  value: (of) => sample(of).Value,
  strvalue: (of) => sample(of).Labels.get('__value__'),
  args: (...args) => new Map(args.map((value, at) => [`arg${at}`, value] as const)),
  reReplaceAll: (pattern, replacement, text) => replaceAll(str(pattern), str(replacement), str(text)),
  match: (pattern, text) => matcherOf(str(pattern), str(text)).find(),
  safeHtml: (text) => str(text),
  title: (text) => title(str(text)),
  toUpper: (text) => str(text).toUpperCase(),
  toLower: (text) => str(text).toLowerCase(),
  graphLink: (expr) => graphPath(str(expr), 0),
  tableLink: (expr) => graphPath(str(expr), 1),
  sortByLabel: (label, samples) => sortByLabel(str(label), list(samples)),
  stripPort: (text) => splitHostPort(str(text)).host,
  stripDomain: (text) => stripDomain(str(text)),
  humanize,
  humanize1024,
  humanizeDuration,
  humanizePercentage,
  humanizeTimestamp,
  toTime: (seconds) => {
    const value = toFloat(seconds);
    if (!(Math.abs(value) <= 8.64e12)) throw new TemplateError('time is out of range');
    return new GoTime(value * 1_000);
  },
  toDuration: (seconds) => {
    const ns = toFloat(seconds) * 1e9;
    if (!(Math.abs(ns) < 2 ** 63)) throw new TemplateError('duration is out of range');
    return new GoDuration(BigInt(Math.trunc(ns)));
  },
  parseDuration: (text) => durationSeconds(str(text)),
  urlQueryEscape: (text) => queryEscape(str(text)),
};

/** The executor implements `tmpl`, because it knows the defined templates. */
export const FUNCTION_NAMES: ReadonlySet<string> = new Set([
  ...Object.keys(BUILTINS),
  ...Object.keys(PLAIN),
  'query',
  'now',
  'pathPrefix',
  'externalURL',
  'tmpl',
]);

function pathPrefix(url: string): string {
  return URL.canParse(url) ? new URL(url).pathname.replace(/\/$/, '') : '';
}

export function functionsFor(context: TemplateContext): ReadonlyMap<string, TemplateFunction> {
  return new Map<string, TemplateFunction>([
    ...Object.entries(BUILTINS),
    ...Object.entries(PLAIN),
    ['query', (expr) => context.query(str(expr))],
    ['now', () => context.nowMs / 1_000],
    ['pathPrefix', () => pathPrefix(context.externalUrl)],
    ['externalURL', () => context.externalUrl],
  ]);
}
