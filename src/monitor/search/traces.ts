/**
 * Traces with a span that matches a filter, newest first by their newest matching span, which is also the place of a trace in
 * the order of pages: a trace stands on one page only. The spans of the found traces are read in a second pass by their ids.
 */
import type { Clock } from '../../base/clock.ts';
import { comparePositions } from '../store/recent/record-rows.ts';
import type { RecordPosition, RecordSource } from '../../model/record-source.ts';
import type { TraceSummary } from '../../model/ports.ts';
import { serviceOf, type SpanRecord } from '../../model/records.ts';
import { valueAt } from './counts.ts';
import type { Filter } from './filter.ts';
import { scanMatches, type ScanOutcome, type ScanRequest } from './scan.ts';

export interface FoundTrace {
  readonly traceId: string;
  /** Of its newest matching span. */
  readonly position: RecordPosition;
  /** By start. */
  readonly spans: readonly SpanRecord[];
}

export interface TracePage extends ScanOutcome {
  readonly traces: readonly FoundTrace[];
  readonly next: RecordPosition | undefined;
}

/** Spans of one trace lie within this distance of each other, except in traces of long-running jobs. */
const AROUND_MS = 600_000;
const MAX_SPANS_PER_TRACE = 10_000;

/** @throws VitrineError `query_failed` */
export async function searchTraces(
  source: RecordSource,
  request: ScanRequest<'traces'>,
  limit: number,
  clock: Clock,
): Promise<TracePage> {
  const { before } = request;
  // A trace of an earlier page has its newest matching span at or after the cursor, so the scan begins without the cursor.
  const newest = new NewestTraces(limit + 1, before);
  const all = {
    ...request,
    before: undefined,
    toMs: before === undefined ? request.toMs : Math.min(request.toMs, laterMs(before)),
  };
  const outcome = await scanMatches(
    source,
    all,
    clock,
    (batch, rows) => {
      const ids = batch.column('trace');
      for (const row of rows.toReversed()) newest.add(valueAt(ids, row) as string, batch.positionOf(row));
      newest.trim();
    },
    (timeUnixNano) => newest.mayTake(timeUnixNano),
  );
  const reached = BigInt(Math.floor(outcome.reachedMs)) * 1_000_000n;
  const found = newest.list().filter(({ position }) => outcome.complete || position.timeUnixNano >= reached);
  const kept = found.slice(0, limit);
  const { spans, complete } = await spansOf(source, kept, all, clock);
  const traces = kept.map((trace) => ({ ...trace, spans: spans.get(trace.traceId) ?? [] }));
  let next: RecordPosition | undefined;
  if (found.length > limit) next = kept[kept.length - 1].position;
  else if (!outcome.complete) next = { timeUnixNano: reached, sequence: 0 };
  return { ...outcome, complete: outcome.complete && complete, traces, next };
}

const laterMs = ({ timeUnixNano }: RecordPosition): number => Number(timeUnixNano / 1_000_000n) + AROUND_MS;

/** The newest matching span of each trace. */
class NewestTraces {
  readonly #capacity: number;
  readonly #before: RecordPosition | undefined;
  readonly #newest = new Map<string, RecordPosition>();
  /** Traces of earlier pages. */
  readonly #earlier = new Set<string>();
  #least: RecordPosition | undefined;

  constructor(capacity: number, before: RecordPosition | undefined) {
    this.#capacity = capacity;
    this.#before = before;
  }

  add(traceId: string, position: RecordPosition): void {
    if (this.#before !== undefined && comparePositions(position, this.#before) >= 0) {
      this.#earlier.add(traceId);
      this.#newest.delete(traceId);
      return;
    }
    if (this.#earlier.has(traceId)) return;
    const known = this.#newest.get(traceId);
    if (known === undefined || comparePositions(known, position) < 0) this.#newest.set(traceId, position);
  }

  mayTake(timeUnixNano: bigint): boolean {
    return this.#least === undefined || timeUnixNano >= this.#least.timeUnixNano;
  }

  trim(): void {
    if (this.#newest.size < this.#capacity) return;
    const list = this.list();
    for (const { traceId } of list.slice(this.#capacity)) this.#newest.delete(traceId);
    this.#least = list[this.#capacity - 1].position;
  }

  list(): { readonly traceId: string; readonly position: RecordPosition }[] {
    return [...this.#newest]
      .map(([traceId, position]) => ({ traceId, position }))
      .sort((a, b) => comparePositions(b.position, a.position));
  }
}

/** All spans of the traces, by start; not `complete` when a limit of the scan or of one trace left some out. */
async function spansOf(
  source: RecordSource,
  traces: readonly { readonly traceId: string; readonly position: RecordPosition }[],
  { filter, limits, signalled }: ScanRequest<'traces'>,
  clock: Clock,
): Promise<{ readonly spans: ReadonlyMap<string, readonly SpanRecord[]>; readonly complete: boolean }> {
  const spans = new Map<string, SpanRecord[]>(traces.map(({ traceId }) => [traceId, []]));
  if (traces.length === 0) return { spans, complete: true };
  const times = traces.map(({ position }) => Number(position.timeUnixNano / 1_000_000n));
  const ids: Filter = {
    ...filter,
    condition: {
      kind: 'field',
      field: 'trace',
      test: { kind: 'any', tests: [...spans.keys()].map((text) => ({ kind: 'equal', text, folded: false })) },
    },
  };
  const request = {
    signal: 'traces',
    filter: ids,
    fromMs: Math.max(0, Math.min(...times) - AROUND_MS),
    toMs: Math.max(...times) + AROUND_MS,
    limits,
    signalled,
  } as const;
  let omitted = 0;
  const outcome = await scanMatches(source, request, clock, (batch, rows) => {
    for (const row of rows) {
      const span = batch.record(row);
      const list = spans.get(span.traceId);
      if (list === undefined) continue;
      if (list.length < MAX_SPANS_PER_TRACE) list.push(span);
      else omitted += 1;
    }
  });
  for (const list of spans.values()) list.sort((a, b) => Number(a.startUnixNano - b.startUnixNano));
  return { spans, complete: outcome.complete && omitted === 0 };
}

/** A summary from the spans of one trace, of which there must be at least one. */
export function traceSummary(spans: readonly SpanRecord[]): TraceSummary {
  const sorted = [...spans].sort((a, b) => Number(a.startUnixNano - b.startUnixNano));
  const start = sorted[0].startUnixNano;
  let end = start;
  for (const { endUnixNano } of sorted) if (endUnixNano > end) end = endUnixNano;
  const ids = new Set(sorted.map(({ spanId }) => spanId));
  const isTop = ({ parentSpanId }: SpanRecord): boolean => !ids.has(parentSpanId);
  const root = sorted.find(({ parentSpanId }) => parentSpanId === '') ?? sorted.find(isTop) ?? sorted[0];
  return {
    traceId: root.traceId,
    root: { service: serviceOf(root.resource), name: root.name },
    startUnixNano: start,
    durationMs: Number(end - start) / 1e6,
    spans: sorted.length,
    errors: sorted.filter(({ status }) => status === 'error').length,
    services: [...new Set(sorted.map(({ resource }) => serviceOf(resource)))].sort(),
  };
}
