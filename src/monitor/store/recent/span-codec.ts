/** A span as one flat text without its trace id, resource and scope, which are kept once for many spans. */
import type { SpanEvent, SpanKind, SpanLink, SpanRecord, SpanStatus } from '../../../model/records.ts';
import {
  packAttributes,
  textBytes,
  unpackAttributes,
  type NameTable,
  type Origin,
  type Packed,
} from '../codec/record-codec.ts';

const KINDS: readonly SpanKind[] = ['internal', 'server', 'client', 'producer', 'consumer'];
const STATUSES: readonly SpanStatus[] = ['unset', 'ok', 'error'];

export interface PackedSpan {
  readonly text: string;
  readonly sizeBytes: number;
}

/** Equal for the same span of the same kind, and the beginning of its text. */
export function spanMark(span: Pick<SpanRecord, 'spanId' | 'kind'>): string {
  return `[${JSON.stringify(span.spanId)},${KINDS.indexOf(span.kind)},`;
}

export function packSpan(span: SpanRecord, names: NameTable): PackedSpan {
  const packed: Packed[] = [
    span.spanId,
    KINDS.indexOf(span.kind),
    span.parentSpanId,
    names.pack(span.name),
    `${span.startUnixNano}`,
    `${span.endUnixNano - span.startUnixNano}`,
    packAttributes(span.attributes, names),
  ];
  const { events, links } = span;
  if (span.status !== 'unset' || span.statusMessage !== '' || events.length > 0 || links.length > 0) {
    packed.push(
      STATUSES.indexOf(span.status),
      span.statusMessage,
      events.map(({ name, timeUnixNano, attributes }) => [
        names.pack(name),
        `${timeUnixNano}`,
        packAttributes(attributes, names),
      ]),
      links.map(({ traceId, spanId, attributes }) => [traceId, spanId, packAttributes(attributes, names)]),
    );
  }
  const text = JSON.stringify(packed);
  return { text, sizeBytes: textBytes(text) };
}

export function unpackSpan(traceId: string, text: string, { resource, scope }: Origin, names: NameTable): SpanRecord {
  const packed = JSON.parse(text) as readonly Packed[];
  const start = BigInt(packed[4] as string);
  return {
    traceId,
    spanId: packed[0] as string,
    parentSpanId: packed[2] as string,
    name: names.unpack(packed[3]),
    kind: KINDS[packed[1] as number],
    startUnixNano: start,
    endUnixNano: start + BigInt(packed[5] as string),
    status: STATUSES[(packed[7] ?? 0) as number],
    statusMessage: (packed[8] ?? '') as string,
    attributes: unpackAttributes(packed[6] as readonly Packed[], names),
    events: ((packed[9] ?? []) as readonly (readonly Packed[])[]).map(([name, time, attributes]): SpanEvent => ({
      name: names.unpack(name),
      timeUnixNano: BigInt(time as string),
      attributes: unpackAttributes(attributes as readonly Packed[], names),
    })),
    links: ((packed[10] ?? []) as readonly (readonly Packed[])[]).map(
      ([linkTraceId, spanId, attributes]): SpanLink => ({
        traceId: linkTraceId as string,
        spanId: spanId as string,
        attributes: unpackAttributes(attributes as readonly Packed[], names),
      }),
    ),
    resource,
    scope,
  };
}
