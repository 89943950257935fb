/**
 * Which traces are kept long. A trace is sealed 60 seconds after its first span came: as kept when one of its spans failed
 * or one of its server spans was slower than the 99th percentile of its route, else as ordinary. A span that comes later
 * follows its trace while the seal is remembered; a failed one is always kept.
 */
import { RecentMap } from '../../../base/bounded.ts';
import type { SpanRecord } from '../../../model/records.ts';
import { serviceOf } from '../../../model/records.ts';

export const SEAL_AFTER_MS = 60_000;
/** Open traces; above this the oldest are sealed. */
const OPEN_MAX = 32_768;
/** Seals that are remembered at least. */
const SEALED = 8_192;
const ROUTES_MAX = 2_000;
/** Durations in buckets that grow by 5 %: a percentile is off by less than that. */
const GROWTH = Math.log(1.05);
const SMALLEST_MS = 0.01;
/** A percentile of fewer durations says nothing: then a trace is slow from one second on. */
const COUNT_MIN = 200;
const SLOW_MS = 1_000;
/** Counts are halved at this many, so that old durations fade. */
const COUNT_MAX = 20_000;

export type Seal = 'kept' | 'ordinary';

class RouteDurations {
  readonly #counts = new Map<number, number>();
  #count = 0;
  #p99Ms: number | undefined;
  #fresh = 0;

  /** Whether it is above the 99th percentile of the durations before it. */
  isSlow(ms: number): boolean {
    const slow = ms > this.#p99();
    const bucket = Math.ceil(Math.log(Math.max(ms, SMALLEST_MS) / SMALLEST_MS) / GROWTH);
    this.#counts.set(bucket, (this.#counts.get(bucket) ?? 0) + 1);
    this.#count += 1;
    this.#fresh += 1;
    if (this.#count >= COUNT_MAX) this.#halve();
    return slow;
  }

  #p99(): number {
    if (this.#count < COUNT_MIN) return SLOW_MS;
    if (this.#p99Ms !== undefined && this.#fresh < this.#count / 20) return this.#p99Ms;
    this.#fresh = 0;
    let above = this.#count * 0.01;
    const buckets = [...this.#counts].sort((a, b) => b[0] - a[0]);
    for (const [bucket, count] of buckets) {
      above -= count;
      if (above > 0) continue;
      this.#p99Ms = SMALLEST_MS * Math.exp(bucket * GROWTH);
      return this.#p99Ms;
    }
    return SLOW_MS;
  }

  #halve(): void {
    this.#count = 0;
    for (const [bucket, count] of this.#counts) {
      const half = count >> 1;
      if (half === 0) this.#counts.delete(bucket);
      else this.#counts.set(bucket, half);
      this.#count += half;
    }
  }
}

interface OpenTrace {
  readonly sinceMs: number;
  kept: boolean;
}

export class TraceSeals {
  /** Oldest first. */
  readonly #open = new Map<string, OpenTrace>();
  readonly #sealed = new RecentMap<string, Seal>(SEALED);
  readonly #routes = new Map<string, RouteDurations>();

  note(span: SpanRecord, nowMs: number): void {
    const notable = this.#isNotable(span);
    const trace = this.#open.get(span.traceId);
    if (trace !== undefined) trace.kept ||= notable;
    else if (this.#sealed.get(span.traceId) === undefined)
      this.#open.set(span.traceId, { sinceMs: nowMs, kept: notable });
    else if (notable) this.#sealed.set(span.traceId, 'kept');
    if (this.#open.size > OPEN_MAX) this.#sealOldest();
  }

  #isNotable(span: SpanRecord): boolean {
    if (span.status === 'error') return true;
    if (span.kind !== 'server' && span.parentSpanId !== '') return false;
    const key = `${serviceOf(span.resource)}\n${span.name}`;
    let route = this.#routes.get(key);
    if (route === undefined) {
      if (this.#routes.size >= ROUTES_MAX) this.#routes.clear();
      this.#routes.set(key, (route = new RouteDurations()));
    }
    return route.isSlow(Number(span.endUnixNano - span.startUnixNano) / 1e6);
  }

  /** Seals the traces that are old enough; all of them with Infinity. */
  seal(nowMs: number): void {
    for (const [id, trace] of this.#open) {
      if (nowMs - trace.sinceMs < SEAL_AFTER_MS) return;
      this.#close(id, trace);
    }
  }

  #sealOldest(): void {
    const [first] = this.#open;
    if (first !== undefined) this.#close(...first);
  }

  #close(id: string, trace: OpenTrace): void {
    this.#open.delete(id);
    this.#sealed.set(id, trace.kept ? 'kept' : 'ordinary');
  }

  /** Undefined while the trace is open. A forgotten trace is ordinary unless this span failed. */
  of(traceId: string, failed: boolean): Seal | undefined {
    if (this.#open.has(traceId)) return undefined;
    return this.#sealed.get(traceId) ?? (failed ? 'kept' : 'ordinary');
  }
}
