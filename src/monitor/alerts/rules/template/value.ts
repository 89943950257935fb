/** Values of templates and how Go prints them (`fmt.Sprint`, `%v`). */
import { Labels } from '../../../../model/labels.ts';
import { formatGeneral } from '../../../../model/go-float.ts';
import { formatGoTime } from './go-time.ts';
import { TemplateError } from './tree.ts';

/** A sample of `query`, with the fields templates know. */
export interface SampleValue {
  readonly Labels: Labels;
  readonly Value: number;
}

/** A method of a Go value, called with what stands behind its name. */
export type GoMethod = (self: Value, ...args: readonly Value[]) => Value;

/**
 * A Go value with methods, such as the alerts of a notification: `inner` is a struct (a Map whose missing field is an error),
 * a map of texts, or a list.
 */
export class GoObject {
  readonly inner: Labels | ReadonlyMap<string, Value> | readonly Value[];
  readonly #type: string;
  readonly #methods: Readonly<Record<string, GoMethod>>;

  constructor(type: string, inner: GoObject['inner'], methods: Readonly<Record<string, GoMethod>> = {}) {
    this.#type = type;
    this.inner = inner;
    this.#methods = methods;
  }

  method(name: string): GoMethod | undefined {
    return Object.hasOwn(this.#methods, name) ? this.#methods[name] : undefined;
  }

  field(name: string): Value {
    if (this.inner instanceof Labels) return this.inner.get(name);
    if (this.inner instanceof Map && this.inner.has(name)) return (this.inner as ReadonlyMap<string, Value>).get(name);
    throw new TemplateError(`can't evaluate field ${name} in type ${this.#type}`);
  }

  toString(): string {
    const text = this.method('String');
    return goString(text === undefined ? this.inner : text(this));
  }
}

/** The value without its methods. */
export const plainOf = (value: Value): Value => (value instanceof GoObject ? value.inner : value);

const TIME_METHODS: Readonly<Record<string, GoMethod>> = {
  Format: (self, layout) => {
    if (typeof layout !== 'string') throw new TemplateError('wrong type of argument: expected string');
    return formatGoTime((self as GoTime).ms, (self as GoTime).zone, layout);
  },
  Unix: (self) => BigInt(Math.floor((self as GoTime).ms / 1_000)),
  UTC: (self) => new GoTime((self as GoTime).ms),
  IsZero: (self) => (self as GoTime).ms === ZERO_TIME_MS,
};

/** Go's zero time, the year 1. */
export const ZERO_TIME_MS = -62_135_596_800_000;

/** `time.Time` and `time.Duration` of toTime, toDuration and humanizeTimestamp. */
export class GoTime {
  readonly ms: number;
  /** IANA name. */
  readonly zone: string;
  constructor(ms: number, zone = 'UTC') {
    this.ms = ms;
    this.zone = zone;
  }
  method(name: string): GoMethod | undefined {
    return TIME_METHODS[name];
  }
  toString(): string {
    const iso = new Date(this.ms).toISOString();
    const fraction = iso.slice(19, 23).replace(/\.?0+$/, '');
    if (this.zone !== 'UTC') return formatGoTime(this.ms, this.zone, '2006-01-02 15:04:05.999 -0700 MST');
    return `${iso.slice(0, 10)} ${iso.slice(11, 19)}${fraction} +0000 UTC`;
  }
}

export class GoDuration {
  readonly ns: bigint;
  constructor(ns: bigint) {
    this.ns = ns;
  }
  toString(): string {
    if (this.ns === 0n) return '0s';
    const negative = this.ns < 0n;
    const size = negative ? -this.ns : this.ns;
    const sign = negative ? '-' : '';
    if (size < 1_000n) return `${sign}${size}ns`;
    if (size < 1_000_000n) return `${sign}${Number(size) / 1e3}µs`;
    if (size < 1_000_000_000n) return `${sign}${Number(size) / 1e6}ms`;
    const hours = size / 3_600_000_000_000n;
    const minutes = (size / 60_000_000_000n) % 60n;
    const seconds = `${Number(size % 60_000_000_000n) / 1e9}s`;
    if (hours > 0n) return `${sign}${hours}h${minutes}m${seconds}`;
    return minutes > 0n ? `${sign}${minutes}m${seconds}` : sign + seconds;
  }
}

export type Value =
  | string
  | number
  | bigint
  | boolean
  | null
  | undefined
  | Labels
  | SampleValue
  | GoTime
  | GoDuration
  | GoObject
  | readonly Value[]
  | ReadonlyMap<string, Value>;

export const isSample = (value: Value): value is SampleValue =>
  typeof value === 'object' && value !== null && 'Labels' in value && 'Value' in value;

export function typeName(value: Value): string {
  switch (typeof value) {
    case 'string':
      return 'string';
    case 'number':
      return 'float64';
    case 'bigint':
      return 'int';
    case 'boolean':
      return 'bool';
    default:
      if (value === null || value === undefined) return '<nil>';
      if (value instanceof Labels) return 'map[string]string';
      return Array.isArray(value) ? '[]interface {}' : 'interface {}';
  }
}

/** `%v`. */
export function goString(value: Value): string {
  if (value === undefined) return '<no value>';
  if (value === null) return '<nil>';
  if (typeof value === 'number') return formatGeneral(value);
  if (typeof value !== 'object') return String(value);
  if (Array.isArray(value)) return `[${(value as readonly Value[]).map(goString).join(' ')}]`;
  if (value instanceof Labels) return goMap([...value]);
  if (value instanceof Map)
    return goMap([...(value as ReadonlyMap<string, Value>)].sort(([a], [b]) => (a < b ? -1 : 1)));
  if (isSample(value)) return `{${goString(value.Labels)} ${goString(value.Value)}}`;
  return (value as GoTime | GoDuration | GoObject).toString();
}

const goMap = (entries: readonly (readonly [string, Value])[]): string =>
  `map[${entries.map(([name, value]) => `${name}:${goString(value)}`).join(' ')}]`;

/** Go's idea of truth in `if`, `and`, `or`, `not`. */
export function isTrue(given: Value): boolean {
  const value = plainOf(given);
  if (value === null || value === undefined) return false;
  if (typeof value !== 'object') return value !== '' && value !== 0 && value !== 0n && value !== false;
  if (Array.isArray(value)) return value.length > 0;
  if (value instanceof Labels || value instanceof Map) return value.size > 0;
  return value instanceof GoDuration ? value.ns !== 0n : true;
}

/** `.Name` of a value. A missing key of a label set is '' (Prometheus' `missingkey=zero`). */
export function fieldOf(value: Value, name: string): Value {
  const method = methodOf(value, name);
  if (method !== undefined) return called(name, method, [value]);
  if (value instanceof GoObject) return value.field(name);
  if (value instanceof Labels) return value.get(name);
  if (value instanceof Map) return (value as ReadonlyMap<string, Value>).get(name);
  if (isSample(value) && (name === 'Labels' || name === 'Value')) return value[name];
  throw new TemplateError(`can't evaluate field ${name} in type ${typeName(value)}`);
}

export const methodOf = (value: Value, name: string): GoMethod | undefined =>
  value instanceof GoObject || value instanceof GoTime ? value.method(name) : undefined;

/** Throws TemplateError for a wrong number of arguments. `args` begins with the value itself. */
export function called(name: string, method: GoMethod, args: readonly [Value, ...Value[]]): Value {
  if (method.length !== args.length) {
    throw new TemplateError(`wrong number of args for ${name}: want ${method.length - 1} got ${args.length - 1}`);
  }
  return method(...args);
}

/** Reads numbers that are given to humanize and similar functions, as Prometheus reads them. */
export function toFloat(value: Value): number {
  if (typeof value === 'number') return value;
  if (typeof value === 'bigint') return Number(value);
  if (value instanceof GoDuration) return Number(value.ns) / 1e9;
  if (typeof value === 'string' && value.trim() !== '') {
    const parsed = /^[+-]?inf(?:inity)?$/i.test(value)
      ? Number(`${value[0] === '-' ? '-' : ''}Infinity`)
      : Number(value);
    if (!Number.isNaN(parsed) || /^nan$/i.test(value)) return parsed;
    throw new TemplateError(`strconv.ParseFloat: parsing ${JSON.stringify(value)}: invalid syntax`);
  }
  throw new TemplateError(`can't convert ${typeName(value)} to float`);
}
