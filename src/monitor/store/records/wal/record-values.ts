/** The values of each kind of record in a row, in the order in which they are written. */
import type {
  LogRecord,
  Resource,
  Scope,
  SpanEvent,
  SpanKind,
  SpanLink,
  SpanRecord,
  SpanStatus,
} from '../../../../model/records.ts';
import type { RecordOf, RecordSignal } from '../../../../model/record-source.ts';
import type { RequestRow } from '../../../../model/request-row.ts';
import type { ValueReader } from './value-reader.ts';
import type { ValueWriter } from './value-writer.ts';

const KINDS: readonly SpanKind[] = ['internal', 'server', 'client', 'producer', 'consumer'];
const STATUS: readonly SpanStatus[] = ['unset', 'ok', 'error'];

export type Origin = Pick<LogRecord, 'resource' | 'scope'>;

/** Numbers of the resources with their scopes that a row has had. */
export class OriginTable {
  readonly #numbers = new Map<Resource, Map<string, number>>();
  #lastResource: Resource | undefined;
  #lastScope: Scope | undefined;
  #lastNumber = 0;
  count = 0;

  /** Forgets those from this number on. */
  back(count: number): void {
    if (count === this.count) return;
    this.#lastResource = undefined;
    this.count = count;
    if (count === 0) this.#numbers.clear();
    else
      for (const scopes of this.#numbers.values())
        for (const [key, number] of scopes) if (number >= count) scopes.delete(key);
  }

  /** A new one is written behind its number. */
  write(values: ValueWriter, { resource, scope }: Origin): void {
    if (resource !== this.#lastResource || scope !== this.#lastScope) {
      const known = this.#numberOf(resource, scope);
      this.#lastResource = resource;
      this.#lastScope = scope;
      this.#lastNumber = known;
      if (known === this.count) {
        this.count += 1;
        values.whole(known);
        values.map(resource.attributes);
        values.text(scope.name);
        values.text(scope.version);
        return;
      }
    }
    values.whole(this.#lastNumber);
  }

  /** `count` for a new one. */
  #numberOf(resource: Resource, { name, version }: Scope): number {
    let scopes = this.#numbers.get(resource);
    if (scopes === undefined) this.#numbers.set(resource, (scopes = new Map()));
    const key = `${name}\n${version}`;
    const known = scopes.get(key);
    if (known === undefined) scopes.set(key, this.count);
    return known ?? this.count;
  }
}

function readOrigin(values: ValueReader, origins: Origin[]): Origin {
  const number = values.whole();
  if (number > origins.length) throw new RangeError('a record has a resource that was not written');
  if (number === origins.length) {
    const resource = { attributes: values.map() };
    origins.push({ resource, scope: { name: values.text(), version: values.text() } });
  }
  return origins[number];
}

export function writeRecord<S extends RecordSignal>(
  signal: S,
  values: ValueWriter,
  record: RecordOf[S],
  origins: OriginTable,
): void {
  if (signal === 'logs') writeLine(values, record as LogRecord, origins);
  else if (signal === 'traces') writeSpan(values, record as SpanRecord, origins);
  else writeRequest(values, record as RequestRow);
}

export function readRecord<S extends RecordSignal>(signal: S, values: ValueReader, origins: Origin[]): RecordOf[S] {
  if (signal === 'logs') return readLine(values, origins) as RecordOf[S];
  if (signal === 'traces') return readSpan(values, origins) as RecordOf[S];
  return readRequest(values) as RecordOf[S];
}

function writeLine(values: ValueWriter, line: LogRecord, origins: OriginTable): void {
  origins.write(values, line);
  values.time(line.timeUnixNano);
  values.time(line.observedUnixNano);
  values.value(line.severityNumber);
  values.text(line.severityText);
  values.value(line.body);
  values.map(line.attributes);
  values.id(line.traceId);
  values.id(line.spanId);
}

function readLine(values: ValueReader, origins: Origin[]): LogRecord {
  const origin = readOrigin(values, origins);
  return {
    timeUnixNano: values.time(),
    observedUnixNano: values.time(),
    severityNumber: values.value() as number,
    severityText: values.text(),
    body: values.value(),
    attributes: values.map(),
    traceId: values.id(),
    spanId: values.id(),
    ...origin,
  };
}

function writeSpan(values: ValueWriter, span: SpanRecord, origins: OriginTable): void {
  origins.write(values, span);
  values.id(span.traceId);
  values.id(span.spanId);
  values.id(span.parentSpanId);
  values.text(span.name);
  writeOneOf(values, KINDS, span.kind);
  values.time(span.startUnixNano);
  values.time(span.endUnixNano);
  writeOneOf(values, STATUS, span.status);
  values.text(span.statusMessage);
  values.map(span.attributes);
  values.whole(span.events.length);
  for (const { name, timeUnixNano, attributes } of span.events) {
    values.text(name);
    values.time(timeUnixNano);
    values.map(attributes);
  }
  values.whole(span.links.length);
  for (const { traceId, spanId, attributes } of span.links) {
    values.id(traceId);
    values.id(spanId);
    values.map(attributes);
  }
}

function readSpan(values: ValueReader, origins: Origin[]): SpanRecord {
  const origin = readOrigin(values, origins);
  return {
    traceId: values.id(),
    spanId: values.id(),
    parentSpanId: values.id(),
    name: values.text(),
    kind: readOneOf(values, KINDS),
    startUnixNano: values.time(),
    endUnixNano: values.time(),
    status: readOneOf(values, STATUS),
    statusMessage: values.text(),
    attributes: values.map(),
    events: listOf(values, readEvent),
    links: listOf(values, readLink),
    ...origin,
  };
}

/** The place of a name that is known, counted from 1; any other name as it is. */
function writeOneOf(values: ValueWriter, known: readonly string[], name: string): void {
  const place = known.indexOf(name) + 1;
  values.whole(place);
  if (place === 0) values.text(name);
}

function readOneOf<T extends string>(values: ValueReader, known: readonly T[]): T {
  const place = values.whole();
  if (place > known.length) throw new RangeError('a span has an unknown kind or status');
  return place === 0 ? (values.text() as T) : known[place - 1];
}

function listOf<T>(values: ValueReader, read: (values: ValueReader) => T): T[] {
  const list: T[] = [];
  for (let left = values.whole(); left > 0; left -= 1) list.push(read(values));
  return list;
}

const readEvent = (values: ValueReader): SpanEvent => ({
  name: values.text(),
  timeUnixNano: values.time(),
  attributes: values.map(),
});

const readLink = (values: ValueReader): SpanLink => ({
  traceId: values.id(),
  spanId: values.id(),
  attributes: values.map(),
});

type RequestNumbers = RequestRow['phases'] & Pick<RequestRow, 'requestBytes' | 'responseBytes'>;
type RequestParts = Omit<RequestRow, 'startUnixNano' | 'phases' | 'requestBytes' | 'responseBytes'>;

/** By name: rows of an earlier version lack parts that came later. */
function writeRequest(values: ValueWriter, row: RequestRow): void {
  const { startUnixNano, phases, requestBytes, responseBytes, ...parts } = row;
  values.time(startUnixNano);
  values.map(parts satisfies RequestParts);
  values.map(defined({ ...phases, requestBytes, responseBytes }));
}

/** Without the numbers that are undefined. */
function defined(numbers: RequestNumbers): Readonly<Record<string, number>> {
  const found: Record<string, number> = {};
  for (const [name, number] of Object.entries(numbers)) if (number !== undefined) found[name] = number as number;
  return found;
}

function readRequest(values: ValueReader): RequestRow {
  const startUnixNano = values.time();
  const parts = { ...values.map() } as unknown as RequestParts;
  const numbers = values.map() as unknown as RequestNumbers;
  const { queue, cache, connect, upstream, transfer, requestBytes, responseBytes } = numbers;
  return {
    ...parts,
    startUnixNano,
    phases: { queue, cache, connect, upstream, transfer },
    requestBytes,
    responseBytes,
  };
}
