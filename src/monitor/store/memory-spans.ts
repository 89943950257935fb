/**
 * Spans in memory: the newest whole, failed and slow traces longer. Bounded in bytes (an estimate by text lengths) and in
 * spans. When full, the trace without news for longest goes first; failed and slow ones are kept in half of the room as
 * long as there are others to go. What went is counted.
 */
import type { AppendResult, SpanSink, SpanSource, TraceQuery, TraceSummary } from '../../model/joints.ts';
import { serviceOf } from '../../model/records.ts';
import type { Attributes, AttributeValue, SpanRecord } from '../../model/records.ts';
import { attributeText, attributesBytes } from './attribute-search.ts';

export interface MemorySpansOptions {
  readonly maxBytes: number;
  readonly maxSpans: number;
  /** One trace cannot push out all others: further spans of it are refused. */
  readonly maxSpansPerTrace: number;
  /** A trace with a span at least this long is kept longer. */
  readonly slowMs: number;
}

export const MEMORY_SPANS_DEFAULTS: MemorySpansOptions = {
  maxBytes: 64 * 1024 * 1024,
  maxSpans: 200_000,
  maxSpansPerTrace: 10_000,
  slowMs: 1_000,
};

const SPAN_BYTES = 400;
/** Share of the room that failed and slow traces may hold against newer ones. */
const KEPT_SHARE = 0.5;

interface Trace {
  readonly id: string;
  readonly spans: SpanRecord[];
  readonly spanIds: Set<string>;
  bytes: number;
  notable: boolean;
}

const durationMs = (span: SpanRecord): number => Number(span.endUnixNano - span.startUnixNano) / 1e6;

function spanBytes(span: SpanRecord): number {
  let size = SPAN_BYTES + span.name.length + attributesBytes(span.attributes);
  for (const event of span.events) size += 100 + attributesBytes(event.attributes);
  for (const link of span.links) size += 150 + attributesBytes(link.attributes);
  return size;
}

export class MemorySpans implements SpanSink, SpanSource {
  readonly #options: MemorySpansOptions;
  /** Least recently added to first. */
  readonly #plain = new Map<string, Trace>();
  readonly #notable = new Map<string, Trace>();
  #bytes = 0;
  #notableBytes = 0;
  #spans = 0;
  #evicted = 0;

  constructor(options: MemorySpansOptions) {
    this.#options = options;
  }

