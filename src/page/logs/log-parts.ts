/** Levels, the fields beside the lines, phrases of patterns, new patterns, and what is new in a list. Pure. */
import type { LogsAnswer, LogView, WireAttributes } from '../../monitor/api/contract.ts';
import type { FieldsAnswer, LogHistogramAnswer, PatternsAnswer } from '../../monitor/api/records/contract.ts';
import type { CountSeries } from '../charts/data/count-series.ts';

/** From the foot of a bar up: the worst level is the easiest to compare. */
const LEVELS: readonly (readonly [name: string, className: string])[] = [
  ['fatal', 'f-crit-mark'],
  ['error', 'f-crit-mark'],
  ['warn', 'f-warn-mark'],
  ['info', 'f-http-2xx'],
  ['debug', 'f-http-3xx'],
  ['trace', 'f-http-3xx'],
  ['unknown', 'f-line-strong'],
];

/** Only levels that occur. */
export function levelSeries({ levels }: Pick<LogHistogramAnswer, 'levels'>): readonly CountSeries[] {
  return LEVELS.flatMap(([name, className]) => {
    const counts = Object.hasOwn(levels, name) ? levels[name] : undefined;
    return counts === undefined ? [] : [{ name, className, counts }];
  });
}

export const sumOf = (counts: readonly number[]): number => counts.reduce((sum, count) => sum + count, 0);

const ERROR = 17;
const WARN = 13;

/** The status that a severity number of OpenTelemetry stands for; undefined below WARN. */
export function statusOf(severityNumber: number): 'crit' | 'warn' | undefined {
  if (severityNumber >= ERROR) return 'crit';
  return severityNumber >= WARN ? 'warn' : undefined;
}

/** These are always there; every other field must be worth its place. */
const ALWAYS = ['level', 'service'];
/** Nearly every line has its own. */
const NEVER = ['message', 'trace', 'span', 'service.name'];
const MOST_FIELDS = 6;
const MOST_VALUES = 50;

/** The fields whose values are listed: few different values, in many lines. */
export function facetsOf(fields: FieldsAnswer['fields']): readonly string[] {
  const useful = fields
    .filter(({ name, type, cardinality }) => {
      const isKnown = ALWAYS.includes(name) || NEVER.includes(name);
      return !isKnown && type !== 'list' && type !== 'map' && cardinality <= MOST_VALUES;
    })
    .toSorted((a, b) => b.records - a.records || a.cardinality - b.cardinality || (a.name < b.name ? -1 : 1));
  return [...ALWAYS, ...useful.map(({ name }) => name)].slice(0, MOST_FIELDS);
}

/** The longest part of a template without a gap: a phrase that its lines have in common, '' when it has no words. */
export function phraseOf(template: string): string {
  const parts = template.split('<*>').map((part) => part.trim());
  return parts.reduce((best, part) => (part.length > best.length ? part : best), '');
}

export type Pattern = PatternsAnswer['patterns'][number];

/** A pattern that the store does not know (without a level) was counted in this range only: nothing says that it is new. */
export const isNewPattern = ({ level, first_seen_ms: firstMs }: Pattern, fromMs: number): boolean =>
  level !== '' && firstMs >= fromMs;

/** How many of `now`, the newest first, came after `held`. */
export function countNewer(now: readonly LogView[], held: readonly LogView[]): number {
  const known = new Set(held.map(({ id }) => id));
  const at = now.findIndex(({ id }) => known.has(id));
  return at < 0 ? now.length : at;
}

/** A line with the attributes of its sender's resource. */
export interface ShownLine extends LogView {
  readonly home: WireAttributes;
}

/** The lines of several pages of one search. */
export const shownLines = (answers: readonly LogsAnswer[]): readonly ShownLine[] =>
  answers.flatMap(({ logs, resources }) => logs.map((line) => ({ ...line, home: resources[line.resource] })));
