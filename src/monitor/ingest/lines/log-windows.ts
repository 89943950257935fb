/**
 * Exact sliding windows over the log lines of each service. "Error rate over 10 % in a minute" then is a threshold on a
 * gauge that counts every line, where `increase()` would estimate. A window contains the lines of the last 60 s by their
 * time of arrival. Buckets of a second would be wrong at the edges, so each distinct millisecond has its own counts. The
 * time of a silent service's last line is kept for an hour, so that rules can detect the silence. Windows use the monotonic
 * clock: a step of the wall clock neither empties nor extends them.
 *
 * Lines without a pause of ten minutes are one run of a service. The end of a run is normal for a service whose earlier
 * runs were short too, such as a nightly backup, so the longest of these is kept for eight days and written as a gauge.
 */
import { BoundedMap } from '../../../base/bounded.ts';
import type { Clock } from '../../../base/clock.ts';
import type { AppendResult, LogSink, SampleSink } from '../../../model/ports.ts';
import { Labels } from '../../../model/labels.ts';
import type { LogRecord } from '../../../model/records.ts';
import { serviceOf } from '../../../model/records.ts';
import { levelName } from '../../../model/text/severity.ts';
import { SampleColumns } from '../metrics/sample-columns.ts';
import { LOG_SERIES, type LogHistory } from './log-history.ts';

export interface LogWindowsOptions {
  readonly sink: LogSink;
  readonly clock: Clock;
  /** Further services are counted together as `_other`. Default 1,000. */
  readonly maxServices?: number | undefined;
}

const WINDOW_MS = 60_000;
const FORGET_MS = 3_600_000;
const ERROR_SEVERITIES = new Set(['error', 'fatal']);
/** A longer pause ends a run. */
const PAUSE_MS = 600_000;
/** A longer run is no job: its end is never taken as normal. */
const JOB_MAX_MS = 2 * 3_600_000;
const JOB_FORGET_MS = 8 * 24 * 3_600_000;
/** The part of a window that may be unobserved after a restart; with a longer one, its figures are not written. */
const UNOBSERVED_MAX_MS = 15_000;
const OTHER = '_other';

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
  firstSeenMs = Infinity;
  /** All lines so far, by the name of their severity. */
  readonly totals = new Map<string, number>();

  #slotAt(nowMs: number): number {
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
    return at;
  }

  /** Counts lines of a severity at `at`, which must not decrease. Returns the length of the run that had ended before. */
  add(at: number, severity: string, lines: number): number | undefined {
    const slot = this.#slotAt(at);
    const errors = ERROR_SEVERITIES.has(severity) ? lines : 0;
    this.#lines[slot] += lines;
    this.#errors[slot] += errors;
    this.lines += lines;
    this.errors += errors;
    const ended = this.firstSeenMs !== Infinity && at - this.lastSeenMs > PAUSE_MS;
    const runMs = ended ? this.lastSeenMs - this.firstSeenMs : undefined;
    this.firstSeenMs = ended ? at : Math.min(this.firstSeenMs, at);
    this.lastSeenMs = at;
    return runMs;
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

  /** Doubles the ring. A window has fewer than 65,536 milliseconds, so the ring grows no further. */
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
  readonly firstSeen: number;
  readonly formerRun: number;
  readonly totals: Map<string, number>;
  /** The values written last. */
  lastSeenSeconds: number;
  firstSeenSeconds: number;
}

/** The two clocks tick at different moments of a millisecond: a time that only trembles by that stays as it was. */
const withoutTremor = (last: number, seconds: number): number => (Math.abs(seconds - last) < 0.002 ? last : seconds);

export class LogWindows implements LogSink {
  readonly #sink: LogSink;
  readonly #clock: Clock;
  readonly #maxServices: number;
  readonly #windows = new Map<string, Window>();
  readonly #refs = new Map<string, ServiceRefs>();
  readonly #formerRuns: BoundedMap<string, { readonly longestMs: number; readonly endedMs: number }>;
  #generation = -1;
  #overflowed = 0;
  /** The time between the end of the previous run of the monitor and the start of this one. */
  #unobserved: { readonly fromMs: number; readonly toMs: number } | undefined;

  constructor(options: LogWindowsOptions) {
    this.#sink = options.sink;
    this.#clock = options.clock;
    this.#maxServices = options.maxServices ?? 1000;
    this.#formerRuns = new BoundedMap(this.#maxServices);
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
    let [first, run] = [0, 0];
    // Neighbours of one process and severity are counted together.
    for (let at = 0; at < records.length; at += 1) {
      const { resource, severityNumber } = records[first];
      if (records[at].resource === resource && records[at].severityNumber === severityNumber) run += 1;
      else {
        this.#count(records[first], run, nowMs);
        first = at;
        run = 1;
      }
    }
    if (run > 0) this.#count(records[first], run, nowMs);
    return this.#sink.append(records);
  }

