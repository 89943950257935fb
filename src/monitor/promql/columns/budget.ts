/**
 * Limits of the running queries: samples in memory, time, and the thread. The evaluator checks them between series, so
 * queries give the event loop back about every 8 ms, all together, and one ends within that time when it is cancelled or
 * late. With `LightLimits` a query that costs more ends with `TooHeavy`: it is then run where it holds nobody up.
 */
import { Turns, type Clock } from '../../../base/clock.ts';
import { VitrineError } from '../../../base/errors.ts';
import type { SelectPace } from '../../../model/ports.ts';
import { queryFailed, TOO_MANY_SAMPLES } from './column.ts';

const SLICE_MS = 8;

/** What a query may cost on a thread that others wait for. */
export interface LightLimits {
  /** Time on the thread. */
  readonly workMs: number;
  /** Instructions of all regular expressions that the query compiles. */
  readonly compiled: number;
  /** Instructions times length of one match, which cannot be interrupted. */
  readonly matchSteps: number;
}

/** Ends a query that costs more than `LightLimits`. No error of the query: the caller runs it elsewhere. */
export class TooHeavy extends Error {
  constructor() {
    super('the query costs more than this thread can give');
    this.name = 'TooHeavy';
  }
}

/**
 * The memory that the queries of one engine share. When they exceed the limit together, the one that holds most is ended: a
 * small query never pays for a large one.
 */
export class QueryShare {
  readonly clock: Clock;
  readonly maxSamples: number;
  readonly turns: Turns;
  readonly light: LightLimits | undefined;
  readonly #budgets = new Set<Budget>();
  #held = 0;

  constructor(clock: Clock, maxSamples: number, light?: LightLimits) {
    this.clock = clock;
    this.maxSamples = maxSamples;
    this.light = light;
    this.turns = new Turns(clock, SLICE_MS);
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
    if (this.#budgets.delete(budget)) this.#held -= budget.held;
  }

  /** Called by budgets only. */
  change(samples: number): void {
    this.#held += samples;
    if (samples <= 0 || this.#held <= this.maxSamples) return;
    let largest: Budget | undefined;
    for (const budget of this.#budgets) {
      // A query that was told to end is about to release its samples.
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
  #compiled = 0;
  /** Time on the thread until `#resumedMs`, when the present turn began. */
  #workedMs = 0;
  #resumedMs: number;

  /** The time limit counts from here on and includes waiting for a free place. Use `QueryShare.begin`. */
  constructor(share: QueryShare, timeoutMs: number, signal: AbortSignal | undefined) {
    this.#share = share;
    this.#signal = signal;
    this.#resumedMs = share.clock.monotonic();
    this.#deadline = this.#resumedMs + timeoutMs;
  }

  /** Samples held now: those the selectors loaded plus the columns of unfinished nodes. */
  get held(): number {
    return this.#held;
  }

  /** The most samples held at one time so far. */
  get peak(): number {
    return this.#peak;
  }

  /** Time on the thread so far, up to the last pause. */
  get workedMs(): number {
    return this.#workedMs;
  }

  /** The query has a place now: time in the queue was not spent on the thread. */
  started(): void {
    this.#resumedMs = this.#share.clock.monotonic();
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

  get givenUp(): boolean {
    return this.#givenUp;
  }

  /** Ends this query at its next check, to make room for others. */
  giveUp(): void {
    this.#givenUp = true;
  }

  /** Counts samples before they are allocated. Throws `query_failed` when they are too many for one query, `overloaded` for all. */
  take(samples: number): void {
    this.#hold(this.#held + samples);
    if (this.#held > this.#share.maxSamples) {
      throw this.#share.light === undefined ? queryFailed(TOO_MANY_SAMPLES) : new TooHeavy();
    }
    if (this.#givenUp) throw outOfRoom(this.#share.maxSamples);
  }

  /** After a node is done only its result is held: `mark` is the number of samples held before it began. */
  settle(mark: number, samples: number): void {
    this.#hold(mark + samples);
  }

  /** True when the event loop must get a turn: then `await pause()`. */
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
    const { clock, turns, light } = this.#share;
    this.#workedMs += clock.monotonic() - this.#resumedMs;
    if (light !== undefined && this.#workedMs > light.workMs) throw new TooHeavy();
    this.check();
    await turns.next();
    this.#resumedMs = clock.monotonic();
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
