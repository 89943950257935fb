/**
 * Values that can be compared: numbers, durations, sizes, levels and times, each read from the form in which people write
 * it. A value of a record is compared only when it can be read as the same kind; nothing else compares.
 */
import { parseSizeBytes } from '../../base/units.ts';
import type { AttributeValue } from '../../model/records.ts';
import { LEVELS, severityOfName } from '../../model/text/severity.ts';

export type LiteralKind = 'number' | 'duration' | 'size' | 'level' | 'time';

/** Durations are milliseconds, sizes bytes, levels severity numbers, times milliseconds since the epoch. */
export interface Literal {
  readonly kind: LiteralKind;
  readonly value: number | bigint;
}

const NUMBER = /^[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:e[+-]?\d+)?$/i;
const INTEGER = /^[+-]?\d+$/;
const DURATION_PART = /(\d+(?:\.\d+)?)(ns|us|µs|μs|ms|[smhdwy])/g;
const DURATION = /^-?(?:\d+(?:\.\d+)?(?:ns|us|µs|μs|ms|[smhdwy]))+$/;
const UNIT_MS: Readonly<Record<string, number>> = {
  ns: 1e-6,
  us: 1e-3,
  µs: 1e-3,
  μs: 1e-3,
  ms: 1,
  s: 1_000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
  w: 604_800_000,
  y: 31_536_000_000,
};
/** RFC 3339 with its date alone, without seconds, or in full. Without an offset the time is UTC. */
const TIME = /^\d{4}-\d\d-\d\d(?:[Tt ]\d\d:\d\d(?::\d\d(?:\.\d{1,9})?)?(?:[Zz]|[+-]\d\d:\d\d)?)?$/;
const RELATIVE = /^now(?:([+-])(.+))?$/i;

export function numberOf(text: string): number | bigint | undefined {
  if (!NUMBER.test(text)) return undefined;
  const value = Number(text);
  return INTEGER.test(text) && !Number.isSafeInteger(value) ? BigInt(text.replace(/^\+/, '')) : value;
}

/** Milliseconds of `200ms`, `1.5s`, `250us`, `1h30m`; undefined without a unit. */
export function durationMsOf(text: string): number | undefined {
  if (!DURATION.test(text)) return undefined;
  let total = 0;
  for (const [, digits, unit] of text.matchAll(DURATION_PART)) total += Number(digits) * UNIT_MS[unit];
  return text.startsWith('-') ? -total : total;
}

/** Milliseconds since the epoch of an RFC 3339 time. */
export function timeMsOf(text: string): number | undefined {
  if (!TIME.test(text)) return undefined;
  const hasTime = text.length > 10;
  const hasOffset = /(?:[Zz]|[+-]\d\d:\d\d)$/.test(text.slice(10));
  const ms = Date.parse(hasTime && !hasOffset ? `${text.replace(' ', 'T')}Z` : text.replace(' ', 'T'));
  return Number.isNaN(ms) ? undefined : ms;
}

/** Milliseconds since the epoch of `now`, `now-1h`, `now+5m`. */
export function relativeTimeMs(text: string, nowMs: number): number | undefined {
  const found = RELATIVE.exec(text);
  if (found === null) return undefined;
  if (found[2] === undefined) return nowMs;
  const ms = durationMsOf(found[2]);
  if (ms === undefined || ms < 0) return undefined;
  return found[1] === '-' ? nowMs - ms : nowMs + ms;
}

/** The value of a level's name, also of a name that another logger uses. */
export function levelOf(text: string): number | undefined {
  const lower = text.toLowerCase();
  if (Object.hasOwn(LEVELS, lower)) return LEVELS[lower];
  const severity = /^[a-z]+$/.test(lower) ? severityOfName(lower) : 0;
  return severity === 0 ? undefined : severity;
}

/** The literal that `text` is, tried from the most to the least particular form; undefined when it is none. */
export function literalOf(text: string, nowMs: number): Literal | undefined {
  const number = numberOf(text);
  if (number !== undefined) return { kind: 'number', value: number };
  const duration = durationMsOf(text);
  if (duration !== undefined) return { kind: 'duration', value: duration };
  const size = parseSizeBytes(text);
  if (size !== undefined) return { kind: 'size', value: size };
  const time = timeMsOf(text) ?? relativeTimeMs(text, nowMs);
  if (time !== undefined) return { kind: 'time', value: time };
  const level = levelOf(text);
  return level === undefined ? undefined : { kind: 'level', value: level };
}

/**
 * The unit of plain numbers in a field, in milliseconds, as the end of its name says it (`duration_ms`, `elapsedSeconds`) or
 * as its writer defines it (pino-http's `responseTime`, ECS' `event.duration`, the parts of a request row). Undefined for
 * other names: their plain numbers are no durations.
 */
export function unitMsOf(field: string): number | undefined {
  const known = KNOWN_UNITS.get(field);
  if (known !== undefined) return known;
  if (field.startsWith('vitrine.phase.')) return 1;
  const [, snake, camel = ''] = /[._-]([a-z]+)$|[a-z0-9]([A-Z][a-z]+)$/.exec(field) ?? [];
  const unit = snake ?? camel.toLowerCase();
  return Object.hasOwn(UNIT_NAMES, unit) ? UNIT_NAMES[unit] : undefined;
}

const UNIT_NAMES: Readonly<Record<string, number>> = {
  ns: 1e-6,
  nanos: 1e-6,
  nanoseconds: 1e-6,
  us: 1e-3,
  micros: 1e-3,
  microseconds: 1e-3,
  ms: 1,
  millis: 1,
  milliseconds: 1,
  s: 1_000,
  sec: 1_000,
  secs: 1_000,
  seconds: 1_000,
};
const KNOWN_UNITS = new Map<string, number>([
  ...['duration', 'queue', 'connect', 'transfer', 'phase.cache', 'phase.upstream', 'responseTime', 'response_time'].map(
    (name) => [name, 1] as const,
  ),
  ['event.duration', 1e-6],
  ['http.server.request.duration', 1_000],
  ['http.client.request.duration', 1_000],
  ['db.client.operation.duration', 1_000],
]);

/** The value of a record as a literal of the wanted kind; undefined when it cannot be read as one. */
export function readAs(
  kind: LiteralKind,
  value: AttributeValue,
  field: string,
  nowMs: number,
): number | bigint | undefined {
  if (typeof value === 'number' || typeof value === 'bigint') return readNumber(kind, value, field);
  if (typeof value !== 'string') return undefined;
  if (kind === 'level') return levelOf(value);
  const literal = literalOf(value, nowMs);
  if (literal === undefined) return undefined;
  if (literal.kind === kind) return literal.value;
  return literal.kind === 'number' ? readNumber(kind, literal.value, field) : undefined;
}

function readNumber(kind: LiteralKind, value: number | bigint, field: string): number | bigint | undefined {
  if (kind === 'number' || kind === 'size') return value;
  // Loggers number their levels differently; only the record's own level has the specification's numbers.
  if (kind === 'level') return field === 'level' ? value : undefined;
  // A time is a number of milliseconds since the epoch; smaller numbers are something else.
  if (kind === 'time') return value >= 100_000_000_000 ? value : undefined;
  const unit = unitMsOf(field);
  return unit === undefined ? undefined : Number(value) * unit;
}
