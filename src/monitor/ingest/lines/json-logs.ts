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

export const MAX_JSON_DEPTH = 64;

const NO_SCOPE: Scope = { name: '', version: '' };
/** pino and bunyan, then winston, logfmt, ECS (flat or nested: `log.level` is also `{"log":{"level":…}}`) and journald. */
const TIME_FIELDS = ['time', 'timestamp', '@timestamp', 'ts', '_time', '__REALTIME_TIMESTAMP'] as const;
const MESSAGE_FIELDS = ['msg', 'message', 'body', '_msg', 'event', 'MESSAGE'] as const;
const LEVEL_FIELDS = ['level', 'severity', 'severityText', 'lvl', 'log.level'] as const;
const SERVICE_FIELDS = ['service.name', 'service', 'name', 'app', 'SYSLOG_IDENTIFIER', '_SYSTEMD_UNIT'] as const;
const TRACE_FIELDS = ['trace_id', 'traceId', 'trace.id'] as const;
const SPAN_FIELDS = ['span_id', 'spanId', 'span.id'] as const;
const HOST_FIELDS = ['hostname', 'host.name', '_HOSTNAME'] as const;
const PID_FIELDS = ['pid', 'process.pid', '_PID'] as const;
/** Severity numbers of syslog's and journald's `PRIORITY` 0 (emergency) to 7 (debug), as OpenTelemetry's data model maps them. */
const PRIORITIES = [21, 19, 18, 17, 13, 10, 9, 5] as const;

/** The field of a line in which a part of the record is looked for first. */
export type FieldNames = Readonly<Record<string, string>>;

type JsonObject = Readonly<Record<string, unknown>>;

/**
 * A record from a parsed line, or a string with the reason why there is none. A line without a time gets the present time.
 * `defaultService` is the service of lines that state none.
 */
export function logRecordOf(
  value: unknown,
  nowMs: number,
  defaultService: string,
  named: FieldNames = {},
): LogRecord | string {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return 'the line is not a JSON object';
  const line = new LineFields(isJournal(value) ? withTexts(value) : (value as JsonObject), named);
  const time = line.pick('time', TIME_FIELDS, isScalar);
  const timeMs = time === undefined ? nowMs : timeMsOf(time);
  if (timeMs === undefined) return 'its time is neither a number nor a date';
  const level = levelOf(line);
  const message = line.pick('message', MESSAGE_FIELDS, (found) => found !== null);
  const traceId = line.pick('trace', TRACE_FIELDS, (found) => isHex(found, 32)) as string | undefined;
  const spanId = line.pick('span', SPAN_FIELDS, (found) => isHex(found, 16)) as string | undefined;
  const resource = resourceOf(
    line.pick('service', SERVICE_FIELDS, isText),
    line.pick('host', HOST_FIELDS, isText),
    line.pick('pid', PID_FIELDS, isPid),
    defaultService,
  );
  const attributes = line.rest();
  if (typeof attributes === 'string') return attributes;
  return {
    timeUnixNano: nanos(timeMs),
    observedUnixNano: nanos(nowMs),
    ...level,
    body: message === undefined ? null : (attributeOf(message, 0) ?? null),
    attributes,
    traceId: traceId?.toLowerCase() ?? '',
    spanId: spanId?.toLowerCase() ?? '',
    resource,
    scope: NO_SCOPE,
  };
}

const isJournal = (value: object): value is JsonObject => Object.hasOwn(value, '__REALTIME_TIMESTAMP');

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
  const found = line.pick('level', LEVEL_FIELDS, isScalar);
  // winston's colorize and others paint the level in JSON too.
  const level = typeof found === 'string' ? stripVTControlCharacters(found) : found;
  const severityNumber =
    level === undefined
      ? (PRIORITIES[Number(line.pick('priority', ['PRIORITY'], isScalar) ?? Number.NaN)] ?? 0)
      : severityOf(level);
  return { severityNumber, severityText: typeof level === 'string' ? level : levelName(severityNumber) };
}

/** The fields of a line; those that became parts of the record are no attributes. */
class LineFields {
  readonly #line: JsonObject;
  readonly #named: FieldNames;
  readonly #used: string[] = [];

  constructor(line: JsonObject, named: FieldNames) {
    this.#line = line;
    this.#named = named;
  }

  /** The first of the named fields with a fitting value; a dotted name is also looked for in nested objects. */
  pick(part: string, names: readonly string[], fits: (found: unknown) => boolean): unknown {
    if (Object.hasOwn(this.#named, part)) names = [this.#named[part], ...names];
    for (const name of names) {
      const found = this.#at(name);
      if (found === undefined || !fits(found)) continue;
      this.#used.push(name);
      return found;
    }
    return undefined;
  }

  #at(name: string): unknown {
    if (Object.hasOwn(this.#line, name)) return this.#line[name];
    if (!name.includes('.')) return undefined;
    let at: unknown = this.#line;
    for (const part of name.split('.')) {
      if (typeof at !== 'object' || at === null || !Object.hasOwn(at, part)) return undefined;
      at = (at as JsonObject)[part];
    }
    return at;
  }

  rest(): AttributeBag | string {
    const attributes = newBag();
    for (const key of Object.keys(this.#line)) {
      if (this.#used.includes(key)) continue;
      const value = attributeOf(this.#line[key], 0);
      if (value === undefined) {
        return `its field ${JSON.stringify(key.slice(0, 80))} is nested deeper than ${MAX_JSON_DEPTH}`;
      }
      attributes[key] = value;
    }
    return attributes;
  }
}

const isText = (value: unknown): boolean => typeof value === 'string' && value !== '';
const isPid = (value: unknown): boolean =>
  typeof value === 'number' || (typeof value === 'string' && /^\d{1,10}$/.test(value));
const isScalar = (value: unknown): boolean => isText(value) || typeof value === 'number';

function isHex(value: unknown, length: number): boolean {
  return typeof value === 'string' && value.length === length && /^[0-9a-f]+$/i.test(value);
}

const nanos = (timeMs: number): bigint => BigInt(Math.round(timeMs * 1000)) * 1000n;

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

function resourceOf(service: unknown, host: unknown, pid: unknown, defaultService: string): Resource {
  const name = typeof service === 'string' ? service : defaultService;
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