  #count({ resource, severityNumber }: LogRecord, lines: number, nowMs: number): void {
    const service = serviceOf(resource);
    const window = this.#windowOf(service, lines);
    const severity = levelName(severityNumber) || 'unknown';
    const runMs = window.add(nowMs, severity, lines);
    if (runMs !== undefined) this.#ended(service, runMs, nowMs);
    window.totals.set(severity, (window.totals.get(severity) ?? 0) + lines);
  }

  /**
   * Takes over the last minute of a previous run of the monitor on the same store. While more than a quarter of the minute
   * was not observed, no figures of the window are written. `nowMs` is the present time of the wall clock.
   */
  restore(history: LogHistory, nowMs: number): void {
    const at = this.#now();
    for (const { service, lastSeenMs, firstSeenMs, formerRunMs, totals, lines } of history.services) {
      const window = this.#windowOf(service, 1);
      for (const { timeMs, severity, count } of lines) window.add(at - (nowMs - timeMs), severity, count);
      window.slide(at);
      window.lastSeenMs = at - (nowMs - lastSeenMs);
      window.firstSeenMs = at - (nowMs - firstSeenMs);
      for (const [severity, total] of totals) window.totals.set(severity, total);
      if (formerRunMs !== undefined) this.#formerRuns.set(service, { longestMs: formerRunMs, endedMs: at });
    }
    this.#unobserved = { fromMs: at - (nowMs - history.endMs), toMs: at };
  }

  #isWhole(at: number): boolean {
    if (this.#unobserved === undefined) return true;
    const { fromMs, toMs } = this.#unobserved;
    return toMs - Math.max(fromMs, at - WINDOW_MS) <= UNOBSERVED_MAX_MS;
  }

  /** Writes the gauges and counters of every service at `nowMs`. Must be called each second. */
  async samples(nowMs: number, sink: SampleSink): Promise<AppendResult> {
    const columns = new SampleColumns();
    if (sink.generation !== this.#generation) {
      this.#refs.clear();
      this.#generation = sink.generation;
    }
    const at = this.#now() - (Math.floor(this.#clock.now()) - nowMs);
    const whole = this.#isWhole(at);
    for (const [service, window] of this.#windows) {
      window.slide(at);
      if (at - window.lastSeenMs > FORGET_MS) {
        this.#ended(service, window.lastSeenMs - window.firstSeenMs, at);
        this.#windows.delete(service);
        this.#refs.delete(service);
      } else this.#write(service, window, { nowMs, at, whole }, columns, sink);
    }
    return columns.isEmpty ? { accepted: 0, rejected: [] } : sink.append(columns.batch());
  }

  #write(
    service: string,
    window: Window,
    { nowMs, at, whole }: { readonly nowMs: number; readonly at: number; readonly whole: boolean },
    columns: SampleColumns,
    sink: SampleSink,
  ): void {
    let refs = this.#refs.get(service);
    if (refs === undefined) {
      const resolve = (name: string): number => sink.resolve(Labels.from({ __name__: name, service }));
      refs = {
        ratio: resolve(LOG_SERIES.ratio),
        rate: resolve(LOG_SERIES.rate),
        lastSeen: resolve(LOG_SERIES.lastSeen),
        firstSeen: resolve(LOG_SERIES.firstSeen),
        formerRun: resolve(LOG_SERIES.formerRun),
        totals: new Map(),
        lastSeenSeconds: NaN,
        firstSeenSeconds: NaN,
      };
      this.#refs.set(service, refs);
    }
    // Without lines there are no errors, so the ratio is 0: an undefined ratio would prevent a rule from resolving.
    if (whole) {
      columns.add(refs.ratio, nowMs, window.lines === 0 ? 0 : window.errors / window.lines, false, 0);
      columns.add(refs.rate, nowMs, window.lines, false, 0);
    }
    refs.lastSeenSeconds = withoutTremor(refs.lastSeenSeconds, (nowMs - (at - window.lastSeenMs)) / 1000);
    refs.firstSeenSeconds = withoutTremor(refs.firstSeenSeconds, (nowMs - (at - window.firstSeenMs)) / 1000);
    columns.add(refs.lastSeen, nowMs, refs.lastSeenSeconds, false, 0);
    columns.add(refs.firstSeen, nowMs, refs.firstSeenSeconds, false, 0);
    const former = this.#formerRuns.get(service);
    if (former !== undefined) columns.add(refs.formerRun, nowMs, former.longestMs / 1000, false, 0);
    for (const [severity, total] of window.totals) {
      let ref = refs.totals.get(severity);
      if (ref === undefined) {
        ref = sink.resolve(Labels.from({ __name__: LOG_SERIES.records, service, severity }));
        refs.totals.set(severity, ref);
      }
      columns.add(ref, nowMs, total, false, 0);
    }
  }

  #ended(service: string, runMs: number, at: number): void {
    const former = this.#formerRuns.get(service);
    const known = former !== undefined && at - former.endedMs <= JOB_FORGET_MS ? former.longestMs : 0;
    if (runMs > JOB_MAX_MS) this.#formerRuns.delete(service);
    else this.#formerRuns.set(service, { longestMs: Math.max(known, runMs), endedMs: at });
  }

  /** `lines` are to be counted in it. */
  #windowOf(service: string, lines: number): Window {
    const known = this.#windows.get(service);
    if (known !== undefined) return known;
    let name = service;
    if (this.#windows.size >= this.#maxServices) {
      this.#overflowed += lines;
      name = OTHER;
    }
    let window = this.#windows.get(name);
    if (window === undefined) {
      window = new Window();
      this.#windows.set(name, window);
    }
    return window;
  }

  /** Whole milliseconds of the monotonic clock. */
  #now(): number {
    return Math.floor(this.#clock.monotonic());
  }
}
