/**
 * The result of a load test as JSON: totals, errors, latency by operation from exact histograms, one row for each second,
 * and the most interesting requests with their ids in traces and logs. Latencies are in milliseconds; in an open loop they
 * count from the time when a request was due, not when it was sent.
 */
import type { RecordableHistogram } from 'node:perf_hooks';
import { createHistogram } from 'node:perf_hooks';
import { breakingPoint } from './breaking-point.ts';
import type { BreakingPoint } from './breaking-point.ts';
import type { LoadOptions } from './options.ts';

export interface Latency {
  readonly min: number;
  readonly mean: number;
  readonly p50: number;
  readonly p90: number;
  readonly p95: number;
  readonly p99: number;
  readonly max: number;
}

export interface OperationResult {
  readonly requests: number;
  readonly failed: number;
  /** Null when nothing was answered. */
  readonly latency_ms: Latency | null;
}

export interface SecondResult {
  readonly second: number;
  /** Active users, or the requested rate, at the end of the second. */
  readonly load: number;
  readonly requests: number;
  readonly failed: number;
  readonly p50_ms: number | null;
  readonly p95_ms: number | null;
}

export interface Sample {
  readonly operation: string;
  readonly at_seconds: number;
  readonly latency_ms: number;
  /** HTTP status, or the kind of failure. */
  readonly outcome: number | string;
  readonly trace_id: string;
  readonly transaction_id?: string | undefined;
  readonly request_id?: string | undefined;
}

export interface LoadResult {
  readonly url: string;
  readonly scenario: string;
  readonly mode: 'closed' | 'open';
  readonly users: number;
  readonly rate: number | null;
  readonly started_at: string;
  readonly duration_seconds: number;
  /** True when the caller stopped it. */
  readonly aborted: boolean;
  readonly totals: {
    readonly requests: number;
    readonly succeeded: number;
    readonly failed: number;
    /** Open loop: requests that were due but were not sent, because too many were waiting. */
    readonly not_sent: number;
    readonly bytes_received: number;
  };
  readonly throughput_rps: number;
  readonly error_ratio: number;
  readonly errors: {
    readonly by_kind: Readonly<Record<string, number>>;
    readonly by_status: Readonly<Record<string, number>>;
  };
  readonly latency_ms: Latency | null;
  readonly operations: Readonly<Record<string, OperationResult>>;
  readonly series: readonly SecondResult[];
  readonly samples: {
    readonly first: readonly Sample[];
    readonly slowest: readonly Sample[];
    readonly failed: readonly Sample[];
  };
  readonly breaking_point: BreakingPoint | null;
}

/** The object is reused for each request, so it is read only during the call. */
export interface Observation {
  readonly operation: string;
  readonly atMs: number;
  readonly latencyMs: number;
  readonly failed: boolean;
  /** HTTP status, or the kind of failure. */
  readonly outcome: number | string;
  readonly bytes: number;
  /** Called only when the request becomes one of the samples. */
  ids(): { trace_id: string; transaction_id?: string | undefined; request_id?: string | undefined };
}

const MAX_LATENCY_US = 3_600_000_000;
const SAMPLES = 10;
const histogram = (): RecordableHistogram => createHistogram({ lowest: 1, highest: MAX_LATENCY_US, figures: 3 });
const toMs = (us: number): number => Math.round(us) / 1000;

interface Tally {
  readonly latency: RecordableHistogram;
  requests: number;
  failed: number;
}
const tally = (): Tally => ({ latency: histogram(), requests: 0, failed: 0 });

/** Recording is a native call, so each latency is recorded once, in its second, and added up later. */
interface Operation {
  readonly before: Tally;
  readonly now: Tally;
}

function addUp(to: Tally, { latency, requests, failed }: Tally): void {
  if (requests === 0) return;
  to.latency.add(latency);
  to.requests += requests;
  to.failed += failed;
}

export class Recorder {
  #requests = 0;
  #failures = 0;
  readonly #operations = new Map<string, Operation>();
  readonly #kinds = new Map<string, number>();
  readonly #statuses = new Map<string, number>();
  readonly #series: SecondResult[] = [];
  readonly #first: Sample[] = [];
  readonly #slowest: Sample[] = [];
  readonly #failed: Sample[] = [];
  #bytes = 0;
  #notSent = 0;

  get requests(): number {
    return this.#requests;
  }

