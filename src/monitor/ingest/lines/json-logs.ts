/**
 * Log records from JSON objects as loggers write them: pino's fields first, then the names that other loggers use. Every
 * other field is kept as an attribute, so no part of a line is lost.
 */
import { stripVTControlCharacters } from 'node:util';
import {
  newBag,
  type AttributeBag,
  type AttributeValue,
  type LogRecord,
  type Resource,
  type Scope,
} from '../../../model/records.ts';
import { levelName, severityOfName } from '../../../model/text/severity.ts';
import { LineShapes, type JsonObject, type LineShape, type Part } from './line-shapes.ts';

export const MAX_JSON_DEPTH = 64;

const NO_SCOPE: Scope = { name: '', version: '' };
/** Severity numbers of syslog's and journald's `PRIORITY` 0 (emergency) to 7 (debug), as OpenTelemetry's data model maps them. */
const PRIORITIES = [21, 19, 18, 17, 13, 10, 9, 5] as const;

/** For lines without configured names. */
const DEFAULT_SHAPES = new LineShapes();

/**
 * A record from a parsed line, or a string with the reason why there is none. A line without a time gets the present time.
 * `defaultService` is the service of lines that state none.
 */
export function logRecordOf(
  value: unknown,
  nowMs: number,
  defaultService: string,
  shapes: LineShapes = DEFAULT_SHAPES,
): LogRecord | string {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return 'the line is not a JSON object';
  const shape = shapes.of(value as JsonObject);
  const line = new LineFields(shape.isJournal ? withTexts(value as JsonObject) : (value as JsonObject), shape);
  const time = line.pick('time', isScalar);
  const timeMs = time === undefined ? nowMs : timeMsOf(time);
  if (timeMs === undefined) return 'its time is neither a number nor a date';
  const level = levelOf(line);
  const message = line.pick('message', isPresent);
  const traceId = line.pick('trace', isTraceId) as string | undefined;
  const spanId = line.pick('span', isSpanId) as string | undefined;
  const resource = resourceOf(
    line.pick('service', isText),
    line.pick('host', isText),
    line.pick('pid', isPid),
    defaultService,
  );
  const attributes = line.rest();
  if (typeof attributes === 'string') return attributes;
  return {
    timeUnixNano: nanos(timeMs),
    observedUnixNano: nanosOfNow(nowMs),
    ...level,
    body: message === undefined ? null : (attributeOf(message, 0) ?? null),
    attributes,
    traceId: traceId?.toLowerCase() ?? '',
    spanId: spanId?.toLowerCase() ?? '',
    resource,
    scope: NO_SCOPE,
  };
}

/**
 * journald writes a field that has control characters (a coloured message) or that is not UTF-8 as the list of its bytes
 * (systemd's Journal Export Formats, "Journal JSON Format").
 */
function withTexts(line: JsonObject): JsonObject {
  const texts = Object.create(null) as Record<string, unknown>;
  for (const [name, value] of Object.entries(line))
    texts[name] = isBytes(value) ? Buffer.from(value).toString() : value;
  return texts;
}

const isBytes = (value: unknown): value is readonly number[] =>
  Array.isArray(value) && value.length > 0 && value.every((one) => Number.isInteger(one) && one >= 0 && one <= 255);

function levelOf(line: LineFields): Pick<LogRecord, 'severityNumber' | 'severityText'> {
  const found = line.pick('level', isScalar);
  // winston's colorize and others paint the level in JSON too.
  const level = typeof found === 'string' ? stripVTControlCharacters(found) : found;
  const severityNumber =
    level === undefined ? (PRIORITIES[Number(line.pick('priority', isScalar) ?? Number.NaN)] ?? 0) : severityOf(level);
  return { severityNumber, severityText: typeof level === 'string' ? level : levelName(severityNumber) };
}

/** The fields of a line; those that became parts of the record are no attributes. */
class LineFields {
  readonly #line: JsonObject;
  readonly #shape: LineShape;
  readonly #used: string[] = [];

  constructor(line: JsonObject, shape: LineShape) {
    this.#line = line;
    this.#shape = shape;
  }

  /** The value of the first field of the part that fits. */
  pick(part: Part, fits: (found: unknown) => boolean): unknown {
    const places = this.#shape.places[part];
    for (let at = 0; at < places.length; at += 1) {
      const { name, path } = places[at];
      const found = path === undefined ? this.#line[name] : valueInside(this.#line, path);
      if (found === undefined || !fits(found)) continue;
      this.#used.push(name);
      return found;
    }
    return undefined;
  }

