/** ExportTraceServiceRequest out of protobuf (opentelemetry-proto, trace/v1). Throws VitrineError `bad_request`. */
import {
  newBag,
  type Resource,
  type Scope,
  type SpanEvent,
  type SpanLink,
  type SpanRecord,
} from '../../../model/records.ts';
import { samplingWeight } from '../../../model/text/sampling-weight.ts';
import { ProtobufReader, fields } from '../protobuf/reader.ts';
import { readKeyValue, readResource, readScope } from '../protobuf/attributes.ts';
import { ITEMS_A_STEP, type Steps } from '../request/steps.ts';
import { spanKind, spanStatus } from './span-enums.ts';

const SPAN = fields(1, 2, 3, 4, 5, 6, 7, 8, 9, 11, 13, 15);
const EVENT = fields(1, 2, 3);
const LINK = fields(1, 2, 4);
const STATUS = fields(2, 3);
const NO_EVENTS: readonly SpanEvent[] = [];
const NO_LINKS: readonly SpanLink[] = [];
const NO_RESOURCE: Resource = { attributes: newBag() };
export const NO_SCOPE: Scope = { name: '', version: '' };

export function* decodeTraces(bytes: Uint8Array): Steps<SpanRecord[]> {
  const r = new ProtobufReader(bytes);
  const out: SpanRecord[] = [];
  yield* readGroups(r, (resource, scope) => out.push(readSpan(r, resource, scope)));
  return out;
}

/**
 * Walks a request of spans or log records, which are built alike: groups by resource (1), in them groups by scope (2), in
 * them the items (2). Calls `item` at each, which returns their number so far. The resource may stand behind its groups, so it is looked for first.
 */
export function* readGroups(r: ProtobufReader, item: ReadItem): Steps<void> {
  while (r.pos < r.end) {
    const tag = r.tag();
    if (tag !== 0x0a) {
      r.skip(tag, 1 << 1);
      continue;
    }
    const outer = r.enter();
    const resource = first(r, readResource) ?? NO_RESOURCE;
    while (r.pos < r.end) {
      const inner = r.tag();
      if (inner === 0x12) yield* readScopeGroup(r, resource, item);
      else r.skip(inner, inner === 0x0a || inner === 0x1a ? 0 : EVENT);
    }
    r.leave(outer);
  }
}

type ReadItem = (resource: Resource, scope: Scope) => number;

function* readScopeGroup(r: ProtobufReader, resource: Resource, item: ReadItem): Steps<void> {
  const outer = r.enter();
  const scope = first(r, readScope) ?? NO_SCOPE;
  while (r.pos < r.end) {
    const tag = r.tag();
    if (tag === 0x12) {
      if (item(resource, scope) % ITEMS_A_STEP === 0) yield;
    } else r.skip(tag, tag === 0x0a || tag === 0x1a ? 0 : EVENT);
  }
  r.leave(outer);
}

/** Field 1 of the message that the reader is in, wherever the field stands; the reader's position does not change. */
function first<T>(r: ProtobufReader, read: (r: ProtobufReader) => T): T | undefined {
  const start = r.pos;
  let found: T | undefined;
  while (found === undefined && r.pos < r.end) {
    const tag = r.tag();
    if (tag === 0x0a) found = read(r);
    else r.skip(tag);
  }
  r.pos = start;
  return found;
}

type Draft = { -readonly [K in keyof SpanRecord]: SpanRecord[K] };

function readSpan(r: ProtobufReader, resource: Resource, scope: Scope): SpanRecord {
  const outer = r.enter();
  const attributes = newBag();
  const span: Draft = {
    traceId: '',
    spanId: '',
    parentSpanId: '',
    name: '',
    kind: 'internal',
    startUnixNano: 0n,
    endUnixNano: 0n,
    status: 'unset',
    statusMessage: '',
    attributes,
    events: NO_EVENTS,
    links: NO_LINKS,
    resource,
    scope,
  };
  while (r.pos < r.end) {
    const tag = r.tag();
    if (tag === 0x4a) readKeyValue(r, attributes);
    else if (!readSpanHead(r, tag, span)) readSpanRest(r, tag, span);
  }
  r.leave(outer);
  return span;
}

function readSpanHead(r: ProtobufReader, tag: number, span: Draft): boolean {
  switch (tag) {
    case 0x0a:
      span.traceId = r.hex();
      return true;
    case 0x12:
      span.spanId = r.hex();
      return true;
    case 0x22:
      span.parentSpanId = r.hex();
      return true;
    case 0x2a:
      span.name = r.name();
      return true;
    case 0x30:
      span.kind = spanKind(r.uint32());
      return true;
    case 0x39:
      span.startUnixNano = r.fixed64BigInt();
      return true;
    case 0x41:
      span.endUnixNano = r.fixed64BigInt();
      return true;
    default:
      return false;
  }
}

function readSpanRest(r: ProtobufReader, tag: number, span: Draft): void {
  switch (tag) {
    case 0x1a: {
      const weight = samplingWeight(r.string());
      if (weight !== undefined) span.weight = weight;
      break;
    }
    case 0x5a:
      span.events = appended(span.events, readEvent(r), NO_EVENTS);
      break;
    case 0x6a:
      span.links = appended(span.links, readLink(r), NO_LINKS);
      break;
    case 0x7a: {
      const { code, message } = readStatus(r);
      span.status = spanStatus(code);
      span.statusMessage = message;
      break;
    }
    default:
      r.skip(tag, SPAN);
  }
}

/** Most spans have none, so the list is created with the first one. */
function appended<T>(list: readonly T[], item: T, none: readonly T[]): readonly T[] {
  if (list === none) return [item];
  (list as T[]).push(item);
  return list;
}

function readEvent(r: ProtobufReader): SpanEvent {
  const outer = r.enter();
  const attributes = newBag();
  let timeUnixNano = 0n;
  let name = '';
  while (r.pos < r.end) {
    const tag = r.tag();
    if (tag === 0x09) timeUnixNano = r.fixed64BigInt();
    else if (tag === 0x12) name = r.name();
    else if (tag === 0x1a) readKeyValue(r, attributes);
    else r.skip(tag, EVENT);
  }
  r.leave(outer);
  return { name, timeUnixNano, attributes };
}

function readLink(r: ProtobufReader): SpanLink {
  const outer = r.enter();
  const attributes = newBag();
  let traceId = '';
  let spanId = '';
  while (r.pos < r.end) {
    const tag = r.tag();
    if (tag === 0x0a) traceId = r.hex();
    else if (tag === 0x12) spanId = r.hex();
    else if (tag === 0x22) readKeyValue(r, attributes);
    else r.skip(tag, LINK);
  }
  r.leave(outer);
  return { traceId, spanId, attributes };
}

function readStatus(r: ProtobufReader): { code: number; message: string } {
  const outer = r.enter();
  let code = 0;
  let message = '';
  while (r.pos < r.end) {
    const tag = r.tag();
    if (tag === 0x12) message = r.string();
    else if (tag === 0x18) code = r.uint32();
    else r.skip(tag, STATUS);
  }
  r.leave(outer);
  return { code, message };
}
