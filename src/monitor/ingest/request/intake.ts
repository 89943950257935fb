/**
 * All received data goes through this one bounded path to the sinks. Data of OTLP, remote write, IPC and log lines arrives
 * here as metrics, spans or log records. Each item is checked and passed to its sink; accepted and refused items are
 * counted, refusals by reason.
 */
import { Turns, type Clock } from '../../../base/clock.ts';
import type { RejectReason, Rejection } from '../../../model/ports.ts';
import type { LogRecord, SpanRecord } from '../../../model/records.ts';
import { unixMs } from '../../../model/time/unix-ms.ts';
import type { IngestCounters, Road, Signal } from '../checks/counters.ts';
import type { Sinks } from '../checks/guarded-sinks.ts';
import type { ResourceMetrics } from '../metrics/metric-points.ts';
import { MetricsToSamples } from '../metrics/metrics-to-samples.ts';
import { RejectionTally, quoted } from '../checks/rejections.ts';
import { SampleColumns } from '../metrics/sample-columns.ts';
import type { LabelLimits } from '../metrics/series-labels.ts';
import { LABEL_LIMITS } from '../metrics/series-labels.ts';
import { Arrivals } from './arrivals.ts';
import { liveShiftMs, newestPointMs, shiftedLog, shiftedMetrics, shiftedSpan } from './live-shift.ts';
import type { TimeRules } from '../checks/time-rules.ts';
import { refuseTime } from '../checks/time-rules.ts';

export interface IntakeOptions {
  readonly sinks: Sinks;
  readonly clock: Clock;
  /** Milliseconds by which `clock` is ahead of the wall clock after the wall clock was set back. Default 0. */
  readonly aheadMs?: (() => number) | undefined;
  readonly counters: IngestCounters;
  readonly labels?: LabelLimits | undefined;
  readonly times?: TimeRules | undefined;
  /** Default 200,000. */
  readonly maxCachedSeries?: number | undefined;
  /** Default 50,000. */
  readonly maxDeltaSeries?: number | undefined;
  /** Called with every metrics request before it is converted. */
  readonly tap?: ((resources: readonly ResourceMetrics[]) => void) | undefined;
}

/** The outcome of one request: how many of its items were kept, and why the others were not. */
export interface Outcome {
  readonly accepted: number;
  readonly rejected: readonly Rejection[];
}

/** Bodies are decoded so long in one turn of the event loop, then others get it. */
const DECODING_MS = 5;
const MIN_USUAL_SAMPLES = 64;
const MAX_USUAL_SAMPLES = 4_096;
const NOTHING: Outcome = { accepted: 0, rejected: [] };
const DEFAULT_TIMES: TimeRules = { maxAheadMs: 600_000, anyTime: false };
/** Digits of ids, which have one length; the length of names and texts is limited by the store. */
const TRACE_ID = 32;
const SPAN_ID = 16;

export class Intake {
  readonly sinks: Sinks;
  readonly clock: Clock;
  readonly times: TimeRules;
  readonly labels: LabelLimits;
  /** Shared by all requests that are decoded. */
  readonly turns: Turns;
  /** Shared by all ports: the order of metrics requests. */
  readonly arrivals = new Arrivals();
  readonly #counters: IngestCounters;
  readonly #metrics: MetricsToSamples;
  readonly #tap: IntakeOptions['tap'];
  readonly #aheadMs: () => number;
  /** Number of samples of the last request: the next is probably as large, and growing columns are copied. */
  #usualSamples = MIN_USUAL_SAMPLES;

