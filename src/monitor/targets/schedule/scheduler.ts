/**
 * Runs each target's checks at its interval. The place of a target within the interval follows from its id, so targets are spread
 * evenly, stay at their instants over restarts, and never bunch; a small jitter keeps them off the beat of other periodic work.
 * A target is never checked twice at once. Checks that run are bounded; those beyond the bound wait in order and are counted late.
 */
import { createHash } from 'node:crypto';
import type { Clock } from '../../../base/clock.ts';
import type { Random } from '../../../base/random.ts';
import type { CheckResult } from '../check.ts';
import type { ScheduledResult, ScheduledTarget } from './messages.ts';

export interface SchedulerOptions {
  readonly clock: Clock;
  readonly random: Random;
  readonly run: (target: ScheduledTarget, signal: AbortSignal) => Promise<CheckResult>;
  readonly onResult: (result: ScheduledResult) => void;
  readonly maxConcurrent: number;
}

/** Programs are processes: few at once. */
const MAX_PROGRAMS = 16;
/** Share of the interval by which an instant is moved, at most half a second. */
const JITTER = 0.02;
const MAX_JITTER_MS = 500;
/** After a start the first checks are made within a second, and five milliseconds more for each target. */
const FIRST_MS = 1_000;
const FIRST_EACH_MS = 5;

/** The place of a target in its interval, from 0 to 1. */
function placeOf(id: string): number {
  return createHash('sha256').update(id).digest().readUInt32BE(0) / 2 ** 32;
}

class Entry {
  target: ScheduledTarget;
  readonly place: number;
  cancel = (): void => {};
  readonly abort = new AbortController();
  running = false;
  failed = 0;

  constructor(target: ScheduledTarget) {
    this.target = target;
    this.place = placeOf(target.id);
  }
}

interface Waiting {
  readonly entry: Entry;
  /** The instant, on the monotonic clock. */
  readonly dueMs: number;
}

export class Scheduler {
  readonly #options: SchedulerOptions;
  readonly #entries = new Map<string, Entry>();
  readonly #waiting: Waiting[] = [];
  #running = 0;
  #programs = 0;

  constructor(options: SchedulerOptions) {
    this.#options = options;
  }

  get running(): number {
    return this.#running;
  }

  get waiting(): number {
    return this.#waiting.length;
  }

  /** Targets that are not in the list are no longer checked; the others keep their instants. */
  replace(targets: readonly ScheduledTarget[]): void {
    const wanted = new Map(targets.map((target) => [target.id, target]));
    for (const [id, entry] of this.#entries) {
      const next = wanted.get(id);
      if (next !== undefined && JSON.stringify(next) === JSON.stringify(entry.target)) wanted.delete(id);
      else this.#remove(id, entry);
    }
    const withinMs = FIRST_MS + FIRST_EACH_MS * wanted.size;
    for (const target of wanted.values()) {
      const entry = new Entry(target);
      this.#entries.set(target.id, entry);
      this.#after(entry, entry.place * Math.min(withinMs, target.intervalMs));
    }
  }

  close(): void {
    for (const [id, entry] of this.#entries) this.#remove(id, entry);
  }

  #remove(id: string, entry: Entry): void {
    entry.cancel();
    entry.abort.abort(new Error('The target was removed.'));
    this.#entries.delete(id);
  }

  #after(entry: Entry, delayMs: number): void {
    const dueMs = this.#options.clock.monotonic() + delayMs;
    entry.cancel = this.#options.clock.after(delayMs, () => this.#begin({ entry, dueMs }));
  }

  #begin(waiting: Waiting): void {
    if (this.#mayRun(waiting.entry)) this.#start(waiting);
    else this.#waiting.push(waiting);
  }

  #mayRun({ target }: Entry): boolean {
    const isProgram = target.spec.kind === 'exec';
    return this.#running < this.#options.maxConcurrent && (!isProgram || this.#programs < MAX_PROGRAMS);
  }

  #start({ entry, dueMs }: Waiting): void {
    const { clock, run } = this.#options;
    const { target } = entry;
    if (this.#entries.get(target.id) !== entry || entry.running) return;
    const isProgram = target.spec.kind === 'exec';
    entry.running = true;
    this.#running += 1;
    if (isProgram) this.#programs += 1;
    const lateMs = Math.max(0, clock.monotonic() - dueMs);
    void run(target, entry.abort.signal).then((result) => {
      this.#running -= 1;
      if (isProgram) this.#programs -= 1;
      return this.#ended(entry, lateMs, result);
    });
  }

  #ended(entry: Entry, lateMs: number, result: CheckResult): void {
    const { id } = entry.target;
    entry.running = false;
    if (this.#entries.get(id) === entry) {
      entry.failed = result.success ? 0 : entry.failed + 1;
      this.#plan(entry);
      this.#options.onResult({ target: id, lateMs, result });
    }
    this.#next();
  }

  /** The next instant of the target; after a failed check that does not yet decide, the time of a retry if that is sooner. */
  #plan(entry: Entry): void {
    const { clock, random } = this.#options;
    const { intervalMs, retryMs, failures } = entry.target;
    const now = clock.now();
    const offset = entry.place * intervalMs;
    const jitter = (random() * 2 - 1) * Math.min(MAX_JITTER_MS, intervalMs * JITTER);
    // An instant that is closer than a quarter of the interval was just used, moved by its jitter.
    const soonest = now + intervalMs / 4;
    const instant = Math.ceil((soonest - offset) / intervalMs) * intervalMs + offset;
    const delayMs = Math.max(0, instant + jitter - now);
    const retries = entry.failed > 0 && entry.failed < failures;
    this.#after(entry, retries ? Math.min(retryMs, delayMs) : delayMs);
  }

  #next(): void {
    for (let at = 0; at < this.#waiting.length;) {
      if (this.#running >= this.#options.maxConcurrent) return;
      const waiting = this.#waiting[at];
      if (this.#mayRun(waiting.entry)) {
        this.#waiting.splice(at, 1);
        this.#start(waiting);
      } else at += 1;
    }
  }
}
