/**
 * Reads fields of parsed JSON by the rules of OTLP/JSON (opentelemetry.io/docs/specs/otlp, "JSON Protobuf Encoding"):
 * lowerCamelCase names, 64-bit integers as strings or numbers, enums as integers only, ids as hexadecimal in any case, null
 * the same as absent, unknown fields ignored. A field of another type throws VitrineError `bad_request` with its name. The
 * last of several equal keys counts. An integer above 2^53 is exact only as a string, because JSON numbers are doubles.
 */
import { VitrineError } from '../../../base/errors.ts';
import { newBag, type AttributeBag, type AttributeValue, type Resource, type Scope } from '../../../model/records.ts';
import { MAX_DEPTH } from '../protobuf/reader.ts';
import { parseJson } from '../request/json-pieces.ts';
import { ITEMS_A_STEP, type Steps } from '../request/steps.ts';

export type JsonObject = Readonly<Record<string, unknown>>;

const NO_LIST: readonly unknown[] = [];

function wrong(field: string, expected: string): VitrineError {
  return new VitrineError('bad_request', `malformed OTLP/JSON: ${field} must be ${expected}`);
}

/** The object in a request body. A byte order mark is skipped; text that is not UTF-8 is refused. */
export function* parseJsonObject(bytes: Uint8Array): Steps<JsonObject> {
  let value: unknown;
  try {
    value = yield* parseJson(bytes);
  } catch (cause) {
    const known = cause instanceof SyntaxError || cause instanceof RangeError;
    const why = known ? cause.message.slice(0, 200) : 'it is not UTF-8';
    throw new VitrineError('bad_request', `malformed JSON: ${why}`, { cause });
  }
  return objectOf(value, 'the body');
}

export function objectOf(value: unknown, field: string): JsonObject {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw wrong(field, 'an object');
  return value as JsonObject;
}

/** `from[field]`, own properties only: names of Object.prototype are not fields. */
function own(from: JsonObject, field: string): unknown {
  const value = Object.hasOwn(from, field) ? from[field] : undefined;
  return value === null ? undefined : value;
}

export function optionalObject(from: JsonObject, field: string): JsonObject | undefined {
  const value = own(from, field);
  return value === undefined ? undefined : objectOf(value, field);
}

export function list(from: JsonObject, field: string): readonly unknown[] {
  const value = own(from, field);
  if (value === undefined) return NO_LIST;
  if (!Array.isArray(value)) throw wrong(field, 'an array');
  return value;
}

export function objects<T>(from: JsonObject, field: string, read: (item: JsonObject) => T): T[] {
  return list(from, field).map((item) => read(objectOf(item, `each of ${field}`)));
}

/** As `objects`, for lists that may be as long as a request. */
export function* manyObjects<T>(from: JsonObject, field: string, read: (item: JsonObject) => T): Steps<T[]> {
  const many: T[] = [];
  for (const item of list(from, field)) {
    many.push(read(objectOf(item, `each of ${field}`)));
    if (many.length % ITEMS_A_STEP === 0) yield;
  }
  return many;
}

/** As `objects`, where each may itself be as long as a request. */
export function* longObjects<T>(from: JsonObject, field: string, read: (item: JsonObject) => Steps<T>): Steps<T[]> {
  const long: T[] = [];
  for (const item of list(from, field)) {
    long.push(yield* read(objectOf(item, `each of ${field}`)));
    if (long.length % ITEMS_A_STEP === 0) yield;
  }
  return long;
}

export function text(from: JsonObject, field: string): string {
  const value = own(from, field);
  if (value === undefined) return '';
  if (typeof value !== 'string') throw wrong(field, 'a string');
  return value;
}

/** Lower-case hexadecimal, '' when absent. */
export function hexId(from: JsonObject, field: string): string {
  const value = text(from, field);
  if (!/^(?:[0-9a-fA-F]{2})*$/.test(value)) throw wrong(field, 'hexadecimal (not base64)');
  return value.toLowerCase();
}

export function bool(from: JsonObject, field: string): boolean {
  const value = own(from, field);
  if (value === undefined) return false;
  if (typeof value !== 'boolean') throw wrong(field, 'true or false');
  return value;
}

/** An enum or a small integer; undefined when absent. */
export function integer(from: JsonObject, field: string): number {
  const value = own(from, field);
  if (value === undefined) return 0;
  if (typeof value !== 'number' || !Number.isInteger(value)) throw wrong(field, 'an integer');
  return value;
}

