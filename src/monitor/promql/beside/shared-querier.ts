/**
 * A `Querier` on a thread that other work waits for. A query starts on this thread and, when it is small, as nearly all are,
 * also ends here. A query that proves heavy is started again on a second thread (docs/adr/0022-heavy-queries-beside.md). A
 * query that was heavy recently goes to the second thread at once.
 */
import { BoundedMap } from '../../../base/bounded.ts';
import { systemClock } from '../../../base/clock.ts';
import type { Querier, QueryOptions, QueryResult, SampleSource } from '../../../model/ports.ts';
import { TooHeavy, type LightLimits } from '../columns/budget.ts';
import { embeddedQuerier, type EmbeddedOptions } from '../embedded.ts';
import type { Job } from './messages.ts';
import { QueryThread } from './query-thread.ts';

const LIGHT: LightLimits = { workMs: 50, compiled: 1_024, matchSteps: 100_000 };
/** The share of all samples in memory that queries on this thread may hold. */
const LIGHT_SHARE = 1 / 4;
const REMEMBERED = 1_000;
const HEAVY_FOR_MS = 60_000;
/** Limits for attempts that prove heavy: the share of the thread's time that they may take, and the time in one burst. */
const WASTE = { share: 0.1, burstMs: 250 };

export interface SharedQuerier extends Querier, AsyncDisposable {
  /** Queries that run or wait on the second thread now. */
  readonly beside: number;
}

/** Remembers which queries are heavy, and how much time was spent to find that out. */
class Experience {
  readonly #heavyUntil = new BoundedMap<string, number>(REMEMBERED);
  readonly #light = new BoundedMap<string, true>(REMEMBERED);
  readonly #monotonic: () => number;
  #wastedMs = 0;
  #atMs: number;

  constructor(monotonic: () => number) {
    this.#monotonic = monotonic;
    this.#atMs = monotonic();
  }

  /** True when the query should be tried on this thread. */
  tries(key: string): boolean {
    const nowMs = this.#monotonic();
    if ((this.#heavyUntil.get(key) ?? -Infinity) > nowMs) return false;
    this.#wastedMs = Math.max(0, this.#wastedMs - (nowMs - this.#atMs) * WASTE.share);
    this.#atMs = nowMs;
    return this.#wastedMs < WASTE.burstMs || this.#light.get(key) === true;
  }

  wasLight(key: string): void {
    this.#light.set(key, true);
  }

  wasHeavy(key: string): void {
    this.#light.delete(key);
    this.#heavyUntil.set(key, this.#monotonic() + HEAVY_FOR_MS);
    this.#wastedMs += LIGHT.workMs;
  }
}

const MAX_KEY = 4_096;

/** The key under which a query's cost is remembered: text, steps and time span. */
function keyOf({ expr, startMs, endMs, stepMs }: Job): string {
  const steps = stepMs === undefined ? 1 : Math.round((endMs - startMs) / stepMs);
  return `${steps} ${Math.round(endMs - startMs)} ${expr.slice(0, MAX_KEY)}`;
}

export function sharedQuerier(
  source: SampleSource,
  options: EmbeddedOptions & { readonly maxSamples: number },
): SharedQuerier {
  const { clock = systemClock, timeoutMs = 120_000, maxSamples, light = LIGHT } = options;
  const { lookbackMs, defaultStepMs, concurrency, maxWaiting } = options;
  const here = embeddedQuerier(source, { ...options, light, maxSamples: Math.floor(maxSamples * LIGHT_SHARE) });
  const engine = { maxSamples, timeoutMs, lookbackMs, defaultStepMs, concurrency, maxWaiting };
  const thread = new QueryThread(source, { clock, maxSamples, timeoutMs, turns: options.turns, engine });
  const experience = new Experience(() => clock.monotonic());

  async function run(job: Job, given: QueryOptions, tryHere: () => Promise<QueryResult>): Promise<QueryResult> {
    const key = keyOf(job);
    if (!experience.tries(key)) return thread.run(job, given);
    try {
      const result = await tryHere();
      experience.wasLight(key);
      return result;
    } catch (error) {
      if (!(error instanceof TooHeavy)) throw error;
      experience.wasHeavy(key);
      return thread.run(job, given);
    }
  }

  return {
    ...here,
    instant: async (expr, atMs, given = {}) =>
      run(
        {
          expr,
          startMs: atMs,
          endMs: atMs,
          stepMs: undefined,
          timeoutMs: given.timeoutMs,
          lookbackMs: given.lookbackMs,
          stats: given.stats,
        },
        given,
        () => here.instant(expr, atMs, given),
      ),
    range: async (expr, startMs, endMs, stepMs, given = {}) =>
      run(
        { expr, startMs, endMs, stepMs, timeoutMs: given.timeoutMs, lookbackMs: given.lookbackMs, stats: given.stats },
        given,
        () => here.range(expr, startMs, endMs, stepMs, given),
      ),
    get beside() {
      return thread.size;
    },
    [Symbol.asyncDispose]: () => thread[Symbol.asyncDispose](),
  };
}
