/**
 * Records of one append as a row of the write-ahead table: one JSON text, compressed when it is long. Resources and scopes
 * are written once. Attributes that JSON holds exactly are written as they are, others packed (`record-codec.ts`).
 */
import { zstdCompressSync, constants } from 'node:zlib';
import {
  newBag,
  type Attributes,
  type AttributeValue,
  type LogRecord,
  type Resource,
  type Scope,
  type SpanRecord,
} from '../../../model/records.ts';
import type { RecordOf, RecordSignal } from '../../../model/record-source.ts';
import type { RequestRow } from '../../../model/request-row.ts';
import { packValue, unpackValue, type Packed } from '../codec/record-codec.ts';
import { decompressed } from './columns/batch-reader.ts';

const RAW = 0;
const COMPRESSED = 1;
const COMPRESS_FROM_BYTES = 2_048;
const FAST = { params: { [constants.ZSTD_c_compressionLevel]: 1 } };
const DEPTH_MAX = 16;

type Json = string | number | boolean | null | readonly Json[] | { readonly [key: string]: Json };

export interface WalRecords<S extends RecordSignal = RecordSignal> {
  readonly records: readonly RecordOf[S][];
  readonly sequences: readonly number[];
}

/** A row in the making. */
export class WalWriter<S extends RecordSignal> {
  readonly signal: S;
  readonly #origins = new OriginTable();
  readonly #texts: string[] = [];
  readonly #sequences: number[] = [];

  constructor(signal: S) {
    this.signal = signal;
  }

  get records(): number {
    return this.#texts.length;
  }