  constructor(options: IntakeOptions) {
    this.sinks = options.sinks;
    this.clock = options.clock;
    this.turns = new Turns(options.clock, DECODING_MS);
    this.times = options.times ?? DEFAULT_TIMES;
    this.labels = options.labels ?? LABEL_LIMITS;
    this.#counters = options.counters;
    this.#tap = options.tap;
    this.#aheadMs = options.aheadMs ?? (() => 0);
    this.#metrics = new MetricsToSamples({
      sink: options.sinks.samples,
      clock: options.clock,
      labels: this.labels,
      times: this.times,
      maxCachedSeries: options.maxCachedSeries ?? 200_000,
      maxDeltaSeries: options.maxDeltaSeries ?? 50_000,
    });
  }

  /**
   * Counts points, not samples. Throws VitrineError `bad_request` for attributes that cannot be read, and the sink's
   * errors (`storage_full`).
   */
  async metrics(sent: readonly ResourceMetrics[], road: Road): Promise<Outcome> {
    // Frames arrive with correct times.
    const shiftMs = road === 'ipc' ? 0 : this.#shiftMs(() => newestPointMs(sent));
    const resources = shiftMs === 0 ? sent : shiftedMetrics(sent, shiftMs);
    if (road !== 'ipc') this.#tap?.(resources);
    const columns = new SampleColumns(this.#usualSamples);
    const tally = new RejectionTally();
    const points = this.#metrics.convert(resources, columns, tally);
    this.#usualSamples = Math.min(MAX_USUAL_SAMPLES, Math.max(MIN_USUAL_SAMPLES, columns.count));
    const refusedHere = tally.total;
    if (!columns.isEmpty) {
      const result = await this.#guard('metrics', points - refusedHere, () =>
        this.sinks.samples.append(columns.batch()),
      );
      // The sink counts samples; one point of a distribution gives many samples.
      const samplesAPoint = Math.max(1, columns.count / Math.max(1, points - refusedHere));
      for (const { reason, count, message } of result.rejected) {
        tally.add(reason, message, Math.min(points - refusedHere, Math.ceil(count / samplesAPoint)));
      }
    }
    return this.#settle('metrics', road, points, tally);
  }

  async spans(spans: readonly SpanRecord[], road: Road): Promise<Outcome> {
    const tally = new RejectionTally();
    const nowMs = this.clock.now();
    let good = spans.filter((span) => this.#checkSpan(span, nowMs, tally));
    const newestMs = (): number => good.reduce((newest, { endUnixNano }) => Math.max(newest, unixMs(endUnixNano)), 0);
    const shiftMs = road === 'ipc' ? 0 : this.#shiftMs(newestMs);
    if (shiftMs > 0) good = good.map((span) => shiftedSpan(span, shiftMs));
    if (good.length > 0) {
      tally.addAll((await this.#guard('traces', good.length, () => this.sinks.spans.append(good))).rejected);
    }
    return this.#settle('traces', road, spans.length, tally);
  }

  async logs(records: readonly LogRecord[], road: Road): Promise<Outcome> {
    const tally = new RejectionTally();
    const nowMs = this.clock.now();
    let good: LogRecord[] = [];
    for (const record of records) {
      const timed = withTime(record, nowMs);
      const refused = refuseTime(unixMs(timed.timeUnixNano), nowMs, this.times, 'nanoseconds');
      if (refused === undefined) good.push(timed);
      else tally.add(refused.reason, refused.message);
    }
    const newestMs = (): number => good.reduce((newest, { timeUnixNano }) => Math.max(newest, unixMs(timeUnixNano)), 0);
    const shiftMs = road === 'ipc' ? 0 : this.#shiftMs(newestMs);
    if (shiftMs > 0) good = good.map((record) => shiftedLog(record, shiftMs));
    if (good.length > 0) {
      tally.addAll((await this.#guard('logs', good.length, () => this.sinks.logs.append(good))).rejected);
    }
    return this.#settle('logs', road, records.length, tally);
  }

  /** Appends samples that already have Prometheus' form; `samples` is the number the sender counts. */
  async samples(columns: SampleColumns, samples: number, tally: RejectionTally, road: Road): Promise<Outcome> {
    const shiftMs = this.#shiftMs(() => columns.newestMs);
    if (shiftMs > 0) columns.shift(shiftMs);
    if (!columns.isEmpty) {
      const offered = columns.count;
      const result = await this.#guard('metrics', offered, () => this.sinks.samples.append(columns.batch()));
      tally.addAll(result.rejected);
    }
    return this.#settle('metrics', road, samples, tally);
  }

  /** Counts items that were refused before they became records. */
  refused(signal: Signal, reason: RejectReason, count: number): void {
    this.#counters.rejected(signal, reason, count);
  }

  /** Counts a request that was refused as a whole. */
  requestRefused(error: unknown): void {
    this.#counters.requestRefused(error);
  }

  #shiftMs(newestMs: () => number): number {
    const aheadMs = this.#aheadMs();
    return aheadMs <= 0 ? 0 : liveShiftMs(newestMs(), this.clock.now(), aheadMs);
  }

  #checkSpan(span: SpanRecord, nowMs: number, tally: RejectionTally): boolean {
    if (!isId(span.traceId, TRACE_ID)) {
      tally.add('invalid', `the trace id of span ${quoted(span.name)} is not 16 bytes other than zero`);
      return false;
    }
    if (!isId(span.spanId, SPAN_ID)) {
      tally.add('invalid', `the span id of span ${quoted(span.name)} is not 8 bytes other than zero`);
      return false;
    }
    const refused = refuseTime(unixMs(span.startUnixNano), nowMs, this.times, 'nanoseconds');
    if (refused === undefined) return true;
    tally.add(refused.reason, `span ${quoted(span.name)}: ${refused.message}`);
    return false;
  }

  /** When a sink fails as a whole, it stores nothing: its items are counted before the error is rethrown. */
  async #guard<T>(signal: Signal, items: number, append: () => T | Promise<T>): Promise<T> {
    try {
      return await append();
    } catch (error) {
      this.#counters.failed(signal, items, error);
      this.#metrics.forget();
      throw error;
    }
  }

  #settle(signal: Signal, road: Road, items: number, tally: RejectionTally): Outcome {
    if (items === 0 && tally.total === 0) return NOTHING;
    const rejected = tally.list();
    const accepted = Math.max(0, items - tally.total);
    this.#counters.accepted(signal, road, accepted);
    for (const { reason, count } of rejected) this.#counters.rejected(signal, reason, count);
    return { accepted, rejected };
  }
}

/** Lower-case hexadecimal digits that are not all zero. */
function isId(id: string, digits: number): boolean {
  if (id.length !== digits) return false;
  let any = 0;
  for (let at = 0; at < digits; at += 1) {
    const code = id.charCodeAt(at);
    if (code < 48 || code > 102 || (code > 57 && code < 97)) return false;
    any |= code ^ 48;
  }
  return any !== 0;
}

/** A record without a time gets its observed time; without that it gets the present time. */
function withTime(record: LogRecord, nowMs: number): LogRecord {
  if (record.timeUnixNano !== 0n && record.observedUnixNano !== 0n) return record;
  const observedUnixNano =
    record.observedUnixNano === 0n ? BigInt(Math.floor(nowMs)) * 1_000_000n : record.observedUnixNano;
  const timeUnixNano = record.timeUnixNano === 0n ? observedUnixNano : record.timeUnixNano;
  return { ...record, timeUnixNano, observedUnixNano };
}
