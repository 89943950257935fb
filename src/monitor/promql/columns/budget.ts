/**
 * Limits of the running queries: samples in memory, time, and use of the thread. The evaluator checks them between series.
 * All queries together therefore return to the event loop every few milliseconds, and a query that is cancelled or late ends
 * within that time. With `LightLimits`, a query that costs more ends with `TooHeavy`; the caller then runs it on another
 * thread, where it blocks no other work.
 */
import { Turns, type Clock } from '../../../base/clock.ts';
import { VitrineError } from '../../../base/errors.ts';
import type { SelectPace } from '../../../model/ports.ts';
import { queryFailed, TOO_MANY_SAMPLES } from './column.ts';

const SLICE_MS = 8;

/** The most that a query may cost on a thread that other work waits for. */
export interface LightLimits {
  /** Time on the thread. */
  readonly workMs: number;
  /** Measures this time; default: the monotonic clock, by which a busy machine makes every query heavy. */
  readonly usedMs?: (() => number) | undefined;
  /** Instructions of all regular expressions that the query compiles, added up. */
  readonly compiled: number;
  /** Number of instructions times length of the value, for one match. A match cannot be interrupted. */
  readonly matchSteps: number;
}

/**
 * Ends a query that costs more than `LightLimits`. This is not an error of the query: the caller runs it on another thread.
 */
export class TooHeavy extends Error {
  constructor() {
    super('the query costs more than this thread can give');
    this.name = 'TooHeavy';
  }
}

/**
 * The memory that the queries of one engine share. When they exceed the limit together, the query that holds the most
 * samples ends. A small query therefore never ends because of a large one.
 */
export class QueryShare {
  readonly clock: Clock;
  readonly maxSamples: number;
  readonly turns: Turns;
  readonly light: LightLimits | undefined;
  readonly #budgets = new Set<Budget>();
  #held = 0;

  /** `turns` when other work shares the slices of this engine's queries. */
  constructor(clock: Clock, maxSamples: number, light?: LightLimits, turns = new Turns(clock, SLICE_MS)) {
    this.clock = clock;
    this.maxSamples = maxSamples;
    this.light = light;
    this.turns = turns;
  }

  /** Samples that all running queries hold. */
  get held(): number {
    return this.#held;
  }

  begin(timeoutMs: number, signal: AbortSignal | undefined): Budget {
    const budget = new Budget(this, timeoutMs, signal);
    this.#budgets.add(budget);
    return budget;
  }

  end(budget: Budget): void {
    if (!this.#budgets.delete(budget)) return;
    this.#held -= budget.held;
    budget.free();
  }

  /** The measure of the time on the thread. */
  usedMs(): number {
    return this.light?.usedMs?.() ?? this.clock.monotonic();
  }

  /** Only budgets call this. */
  change(samples: number): void {
    this.#held += samples;
    if (samples <= 0 || this.#held <= this.maxSamples) return;
    let largest: Budget | undefined;
    for (const budget of this.#budgets) {
      // A query that was told to end will soon release its samples.
      if (budget.givenUp) return;
      if (largest === undefined || budget.held > largest.held) largest = budget;
    }
    largest?.giveUp();
  }
}

export class Budget implements SelectPace {
  readonly #share: QueryShare;
  readonly #signal: AbortSignal | undefined;
  readonly #deadline: number;
  #held = 0;
  #peak = 0;
  #givenUp = false;
  readonly #memory = new Set<ArrayBuffer>();
  #compiled = 0;
  /** Time on the thread until `#resumedMs`, the start of the present turn. */
  #workedMs = 0;
  #resumedMs: number;

  /** The time limit starts now and includes the time in the queue. Use `QueryShare.begin`. */
  constructor(share: QueryShare, timeoutMs: number, signal: AbortSignal | undefined) {
    this.#share = share;
    this.#signal = signal;
    this.#resumedMs = share.usedMs();
    this.#deadline = share.clock.monotonic() + timeoutMs;
  }

  /** Samples held now: those that the selectors loaded, and the columns of unfinished nodes. */
  get held(): number {
    return this.#held;
  }

  /** The largest number of samples held at one time so far. */
  get peak(): number {
    return this.#peak;
  }

  /** Time on the thread so far, up to the last pause. */
  get workedMs(): number {
    return this.#workedMs;
  }

  /** The monotonic clock. */
  get nowMs(): number {
    return this.#share.clock.monotonic();
  }

  /** The query leaves the queue now. Time in the queue does not count as time on the thread. */
  started(): void {
    this.#resumedMs = this.#share.usedMs();
  }

  compiling(size: number): void {
    this.#compiled += size;
    const { light } = this.#share;
    if (light !== undefined && this.#compiled > light.compiled) throw new TooHeavy();
  }

  matching(steps: number): void {
    const { light } = this.#share;
    if (light !== undefined && steps > light.matchSteps) throw new TooHeavy();
  }

  owns(memory: ArrayBuffer): void {
    this.#memory.add(memory);
  }

  /** Whether a source made this memory for this query alone. */
  isOwner(memory: ArrayBufferLike): boolean {
    return memory instanceof ArrayBuffer && this.#memory.has(memory);
  }

  /** Frees the samples that the query read. Results are copies. Only `QueryShare` calls this. */
  free(): void {
    for (const memory of this.#memory) if (!memory.detached) memory.transfer(0);
    this.#memory.clear();
  }

  get givenUp(): boolean {
    return this.#givenUp;
  }

  /** Ends this query at its next check, to free memory for others. */
  giveUp(): void {
    this.#givenUp = true;
  }

  /**
   * Counts samples before they are allocated. Throws `query_failed` when one query has too many, `overloaded` when all
   * together have too many.
   */
  take(samples: number): void {
    this.#hold(this.#held + samples);
    if (this.#held > this.#share.maxSamples) {
      throw this.#share.light === undefined ? queryFailed(TOO_MANY_SAMPLES) : new TooHeavy();
    }
    if (this.#givenUp) throw outOfRoom(this.#share.maxSamples);
  }

  /**
   * Called when a node is done: only its result is still held. `mark` is the number of samples held before the node began.
   */
  settle(mark: number, samples: number): void {
    this.#hold(mark + samples);
  }

  /** True when the event loop must get a turn. The caller then awaits `pause()`. */
  get due(): boolean {
    return this.#share.turns.due;
  }

  /** Throws `query_canceled`, `query_timeout` or `overloaded` when the query must end. */
  check(): void {
    if (this.#signal?.aborted) {
      throw new VitrineError('query_canceled', 'query was canceled in query execution');
    }
    if (this.#share.clock.monotonic() >= this.#deadline) {
      throw new VitrineError('query_timeout', 'query timed out in query execution');
    }
    if (this.#givenUp) throw outOfRoom(this.#share.maxSamples);
  }

  async pause(): Promise<void> {
    const { turns, light } = this.#share;
    this.#workedMs += this.#share.usedMs() - this.#resumedMs;
    if (light !== undefined && this.#workedMs > light.workMs) throw new TooHeavy();
    this.check();
    await turns.next();
    this.#resumedMs = this.#share.usedMs();
    this.check();
  }

  #hold(samples: number): void {
    const change = samples - this.#held;
    this.#held = samples;
    if (samples > this.#peak) this.#peak = samples;
    this.#share.change(change);
  }
}

function outOfRoom(maxSamples: number): VitrineError {
  return new VitrineError('overloaded', `the queries that run hold more than ${maxSamples} samples together`, {
    hint: 'This one held most. Ask again later, for less, or raise store.query_samples.',
  });
}