function isInteger(value: unknown): value is string | number {
  return typeof value === 'number' ? Number.isInteger(value) : typeof value === 'string' && /^-?\d{1,20}$/.test(value);
}

/** A 64-bit integer as a number. */
export function int64(from: JsonObject, field: string): number {
  const value = own(from, field);
  if (value === undefined) return 0;
  return int64Of(value, field);
}

export function int64Of(value: unknown, field: string): number {
  if (!isInteger(value)) throw wrong(field, 'an integer, as a string or a number');
  return Number(value);
}

/** A 64-bit integer, exact when it came as a string. */
export function bigInteger(from: JsonObject, field: string): bigint {
  const value = own(from, field);
  if (value === undefined) return 0n;
  if (!isInteger(value)) throw wrong(field, 'an integer, as a string or a number');
  return BigInt(value);
}

/** Nanoseconds as milliseconds, rounded down. */
export function nanosAsMs(from: JsonObject, field: string): number {
  return Number(bigInteger(from, field) / 1_000_000n);
}

/** A double, also as `"NaN"`, `"Infinity"`, `"-Infinity"` or digits in a string; undefined when absent. */
export function double(from: JsonObject, field: string): number | undefined {
  const value = own(from, field);
  return value === undefined ? undefined : doubleOf(value, field);
}

export function doubleOf(value: unknown, field: string): number {
  if (typeof value === 'number') return value;
  if (typeof value === 'string' && /^(?:NaN|-?Infinity|-?\d+(?:\.\d+)?(?:[eE][-+]?\d+)?)$/.test(value))
    return Number(value);
  throw wrong(field, 'a number');
}

/** A list of KeyValue objects. */
export function attributes(from: JsonObject, field: string, depth = 0): AttributeBag {
  const bag = newBag();
  for (const item of list(from, field)) {
    const pair = objectOf(item, `each of ${field}`);
    const value = optionalObject(pair, 'value');
    bag[text(pair, 'key')] = value === undefined ? null : anyValue(value, depth);
  }
  return bag;
}

export function anyValue(from: JsonObject, depth: number): AttributeValue {
  if (depth > MAX_DEPTH)
    throw new VitrineError('bad_request', `malformed OTLP/JSON: values nested deeper than ${MAX_DEPTH}`);
  const string = own(from, 'stringValue');
  if (string !== undefined) return text(from, 'stringValue');
  if (own(from, 'intValue') !== undefined) {
    const value = bigInteger(from, 'intValue');
    const number = Number(value);
    return Number.isSafeInteger(number) ? number : value;
  }
  if (own(from, 'boolValue') !== undefined) return bool(from, 'boolValue');
  const number = double(from, 'doubleValue');
  if (number !== undefined) return number;
  const array = optionalObject(from, 'arrayValue');
  if (array) return objects(array, 'values', (item) => anyValue(item, depth + 1));
  const map = optionalObject(from, 'kvlistValue');
  if (map) return attributes(map, 'values', depth + 1);
  return own(from, 'bytesValue') === undefined ? null : text(from, 'bytesValue');
}

export function resourceOf(from: JsonObject): Resource {
  const resource = optionalObject(from, 'resource');
  return { attributes: resource ? attributes(resource, 'attributes') : newBag() };
}

export function scopeOf(from: JsonObject): Scope {
  const scope = optionalObject(from, 'scope');
  return scope ? { name: text(scope, 'name'), version: text(scope, 'version') } : { name: '', version: '' };
}

/** The items of all scopes of all resources, each with its resource and scope, as requests for logs and traces hold them. */
export function* itemsOf<T>(
  bytes: Uint8Array,
  [resources, scopes, items]: readonly [resources: string, scopes: string, items: string],
  read: (from: JsonObject) => T,
): Steps<(T & { readonly resource: Resource; readonly scope: Scope })[]> {
  const groups = yield* longObjects(yield* parseJsonObject(bytes), resources, function* (item) {
    const resource = resourceOf(item);
    const ofScopes = yield* longObjects(item, scopes, (group) => {
      const scope = scopeOf(group);
      return manyObjects(group, items, (each) => ({ ...read(each), resource, scope }));
    });
    return ofScopes.flat();
  });
  return groups.flat();
}
