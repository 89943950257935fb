/**
 * Passes spans on to the store and, when they are in it, notes their traces for those who follow: what a search does not find
 * that begins after the following has begun, the follower gets. Each trace is told once. A follower has a bounded list of
 * traces: those beyond it are counted, so no client holds up intake or fills memory.
 */
import { RecentMap } from '../../base/bounded.ts';
import type { Clock } from '../../base/clock.ts';
import { VitrineError } from '../../base/errors.ts';
import type { AppendResult, SpanSink } from '../../model/ports.ts';
import type { SpanRecord } from '../../model/records.ts';
import { batchOfRows, recordService, recordTime } from '../store/recent/record-rows.ts';
import { compileFilter, type BatchTest } from './evaluate.ts';
import type { Filter } from './filter.ts';

const MAX_FOLLOWERS = 16;
const MAX_WAITING = 1_000;
/** Traces that are known to have been told, at least. */
const KNOWN = 10_000;

export interface TraceFollower extends Disposable {
  /**
   * The traces whose first matching span came at or before the monotonic time, and the number that was left out. Throws
   * VitrineError `query_failed` when the filter could not be carried out on a span.
   */
  take(untilMs: number): { readonly traceIds: readonly string[]; readonly dropped: number };
}

export class TraceTail implements SpanSink {
  readonly #sink: SpanSink;
  readonly #clock: Clock;
  readonly #followers = new Set<Followed>();

  constructor(sink: SpanSink, clock: Clock) {
    this.#sink = sink;
    this.#clock = clock;
  }

  get followers(): number {
    return this.#followers.size;
  }

  append(spans: readonly SpanRecord[]): AppendResult | Promise<AppendResult> {
    const result = this.#sink.append(spans);
    if (!(result instanceof Promise)) return this.#offer(spans, result);
    return result.then((stored) => this.#offer(spans, stored));
  }

  #offer(spans: readonly SpanRecord[], result: AppendResult): AppendResult {
    for (const follower of this.#followers) follower.offer(spans, this.#clock.monotonic());
    return result;
  }

  /** @throws VitrineError `too_many_requests` */
  follow(filter: Filter): TraceFollower {
    if (this.#followers.size >= MAX_FOLLOWERS) {
      throw new VitrineError('too_many_requests', `${MAX_FOLLOWERS} clients follow the traces already.`);
    }
    const followed = new Followed(compileFilter(filter), () => this.#followers.delete(followed));
    this.#followers.add(followed);
    return followed;
  }
}

class Followed implements TraceFollower {
  readonly #test: BatchTest;
  readonly #leave: () => void;
  /** By id, when the first matching span came; the oldest first. */
  readonly #waiting = new Map<string, number>();
  readonly #known = new RecentMap<string, true>(KNOWN);
  #dropped = 0;
  #failure: unknown;

  constructor(test: BatchTest, leave: () => void) {
    this.#test = test;
    this.#leave = leave;
  }

  /** Never throws: a filter that fails ends its own follower, not the intake. */
  offer(spans: readonly SpanRecord[], nowMs: number): void {
    try {
      for (const span of spans) {
        const { traceId } = span;
        if (this.#waiting.has(traceId) || this.#known.get(traceId) !== undefined || !this.#matches(span)) continue;
        if (this.#waiting.size < MAX_WAITING) this.#waiting.set(traceId, nowMs);
        else {
          this.#dropped += 1;
          this.#known.set(traceId, true);
        }
      }
    } catch (error) {
      this.#failure = error;
      this.#leave();
    }
  }

  #matches(record: SpanRecord): boolean {
    const position = { timeUnixNano: recordTime('traces', record), sequence: 0 };
    return this.#test(batchOfRows('traces', recordService('traces', record), [{ position, record }]))(0);
  }

  take(untilMs: number): { readonly traceIds: readonly string[]; readonly dropped: number } {
    if (this.#failure !== undefined) throw this.#failure;
    const traceIds = [...this.#waiting].flatMap(([traceId, cameMs]) => (cameMs <= untilMs ? [traceId] : []));
    for (const traceId of traceIds) {
      this.#waiting.delete(traceId);
      this.#known.set(traceId, true);
    }
    const dropped = this.#dropped;
    this.#dropped = 0;
    return { traceIds, dropped };
  }

  [Symbol.dispose](): void {
    this.#leave();
  }
}