  /** The length of the record's text, which is a measure of its size. A record with a longer text than `limit` is not taken. */
  add(record: RecordOf[S], sequence: number, limit = Infinity): number {
    const text = JSON.stringify(packRecord(this.signal, record, this.#origins));
    if (text.length > limit) return text.length;
    this.#texts.push(text);
    this.#sequences.push(sequence);
    return text.length;
  }

  row(): Uint8Array {
    const head = `{"s":${JSON.stringify(this.#sequences)},"o":${JSON.stringify(this.#origins.packed)}`;
    const bytes = Buffer.from(`${head},"r":[${this.#texts.join(',')}]}`, 'utf8');
    const short = bytes.length < COMPRESS_FROM_BYTES;
    const body = short ? bytes : zstdCompressSync(bytes, FAST);
    const data = new Uint8Array(body.length + 1);
    data[0] = short ? RAW : COMPRESSED;
    data.set(body, 1);
    return data;
  }
}

export function encodeWal<S extends RecordSignal>(signal: S, { records, sequences }: WalRecords<S>): Uint8Array {
  const writer = new WalWriter(signal);
  for (const [at, record] of records.entries()) writer.add(record, sequences[at]);
  return writer.row();
}

/** Throws RangeError or SyntaxError when the row is damaged. */
export function decodeWal<S extends RecordSignal>(signal: S, data: Uint8Array): WalRecords<S> {
  const body = data.subarray(1);
  const bytes = data[0] === COMPRESSED ? decompressed(body) : Buffer.from(body);
  const { s, o, r } = JSON.parse(bytes.toString('utf8')) as { s: number[]; o: Json[][]; r: Json[][] };
  const origins = o.map(([attributes, name, version]) => ({
    resource: { attributes: unpackAttributes(attributes) },
    scope: { name: name as string, version: version as string },
  }));
  return { records: r.map((packed) => unpackRecord(signal, packed, origins)), sequences: s };
}

interface Origin {
  readonly resource: Resource;
  readonly scope: Scope;
}

class OriginTable {
  readonly packed: Json[][] = [];
  readonly #numbers = new Map<Resource, Map<string, number>>();

  numberOf({ resource, scope }: Origin): number {
    let scopes = this.#numbers.get(resource);
    if (scopes === undefined) this.#numbers.set(resource, (scopes = new Map()));
    const key = `${scope.name}\n${scope.version}`;
    let number = scopes.get(key);
    if (number === undefined) {
      number = this.packed.length;
      this.packed.push([packAttributes(resource.attributes), scope.name, scope.version]);
      scopes.set(key, number);
    }
    return number;
  }
}

function isPlain(value: AttributeValue, depth: number): boolean {
  if (typeof value === 'number') return Number.isFinite(value) && !Object.is(value, -0);
  if (typeof value === 'bigint') return false;
  if (typeof value !== 'object' || value === null) return true;
  if (depth === DEPTH_MAX) return false;
  const map = value as Attributes;
  for (const key of Object.keys(map)) if (!isPlain(map[key], depth + 1)) return false;
  return true;
}

/** An object is plain JSON, an array is packed. */
function packAttributes(attributes: Attributes): Json {
  return isPlain(attributes, 0) ? (attributes as Json) : packValue(attributes);
}

function unpackAttributes(packed: Json): Attributes {
  return (Array.isArray(packed) ? unpackValue(packed as Packed) : bagOf(packed)) as Attributes;
}

/** Bags: keys come from outside. */
function bagOf(value: Json): AttributeValue {
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) return (value as readonly Json[]).map(bagOf);
  const bag = newBag();
  for (const [key, inner] of Object.entries(value)) bag[key] = bagOf(inner);
  return bag;
}

function packRecord<S extends RecordSignal>(signal: S, record: RecordOf[S], origins: OriginTable): Json[] {
  if (signal === 'logs') return packLine(record as LogRecord, origins);
  if (signal === 'traces') return packSpan(record as SpanRecord, origins);
  return packRequest(record as RequestRow);
}

function unpackRecord<S extends RecordSignal>(signal: S, packed: Json[], origins: readonly Origin[]): RecordOf[S] {
  if (signal === 'logs') return unpackLine(packed, origins) as RecordOf[S];
  if (signal === 'traces') return unpackSpan(packed, origins) as RecordOf[S];
  return unpackRequest(packed) as RecordOf[S];
}

function packLine(line: LogRecord, origins: OriginTable): Json[] {
  return [
    origins.numberOf(line),
    `${line.timeUnixNano}`,
    `${line.observedUnixNano}`,
    line.severityNumber,
    line.severityText,
    typeof line.body === 'string' ? line.body : [packValue(line.body)],
    packAttributes(line.attributes),
    line.traceId,
    line.spanId,
  ];
}

function unpackLine(packed: Json[], origins: readonly Origin[]): LogRecord {
  const [origin, time, observed, severityNumber, severityText, body, attributes, traceId, spanId] = packed;
  return {
    timeUnixNano: BigInt(time as string),
    observedUnixNano: BigInt(observed as string),
    severityNumber: severityNumber as number,
    severityText: severityText as string,
    body: Array.isArray(body) ? unpackValue(body[0]) : body,
    attributes: unpackAttributes(attributes),
    traceId: traceId as string,
    spanId: spanId as string,
    ...origins[origin as number],
  };
}

function packSpan(span: SpanRecord, origins: OriginTable): Json[] {
  return [
    origins.numberOf(span),
    span.traceId,
    span.spanId,
    span.parentSpanId,
    span.name,
    span.kind,
    `${span.startUnixNano}`,
    `${span.endUnixNano}`,
    span.status,
    span.statusMessage,
    packAttributes(span.attributes),
    span.events.map(({ name, timeUnixNano, attributes }) => [name, `${timeUnixNano}`, packAttributes(attributes)]),
    span.links.map(({ traceId, spanId, attributes }) => [traceId, spanId, packAttributes(attributes)]),
  ];
}

function unpackSpan(packed: Json[], origins: readonly Origin[]): SpanRecord {
  const [origin, traceId, spanId, parentSpanId, name, kind, start, end, status, statusMessage, attributes] = packed;
  const events = packed[11] as [string, string, Json][];
  const links = packed[12] as [string, string, Json][];
  return {
    traceId: traceId as string,
    spanId: spanId as string,
    parentSpanId: parentSpanId as string,
    name: name as string,
    kind: kind as SpanRecord['kind'],
    startUnixNano: BigInt(start as string),
    endUnixNano: BigInt(end as string),
    status: status as SpanRecord['status'],
    statusMessage: statusMessage as string,
    attributes: unpackAttributes(attributes),
    events: events.map(([event, time, values]) => ({
      name: event,
      timeUnixNano: BigInt(time),
      attributes: unpackAttributes(values),
    })),
    links: links.map(([trace, linked, values]) => ({
      traceId: trace,
      spanId: linked,
      attributes: unpackAttributes(values),
    })),
    ...origins[origin as number],
  };
}

/** Undefined becomes null in JSON, and no field of a row is null otherwise. */
function packRequest({ startUnixNano, phases, ...rest }: RequestRow): Json[] {
  const { queue, cache, connect, upstream, transfer } = phases;
  const times = [queue, cache, connect, upstream, transfer].map((ms) => ms ?? null);
  return [`${startUnixNano}`, times, rest as unknown as Json];
}

function unpackRequest([start, times, rest]: Json[]): RequestRow {
  const [queue, cache, connect, upstream, transfer] = (times as (number | null)[]).map((ms) => ms ?? undefined);
  const row = rest as unknown as Omit<RequestRow, 'startUnixNano' | 'phases'>;
  const { requestBytes, responseBytes } = row;
  const phases = { queue, cache, connect, upstream, transfer };
  return { ...row, requestBytes, responseBytes, startUnixNano: BigInt(start as string), phases };
}
