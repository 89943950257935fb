/**
 * Exact sliding windows over the log lines of each service: "error rate over 10 % in a minute" is then a threshold on a
 * gauge, true to the line, where `increase()` would estimate. A window holds the lines of the last 60 s by their time of
 * arrival; buckets of a second would miscount at the edges, so each distinct millisecond keeps its own counts.
 * A silent service keeps its last-seen time for an hour, so that rules can tell that it fell silent.
 */
import type { Clock } from '../../../base/clock.ts';
import type { AppendResult, LogSink, SampleSink } from '../../../model/ports.ts';
import { Labels } from '../../../model/labels.ts';
import { prometheusMetricName } from '../../../model/naming.ts';
import type { LogRecord } from '../../../model/records.ts';
import { serviceOf } from '../../../model/records.ts';
import { METRICS } from '../../../telemetry/names.ts';
import { severityName } from './json-logs.ts';
import { SampleColumns } from '../metrics/sample-columns.ts';

export interface LogWindowsOptions {
  readonly sink: LogSink;
  readonly clock: Clock;
  /** Further services are counted together as `_other`. Default 1,000. */
  readonly maxServices?: number | undefined;
}

const WINDOW_MS = 60_000;
const FORGET_MS = 3_600_000;
const ERROR_SEVERITY = 17;
const OTHER = '_other';

const [ERROR_RATIO, RATE, LAST_SEEN, RECORDS] = [
  METRICS.logErrorRatio,
  METRICS.logRate,
  METRICS.logLastSeen,
  METRICS.logRecords,
].map(({ name, unit, kind }) => prometheusMetricName(name, unit, kind));

/** Lines of one service: a ring of (millisecond, lines, errors) and its sums. */
class Window {
  #t = new Float64Array(64);
  #lines = new Uint32Array(64);
  #errors = new Uint32Array(64);
  #head = 0;
  #size = 0;
  lines = 0;
  errors = 0;
  lastSeenMs = 0;
  /** All lines ever, by the name of their severity. */
  readonly totals = new Map<string, number>();

  add(nowMs: number, severityNumber: number): void {
    const last = (this.#head + this.#size - 1) & (this.#t.length - 1);
    let at = last;
    if (this.#size === 0 || this.#t[last] !== nowMs) {
      this.slide(nowMs);
      if (this.#size === this.#t.length) this.#grow();
      at = (this.#head + this.#size) & (this.#t.length - 1);
      this.#t[at] = nowMs;
      this.#lines[at] = 0;
      this.#errors[at] = 0;
      this.#size += 1;
    }
    const error = severityNumber >= ERROR_SEVERITY ? 1 : 0;
    this.#lines[at] += 1;
    this.#errors[at] += error;
    this.lines += 1;
    this.errors += error;
    this.lastSeenMs = nowMs;
    const severity = severityName(severityNumber) || 'unknown';
    this.totals.set(severity, (this.totals.get(severity) ?? 0) + 1);
  }

  /** Drops entries that are not in (now - 60 s, now]. */
  slide(nowMs: number): void {
    while (this.#size > 0 && this.#t[this.#head] <= nowMs - WINDOW_MS) {
      this.lines -= this.#lines[this.#head];
      this.errors -= this.#errors[this.#head];
      this.#head = (this.#head + 1) & (this.#t.length - 1);
      this.#size -= 1;
    }
  }

  /** Doubles the ring; 65,536 milliseconds are more than a window has, so it ends there. */
  #grow(): void {
    const length = this.#t.length;
    const order = Array.from({ length }, (_, i) => (this.#head + i) & (length - 1));
    const grown = <T extends Float64Array | Uint32Array>(from: T, to: T): T => {
      for (const [i, at] of order.entries()) to[i] = from[at];
      return to;
    };
    this.#t = grown(this.#t, new Float64Array(length * 2));
    this.#lines = grown(this.#lines, new Uint32Array(length * 2));
    this.#errors = grown(this.#errors, new Uint32Array(length * 2));
    this.#head = 0;
  }
}

interface ServiceRefs {
  readonly ratio: number;
  readonly rate: number;
  readonly lastSeen: number;
  readonly totals: Map<string, number>;
}

export class LogWindows implements LogSink {
  readonly #sink: LogSink;
  readonly #clock: Clock;
  readonly #maxServices: number;
  readonly #windows = new Map<string, Window>();
  readonly #refs = new Map<string, ServiceRefs>();
  #generation = -1;
  #lastMs = 0;
  #overflowed = 0;

  constructor(options: LogWindowsOptions) {
    this.#sink = options.sink;
    this.#clock = options.clock;
    this.#maxServices = options.maxServices ?? 1000;
  }

  get services(): number {
    return this.#windows.size;
  }

  /** Lines that were counted under `_other` because there were too many services. */
  get overflowed(): number {
    return this.#overflowed;
  }

  /** Counts the lines before the store sees them: a line that the store refuses was still logged. */
  append(records: readonly LogRecord[]): AppendResult | Promise<AppendResult> {
    const nowMs = this.#now();
    for (const record of records) this.#windowOf(serviceOf(record.resource)).add(nowMs, record.severityNumber);
    return this.#sink.append(records);
  }

  /** Writes the gauges and counters of every service at `nowMs`. To be called each second. */
  async samples(nowMs: number, sink: SampleSink): Promise<AppendResult> {
    const columns = new SampleColumns();
    if (sink.generation !== this.#generation) {
      this.#refs.clear();
      this.#generation = sink.generation;
    }
    for (const [service, window] of this.#windows) {
      window.slide(nowMs);
      if (nowMs - window.lastSeenMs > FORGET_MS) {
        this.#windows.delete(service);
        this.#refs.delete(service);
      } else this.#write(service, window, nowMs, columns, sink);
    }
    return columns.isEmpty ? { accepted: 0, rejected: [] } : sink.append(columns.batch());
  }

  #write(service: string, window: Window, nowMs: number, columns: SampleColumns, sink: SampleSink): void {
    let refs = this.#refs.get(service);
    if (refs === undefined) {
      const resolve = (name: string): number => sink.resolve(Labels.from({ __name__: name, service }));
      refs = { ratio: resolve(ERROR_RATIO), rate: resolve(RATE), lastSeen: resolve(LAST_SEEN), totals: new Map() };
      this.#refs.set(service, refs);
    }
    // No lines are no errors: a ratio of nothing would keep a rule from resolving.
    columns.add(refs.ratio, nowMs, window.lines === 0 ? 0 : window.errors / window.lines, false, 0);
    columns.add(refs.rate, nowMs, window.lines, false, 0);
    columns.add(refs.lastSeen, nowMs, window.lastSeenMs / 1000, false, 0);
    for (const [severity, total] of window.totals) {
      let ref = refs.totals.get(severity);
      if (ref === undefined) {
        ref = sink.resolve(Labels.from({ __name__: RECORDS, service, severity }));
        refs.totals.set(severity, ref);
      }
      columns.add(ref, nowMs, total, false, 0);
    }
  }

  #windowOf(service: string): Window {
    const known = this.#windows.get(service);
    if (known !== undefined) return known;
    let name = service;
    if (this.#windows.size >= this.#maxServices) {
      this.#overflowed += 1;
      name = OTHER;
    }
    let window = this.#windows.get(name);
    if (window === undefined) {
      window = new Window();
      this.#windows.set(name, window);
    }
    return window;
  }

  /** Whole milliseconds that never go back, whatever the wall clock does: the ring relies on their order. */
  #now(): number {
    this.#lastMs = Math.max(this.#lastMs, Math.floor(this.#clock.now()));
    return this.#lastMs;
  }
}
