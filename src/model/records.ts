/**
 * Spans and log records in OpenTelemetry's data model, as every protocol delivers them to the monitor.
 * Times are nanoseconds since the epoch (bigint), as OTLP has them; ids are lower-case hexadecimal, '' when absent.
 */

export type AttributeValue =
  | string
  | number
  | boolean
  | bigint
  | null
  | readonly AttributeValue[]
  | { readonly [key: string]: AttributeValue };

/** Null-prototype or Map-like data: keys come from outside and may be `__proto__`. */
export type Attributes = Readonly<Record<string, AttributeValue>>;
export type AttributeBag = Record<string, AttributeValue>;

/**
 * Objects for attributes whose keys come from outside. `Object.create(null)` would be correct, but V8 stores such objects as
 * hash tables. Instances of a constructor with an empty prototype are fast, and `__proto__` is an ordinary key in them.
 */
const Bag = function Bag() {} as unknown as new () => AttributeBag;
Bag.prototype = Object.freeze(Object.create(null));

export function newBag(): AttributeBag {
  return new Bag();
}

export interface Resource {
  readonly attributes: Attributes;
}

export interface Scope {
  readonly name: string;
  readonly version: string;
}

export type SpanKind = 'internal' | 'server' | 'client' | 'producer' | 'consumer';
export type SpanStatus = 'unset' | 'ok' | 'error';

export interface SpanEvent {
  readonly name: string;
  readonly timeUnixNano: bigint;
  readonly attributes: Attributes;
}

export interface SpanLink {
  readonly traceId: string;
  readonly spanId: string;
  readonly attributes: Attributes;
}

export interface SpanRecord {
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId: string;
  readonly name: string;
  readonly kind: SpanKind;
  readonly startUnixNano: bigint;
  readonly endUnixNano: bigint;
  readonly status: SpanStatus;
  readonly statusMessage: string;
  readonly attributes: Attributes;
  readonly events: readonly SpanEvent[];
  readonly links: readonly SpanLink[];
  readonly resource: Resource;
  readonly scope: Scope;
  /** Spans that this one stands for when its trace was sampled; absent for one. Known on arrival only: it is not stored. */
  readonly weight?: number | undefined;
}

export interface LogRecord {
  readonly timeUnixNano: bigint;
  readonly observedUnixNano: bigint;
  /** 1–4 trace, 5–8 debug, 9–12 info, 13–16 warn, 17–20 error, 21–24 fatal, 0 unknown. */
  readonly severityNumber: number;
  readonly severityText: string;
  readonly body: AttributeValue;
  readonly attributes: Attributes;
  readonly traceId: string;
  readonly spanId: string;
  readonly resource: Resource;
  readonly scope: Scope;
}

/** `service.name` of a resource, `unknown_service` when it has none (the specification's default). */
export function serviceOf(resource: Resource): string {
  const name = resource.attributes['service.name'];
  return typeof name === 'string' && name !== '' ? name : 'unknown_service';
}