  record(seen: Observation): void {
    let operation = this.#operations.get(seen.operation);
    if (operation === undefined) {
      operation = { before: tally(), now: tally() };
      this.#operations.set(seen.operation, operation);
    }
    const latencyUs = Math.min(MAX_LATENCY_US, Math.max(1, Math.round(seen.latencyMs * 1000)));
    const failed = seen.failed ? 1 : 0;
    const { now } = operation;
    now.requests += 1;
    now.failed += failed;
    now.latency.record(latencyUs);
    this.#requests += 1;
    this.#failures += failed;
    this.#bytes += seen.bytes;
    if (seen.failed) this.#countError(seen.outcome);
    this.#sample(seen);
  }

  notSent(): void {
    this.#notSent += 1;
  }

  /** Ends a second of the series. */
  tick(load: number): void {
    const { latency, requests, failed } = this.#endSecond();
    const at = (percentile: number): number | null => (requests === 0 ? null : toMs(latency.percentile(percentile)));
    this.#series.push({ second: this.#series.length + 1, load, requests, failed, p50_ms: at(50), p95_ms: at(95) });
  }

  /** Returns the latencies of all operations since the last call and adds them to the totals. */
  #endSecond(): Tally {
    const second = tally();
    for (const { before, now } of this.#operations.values()) {
      addUp(second, now);
      addUp(before, now);
      now.latency.reset();
      now.requests = 0;
      now.failed = 0;
    }
    return second;
  }

  result(options: LoadOptions, startedAtMs: number, elapsedMs: number, aborted: boolean): LoadResult {
    const requests = this.#requests;
    const failed = this.#failures;
    this.#endSecond();
    const all = tally();
    for (const { before } of this.#operations.values()) addUp(all, before);
    const seconds = elapsedMs / 1000;
    return {
      url: options.url,
      scenario: options.scenario,
      mode: options.rate === undefined ? 'closed' : 'open',
      users: options.users,
      rate: options.rate ?? null,
      started_at: new Date(startedAtMs).toISOString(),
      duration_seconds: seconds,
      aborted,
      totals: { requests, succeeded: requests - failed, failed, not_sent: this.#notSent, bytes_received: this.#bytes },
      throughput_rps: seconds > 0 ? Math.round((requests / seconds) * 100) / 100 : 0,
      error_ratio: requests === 0 ? 0 : failed / requests,
      errors: { by_kind: Object.fromEntries(this.#kinds), by_status: Object.fromEntries(this.#statuses) },
      latency_ms: latencyOf(all),
      operations: Object.fromEntries(
        [...this.#operations].map(([name, { before }]) => [
          name,
          { requests: before.requests, failed: before.failed, latency_ms: latencyOf(before) },
        ]),
      ),
      series: this.#series,
      samples: { first: this.#first, slowest: this.#slowest, failed: this.#failed },
      breaking_point: options.rampMs > 0 ? breakingPoint(this.#series) : null,
    };
  }

  #countError(outcome: number | string): void {
    const kind = typeof outcome === 'string' ? outcome : outcome >= 500 ? 'http_5xx' : 'http_4xx';
    this.#kinds.set(kind, (this.#kinds.get(kind) ?? 0) + 1);
    if (typeof outcome === 'number')
      this.#statuses.set(String(outcome), (this.#statuses.get(String(outcome)) ?? 0) + 1);
  }

  #sample(seen: Observation): void {
    const isFirst = this.#first.length < SAMPLES;
    const isSlow = this.#slowest.length < SAMPLES || seen.latencyMs > this.#slowest[SAMPLES - 1].latency_ms;
    const isFailed = seen.failed && this.#failed.length < SAMPLES;
    if (!isFirst && !isSlow && !isFailed) return;
    const { operation, atMs, latencyMs, outcome } = seen;
    const times = { at_seconds: toMs(atMs), latency_ms: toMs(latencyMs * 1000) };
    const sample: Sample = { operation, ...times, outcome, ...seen.ids() };
    if (isFirst) this.#first.push(sample);
    if (isFailed) this.#failed.push(sample);
    if (!isSlow) return;
    this.#slowest.push(sample);
    this.#slowest.sort((a, b) => b.latency_ms - a.latency_ms).splice(SAMPLES);
  }
}

function latencyOf({ latency, requests }: Tally): Latency | null {
  if (requests === 0) return null;
  const at = (percentile: number): number => toMs(latency.percentile(percentile));
  const { min, mean, max } = latency;
  return { min: toMs(min), mean: toMs(mean), p50: at(50), p90: at(90), p95: at(95), p99: at(99), max: toMs(max) };
}
