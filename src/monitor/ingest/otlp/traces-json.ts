/** ExportTraceServiceRequest out of JSON. Throws VitrineError `bad_request`. */
import type { SpanEvent, SpanLink, SpanRecord } from '../../../model/records.ts';
import { samplingWeight } from '../../../model/text/sampling-weight.ts';
import type { Steps } from '../request/steps.ts';
import type { JsonObject } from './json-fields.ts';
import { attributes, bigInteger, hexId, integer, itemsOf, objects, optionalObject, text } from './json-fields.ts';
import { spanKind, spanStatus } from './span-enums.ts';

export function decodeTracesJson(bytes: Uint8Array): Steps<SpanRecord[]> {
  return itemsOf(bytes, ['resourceSpans', 'scopeSpans', 'spans'], readSpan);
}

function readSpan(from: JsonObject): Omit<SpanRecord, 'resource' | 'scope'> {
  const status = optionalObject(from, 'status');
  const weight = samplingWeight(text(from, 'traceState'));
  return {
    traceId: hexId(from, 'traceId'),
    spanId: hexId(from, 'spanId'),
    parentSpanId: hexId(from, 'parentSpanId'),
    name: text(from, 'name'),
    kind: spanKind(integer(from, 'kind')),
    startUnixNano: bigInteger(from, 'startTimeUnixNano'),
    endUnixNano: bigInteger(from, 'endTimeUnixNano'),
    status: spanStatus(status ? integer(status, 'code') : 0),
    statusMessage: status ? text(status, 'message') : '',
    attributes: attributes(from, 'attributes'),
    events: objects(from, 'events', readEvent),
    links: objects(from, 'links', readLink),
    ...(weight === undefined ? {} : { weight }),
  };
}

function readEvent(from: JsonObject): SpanEvent {
  return {
    name: text(from, 'name'),
    timeUnixNano: bigInteger(from, 'timeUnixNano'),
    attributes: attributes(from, 'attributes'),
  };
}

function readLink(from: JsonObject): SpanLink {
  return {
    traceId: hexId(from, 'traceId'),
    spanId: hexId(from, 'spanId'),
    attributes: attributes(from, 'attributes'),
  };
}