  get stats(): { traces: number; spans: number; sizeBytes: number; evictedSpans: number } {
    const traces = this.#plain.size + this.#notable.size;
    return { traces, spans: this.#spans, sizeBytes: this.#bytes, evictedSpans: this.#evicted };
  }

  append(spans: readonly SpanRecord[]): AppendResult {
    let invalid = 0;
    let crowded = 0;
    for (const span of spans) {
      if (span.traceId === '' || span.spanId === '') invalid += 1;
      else if (!this.#add(span)) crowded += 1;
    }
    this.#makeRoom();
    const rejected: AppendResult['rejected'][number][] = [];
    if (invalid > 0)
      rejected.push({ reason: 'invalid', count: invalid, message: 'a span has no trace id or no span id' });
    if (crowded > 0) {
      const message = `a trace has more than ${this.#options.maxSpansPerTrace} spans`;
      rejected.push({ reason: 'queue_full', count: crowded, message });
    }
    return { accepted: spans.length - invalid - crowded, rejected };
  }

  /** Newest first. Times are compared with the trace's start. */
  find(query: TraceQuery): TraceSummary[] {
    const found: TraceSummary[] = [];
    for (const traces of [this.#plain, this.#notable]) {
      for (const trace of traces.values()) {
        const summary = matching(trace, query);
        if (summary !== undefined) found.push(summary);
      }
    }
    found.sort((a, b) => Number(b.startUnixNano - a.startUnixNano));
    return found.slice(0, query.limit);
  }

  /** Spans of a trace by start time; empty when it is not here. */
  trace(traceId: string): SpanRecord[] {
    const trace = this.#plain.get(traceId) ?? this.#notable.get(traceId);
    return [...(trace?.spans ?? [])].sort((a, b) => Number(a.startUnixNano - b.startUnixNano));
  }

  /** False when the trace has too many spans. A span that is sent again replaces nothing and is not counted twice. */
  #add(span: SpanRecord): boolean {
    const known = this.#plain.get(span.traceId) ?? this.#notable.get(span.traceId);
    const trace = known ?? { id: span.traceId, spans: [], spanIds: new Set(), bytes: 0, notable: false };
    if (trace.spanIds.has(`${span.spanId}${span.kind}`)) return true;
    if (trace.spans.length >= this.#options.maxSpansPerTrace) return false;
    const size = spanBytes(span);
    this.#take(trace);
    trace.spans.push(span);
    trace.spanIds.add(`${span.spanId}${span.kind}`);
    trace.bytes += size;
    trace.notable ||= span.status === 'error' || durationMs(span) >= this.#options.slowMs;
    this.#put(trace);
    return true;
  }

  #take(trace: Trace): void {
    const home = trace.notable ? this.#notable : this.#plain;
    if (!home.delete(trace.id)) return;
    this.#bytes -= trace.bytes;
    this.#spans -= trace.spans.length;
    if (trace.notable) this.#notableBytes -= trace.bytes;
  }

  #put(trace: Trace): void {
    (trace.notable ? this.#notable : this.#plain).set(trace.id, trace);
    this.#bytes += trace.bytes;
    this.#spans += trace.spans.length;
    if (trace.notable) this.#notableBytes += trace.bytes;
  }

  #makeRoom(): void {
    const { maxBytes, maxSpans } = this.#options;
    while (this.#bytes > maxBytes || this.#spans > maxSpans) {
      const [oldestPlain] = this.#plain.values();
      const [oldestNotable] = this.#notable.values();
      const notableFull = this.#notableBytes > maxBytes * KEPT_SHARE;
      const victim = oldestPlain === undefined || (notableFull && oldestNotable) ? oldestNotable : oldestPlain;
      if (victim === undefined) return;
      this.#take(victim);
      this.#evicted += victim.spans.length;
    }
  }
}

function hasAttribute(attributes: Attributes, name: string, value: string): boolean {
  if (!Object.hasOwn(attributes, name)) return false;
  const found: AttributeValue = attributes[name];
  return (
    attributeText(found) === value || (Array.isArray(found) && found.some((item) => attributeText(item) === value))
  );
}

/** Where the root is elsewhere: clocks differ, so the earliest span may have a parent here, which is then the better name. */
function topOf(first: SpanRecord, spans: readonly SpanRecord[]): SpanRecord {
  let top = first;
  for (let hops = 0; hops < spans.length; hops += 1) {
    const { spanId, parentSpanId } = top;
    const parent = parentSpanId === spanId ? undefined : spans.find((span) => span.spanId === parentSpanId);
    if (parent === undefined) break;
    top = parent;
  }
  return top;
}

function summaryOf({ id, spans }: Trace): TraceSummary {
  let [first] = spans;
  let end = first.endUnixNano;
  let errors = 0;
  const services = new Set<string>();
  let root: SpanRecord | undefined;
  for (const span of spans) {
    if (span.startUnixNano < first.startUnixNano) first = span;
    if (span.endUnixNano > end) end = span.endUnixNano;
    if (span.status === 'error') errors += 1;
    services.add(serviceOf(span.resource));
    if (span.parentSpanId === '' && (root === undefined || span.startUnixNano < root.startUnixNano)) root = span;
  }
  const shown = root ?? topOf(first, spans);
  return {
    traceId: id,
    root: { service: serviceOf(shown.resource), name: shown.name },
    startUnixNano: first.startUnixNano,
    durationMs: Math.max(0, Number(end - first.startUnixNano) / 1e6),
    spans: spans.length,
    errors,
    services: [...services].sort(),
  };
}

/** The summary of a trace that the query accepts. Conditions may hold on different spans of it. */
function matching(trace: Trace, query: TraceQuery): TraceSummary | undefined {
  const { service, route, attribute } = query;
  const any = (test: (span: SpanRecord) => boolean): boolean => trace.spans.some(test);
  if (query.onlyErrors === true && !any(({ status }) => status === 'error')) return undefined;
  if (service !== undefined && !any(({ resource }) => serviceOf(resource) === service)) return undefined;
  if (route !== undefined && !any(({ attributes }) => hasAttribute(attributes, 'http.route', route))) return undefined;
  if (
    attribute !== undefined &&
    !any(
      ({ attributes, resource }) =>
        hasAttribute(attributes, attribute.name, attribute.value) ||
        hasAttribute(resource.attributes, attribute.name, attribute.value),
    )
  ) {
    return undefined;
  }
  const summary = summaryOf(trace);
  const startMs = Number(summary.startUnixNano / 1_000_000n);
  const inside = startMs >= (query.fromMs ?? -Infinity) && startMs <= (query.toMs ?? Infinity);
  return inside && summary.durationMs >= (query.minDurationMs ?? 0) ? summary : undefined;
}
