/**
 * Spans in memory: the newest traces whole, failed and slow ones for longer. Each span is one flat text (`span-codec.ts`);
 * the columns of the trace list are kept beside it, so listing unpacks nothing. Bounded in spans and in the bytes V8 takes.
 * When memory is full, the trace that got no span for longest is dropped first; failed and slow traces may use half of the
 * memory while other traces can be dropped. Dropped spans are counted.
 */
import type { AppendResult, SpanSink, SpanSource, TraceQuery, TraceSummary } from '../../../model/ports.ts';
import { serviceOf } from '../../../model/records.ts';
import type { SpanRecord } from '../../../model/records.ts';
import { hasAttribute } from './attribute-search.ts';
import { NameTable, Origins, traceOfValue, type Origin } from '../codec/record-codec.ts';
import { packSpan, spanMark, unpackSpan } from './span-codec.ts';

export interface MemorySpansOptions {
  readonly maxBytes: number;
  readonly maxSpans: number;
  /** Further spans of a trace are refused, so that one trace cannot displace all others. */
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

/** Bytes of a trace without its spans: two objects, two arrays with spare capacity, a map entry, four bigints, its id. */
const TRACE_BYTES = 850;
/** Bytes of a span's entries in the arrays of its trace. */
const PLACES_BYTES = 24;
/** From this many spans on, a trace keeps a set of its span ids to find repetitions. */
const MARKS_FROM = 32;
const MARK_BYTES = 80;
/** Share of the memory that failed and slow traces may keep while newer traces arrive. */
const KEPT_SHARE = 0.5;

interface Trace {
  readonly id: string;
  readonly texts: string[];
  readonly origins: Origin[];
  /** Beginnings of the texts, once there are many. */
  marks: Set<string> | undefined;
  bytes: number;
  notable: boolean;
  startUnixNano: bigint;
  endUnixNano: bigint;
  errors: number;
  /** Of all spans, each counted once. */
  services: string[];
  /** The earliest span without a parent, else the earliest of all. */
  shown: Shown;
}

/** The span that gives the trace its name in lists. */
interface Shown {
  readonly service: string;
  readonly name: string;
  readonly spanId: string;
  readonly parentSpanId: string;
  readonly startUnixNano: bigint;
}

const durationMs = (span: SpanRecord): number => Number(span.endUnixNano - span.startUnixNano) / 1e6;

export class MemorySpans implements SpanSink, SpanSource {
  readonly #options: MemorySpansOptions;
  /** Least recently added to first. */
  readonly #plain = new Map<string, Trace>();
  readonly #notable = new Map<string, Trace>();
  readonly #names = new NameTable();
  readonly #origins = new Origins();
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
        const summary = this.#matching(trace, query);
        if (summary !== undefined) found.push(summary);
      }
    }
    found.sort((a, b) => Number(b.startUnixNano - a.startUnixNano));
    return found.slice(0, query.limit);
  }

  /** Removes traces that are deleted from the store. */
  drop(traceIds: Iterable<string>): void {
    for (const id of traceIds) {
      const trace = this.#plain.get(id) ?? this.#notable.get(id);
      if (trace !== undefined) this.#take(trace);
    }
  }

  /** Spans of a trace by start time; empty when the trace is not in memory. */
  trace(traceId: string): SpanRecord[] {
    const trace = this.#plain.get(traceId) ?? this.#notable.get(traceId);
    const spans = trace === undefined ? [] : [...this.#spansOf(trace)];
    return spans.sort((a, b) => Number(a.startUnixNano - b.startUnixNano));
  }

  *#spansOf({ id, texts, origins }: Trace): Generator<SpanRecord> {
    for (const [at, text] of texts.entries()) yield unpackSpan(id, text, origins[at], this.#names);
  }

  /** False when the trace has too many spans. A span that is sent again replaces nothing and is not counted twice. */
  #add(span: SpanRecord): boolean {
    const trace = this.#plain.get(span.traceId) ?? this.#notable.get(span.traceId) ?? newTrace(span);
    const mark = spanMark(span);
    if (hasSpan(trace, mark)) return true;
    if (trace.texts.length >= this.#options.maxSpansPerTrace) return false;
    const { text, sizeBytes } = packSpan(span, this.#names);
    const { origin, newBytes } = this.#origins.of(span.resource, span.scope);
    this.#take(trace);
    trace.texts.push(text);
    trace.origins.push(origin);
    trace.bytes += sizeBytes + newBytes + PLACES_BYTES;
    if (trace.marks !== undefined) trace.bytes += MARK_BYTES;
    trace.marks?.add(mark);
    noteSpan(trace, span);
    trace.notable ||= span.status === 'error' || durationMs(span) >= this.#options.slowMs;
    this.#put(trace);
    return true;
  }

  #take(trace: Trace): void {
    const home = trace.notable ? this.#notable : this.#plain;
    if (!home.delete(trace.id)) return;
    this.#bytes -= trace.bytes;
    this.#spans -= trace.texts.length;
    if (trace.notable) this.#notableBytes -= trace.bytes;
  }

  #put(trace: Trace): void {
    (trace.notable ? this.#notable : this.#plain).set(trace.id, trace);
    this.#bytes += trace.bytes;
    this.#spans += trace.texts.length;
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
      this.#evicted += victim.texts.length;
    }
  }

  /** The summary of a trace that the query accepts. Conditions may hold on different spans of it. */
  #matching(trace: Trace, query: TraceQuery): TraceSummary | undefined {
    const { service, route, attribute } = query;
    if (!isTold(trace, query)) return undefined;
    if (query.onlyErrors === true && trace.errors === 0) return undefined;
    if (service !== undefined && !trace.services.includes(service)) return undefined;
    const summary = summaryOf(trace);
    if (!inRange(summary, query)) return undefined;
    if (route !== undefined && !this.#has(trace, 'http.route', route)) return undefined;
    const { name, value } = attribute ?? {};
    if (name === undefined || value === undefined || this.#has(trace, name, value)) return summary;
    return trace.origins.some(({ resource }) => hasAttribute(resource.attributes, name, value)) ? summary : undefined;
  }

  /** Unpacks only the texts that can contain the value: packed texts contain strings in the form of JSON. */
  #has({ id, texts, origins }: Trace, name: string, value: string): boolean {
    const traceOf = traceOfValue(value);
    return texts.some(
      (text, at) =>
        (traceOf === undefined || text.includes(traceOf)) &&
        hasAttribute(unpackSpan(id, text, origins[at], this.#names).attributes, name, value),
    );
  }
}

function newTrace({ traceId, startUnixNano, endUnixNano }: SpanRecord): Trace {
  return {
    id: traceId,
    texts: [],
    origins: [],
    marks: undefined,
    bytes: TRACE_BYTES,
    notable: false,
    startUnixNano,
    endUnixNano,
    errors: 0,
    services: [],
    shown: { service: '', name: '', spanId: '', parentSpanId: '', startUnixNano },
  };
}

function hasSpan(trace: Trace, mark: string): boolean {
  if (trace.marks !== undefined) return trace.marks.has(mark);
  if (trace.texts.some((text) => text.startsWith(mark))) return true;
  if (trace.texts.length < MARKS_FROM) return false;
  trace.marks = new Set(trace.texts.map((text) => text.slice(0, text.indexOf(',', text.indexOf('",') + 2) + 1)));
  return false;
}

/**
 * A root takes precedence; without a root, a parent takes precedence over its child, because clocks differ; else the earlier
 * span does.
 */
function isBetterName(span: SpanRecord, shown: Shown): boolean {
  const isRoot = span.parentSpanId === '';
  const shownIsRoot = shown.parentSpanId === '';
  if (isRoot !== shownIsRoot) return isRoot;
  if (span.spanId === shown.parentSpanId) return true;
  return span.parentSpanId !== shown.spanId && span.startUnixNano < shown.startUnixNano;
}

/** Updates the columns of the trace list with one span. */
function noteSpan(trace: Trace, span: SpanRecord): void {
  const { startUnixNano, endUnixNano } = span;
  const service = serviceOf(span.resource);
  if (trace.texts.length === 1 || isBetterName(span, trace.shown)) {
    const { name, spanId, parentSpanId } = span;
    trace.shown = { service, name, spanId, parentSpanId, startUnixNano };
  }
  if (startUnixNano < trace.startUnixNano) trace.startUnixNano = startUnixNano;
  if (endUnixNano > trace.endUnixNano) trace.endUnixNano = endUnixNano;
  if (span.status === 'error') trace.errors += 1;
  if (!trace.services.includes(service)) trace.services.push(service);
}

function isTold({ shown, startUnixNano }: Trace, { rootlessBeforeMs = Infinity }: TraceQuery): boolean {
  return shown.parentSpanId === '' || Number(startUnixNano / 1_000_000n) < rootlessBeforeMs;
}

function inRange(
  { startUnixNano, durationMs: ms }: TraceSummary,
  { fromMs = -Infinity, toMs = Infinity, minDurationMs = 0 }: TraceQuery,
): boolean {
  const startMs = Number(startUnixNano / 1_000_000n);
  return startMs >= fromMs && startMs <= toMs && ms >= minDurationMs;
}

function summaryOf(trace: Trace): TraceSummary {
  const { id, shown, startUnixNano, endUnixNano, errors, services, texts } = trace;
  return {
    traceId: id,
    root: { service: shown.service, name: shown.name },
    startUnixNano,
    durationMs: Math.max(0, Number(endUnixNano - startUnixNano) / 1e6),
    spans: texts.length,
    errors,
    services: [...services].sort(),
  };
}