  rest(): AttributeBag | string {
    const attributes = newBag();
    for (const key of this.#shape.rest(this.#used)) {
      const value = attributeOf(this.#line[key], 0);
      if (value === undefined) {
        return `its field ${JSON.stringify(key.slice(0, 80))} is nested deeper than ${MAX_JSON_DEPTH}`;
      }
      attributes[key] = value;
    }
    return attributes;
  }
}

function valueInside(line: JsonObject, path: readonly string[]): unknown {
  let at: unknown = line;
  for (const name of path) {
    if (typeof at !== 'object' || at === null || !Object.hasOwn(at, name)) return undefined;
    at = (at as JsonObject)[name];
  }
  return at;
}

const isPresent = (value: unknown): boolean => value !== null;
const isTraceId = (value: unknown): boolean => isHex(value, 32);
const isSpanId = (value: unknown): boolean => isHex(value, 16);
const isText = (value: unknown): boolean => typeof value === 'string' && value !== '';
const isPid = (value: unknown): boolean =>
  typeof value === 'number' || (typeof value === 'string' && /^\d{1,10}$/.test(value));
const isScalar = (value: unknown): boolean => isText(value) || typeof value === 'number';

function isHex(value: unknown, length: number): boolean {
  return typeof value === 'string' && value.length === length && /^[0-9a-f]+$/i.test(value);
}

const nanos = (timeMs: number): bigint => BigInt(Math.round(timeMs * 1000)) * 1000n;

/** Lines that come together have one time of receipt. */
let [nowMsBefore, nowNanos] = [0, 0n];

function nanosOfNow(nowMs: number): bigint {
  if (nowMs !== nowMsBefore) [nowMsBefore, nowNanos] = [nowMs, nanos(nowMs)];
  return nowNanos;
}

/**
 * Distinguishes seconds, milliseconds, microseconds and nanoseconds by size: for times of this century this is unambiguous.
 */
function timeMsOf(value: unknown): number | undefined {
  const text = String(value).trim();
  const number = typeof value === 'number' ? value : /^\d+(?:\.\d+)?$/.test(text) ? Number(text) : undefined;
  if (number === undefined) {
    const parsed = Date.parse(text);
    return Number.isNaN(parsed) ? undefined : parsed;
  }
  if (!Number.isFinite(number)) return undefined;
  const size = Math.abs(number);
  if (size >= 1e17) return number / 1e6;
  if (size >= 1e14) return number / 1e3;
  return size >= 1e11 ? number : number * 1e3;
}

/** pino's numbers (10…60) and the names of most loggers; 0 when there is none. */
function severityOf(level: unknown): number {
  const text = typeof level === 'string' ? level : '';
  const number = typeof level === 'number' ? level : /^\d+$/.test(text) ? Number(text) : Number.NaN;
  if (number >= 10) return Math.min(21, 4 * Math.floor(number / 10) - 3);
  return severityOfName(text);
}

/** Lines of one process share their resource: it is then written once for all of them. Emptied when it is full. */
const resources = new Map<string, Resource>();
const RESOURCES_MAX = 256;
const RESOURCE_KEY_MAX = 1_024;

interface Process {
  readonly name: string;
  readonly host: unknown;
  readonly pid: unknown;
  readonly resource: Resource;
}
/** Most lines are of the process that wrote the one before. */
let lastProcess: Process | undefined;

function resourceOf(service: unknown, host: unknown, pid: unknown, defaultService: string): Resource {
  const name = typeof service === 'string' ? service : defaultService;
  const last = lastProcess;
  if (last !== undefined && last.name === name && last.host === host && last.pid === pid) return last.resource;
  const resource = knownResource(name, host, pid);
  lastProcess = { name, host, pid, resource };
  return resource;
}

function knownResource(name: string, host: unknown, pid: unknown): Resource {
  const key = JSON.stringify([name, host, pid]);
  const known = resources.get(key);
  if (known !== undefined) return known;
  const attributes = newBag();
  if (name !== '') attributes['service.name'] = name;
  if (typeof host === 'string') attributes['host.name'] = host;
  if (pid !== undefined) attributes['process.pid'] = Number(pid);
  const resource = { attributes };
  if (resources.size >= RESOURCES_MAX) resources.clear();
  if (key.length <= RESOURCE_KEY_MAX) resources.set(key, resource);
  return resource;
}

/** Copies parsed JSON into bags, so that `__proto__` stays a key; undefined when it is too deep. */
function attributeOf(value: unknown, depth: number): AttributeValue | undefined {
  if (typeof value !== 'object' || value === null) return value as AttributeValue;
  if (depth > MAX_JSON_DEPTH) return undefined;
  if (Array.isArray(value)) {
    const items: AttributeValue[] = [];
    for (const item of value) {
      const copied = attributeOf(item, depth + 1);
      if (copied === undefined) return undefined;
      items.push(copied);
    }
    return items;
  }
  const bag = newBag();
  for (const key of Object.keys(value)) {
    const copied = attributeOf((value as JsonObject)[key], depth + 1);
    if (copied === undefined) return undefined;
    bag[key] = copied;
  }
  return bag;
}
