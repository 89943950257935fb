/** The embedded engine behind the `Querier` port: limits, queue and time limit around `runQuery`, and the label queries. */
import { WeightedMap } from '../../base/bounded.ts';
import { systemClock, type Clock, type Turns } from '../../base/clock.ts';
import { VitrineError } from '../../base/errors.ts';
import type { Querier, QueryOptions, QueryResult, SampleSource } from '../../model/ports.ts';
import type { Matcher } from '../../model/labels.ts';
import type { Expr } from './syntax/ast.ts';
import { QueryShare, type Budget, type LightLimits } from './columns/budget.ts';
import { selectorsOf } from './syntax/expression-shape.ts';
import { parse, parseSelector } from './syntax/parser.ts';
import type { QueryBounds } from './columns/plan.ts';
import { QueryGate } from './gate.ts';
import { pointsTrouble } from './point-limit.ts';
import { runQuery, type RunResult } from './run.ts';

const MINUTE_MS = 60_000;
/**
 * Size of the cache of parsed queries. Rules and viewers send the same queries each second, and parsing was more than half
 * the cost of a small query.
 */
const KNOWN_BYTES = 16 * 1024 * 1024;
/** Approximate memory of a syntax tree for each character of its text. */
const TREE_BYTES_PER_CHARACTER = 200;

export interface EmbeddedOptions {
  readonly clock?: Clock | undefined;
  /** Samples that one query, and all running queries together, may hold at a time; default 10 million, 16 bytes each. */
  readonly maxSamples?: number | undefined;
  /** Time limit of a query that gives none, and the highest limit that a query may request; default 2 minutes. */
  readonly timeoutMs?: number | undefined;
  /** The greatest age of a sample that an instant selector takes; default 5 minutes. */
  readonly lookbackMs?: number | undefined;
  /** Step of subqueries that do not give one; default 1 minute. */
  readonly defaultStepMs?: number | undefined;
  /** Queries that run at the same time; default 4. */
  readonly concurrency?: number | undefined;
  /** Queries that may wait in the queue; default 200. */
  readonly maxWaiting?: number | undefined;
  /** Queries that cost more end with `TooHeavy`; default: no such limit. */
  readonly light?: LightLimits | undefined;
  /** Other work that shares the slices of these queries; default: 8 ms a turn for this engine alone. */
  readonly turns?: Turns | undefined;
}

type Complete = {
  readonly [K in keyof Omit<EmbeddedOptions, 'light' | 'turns'>]-?: NonNullable<EmbeddedOptions[K]>;
} & {
  readonly light: LightLimits | undefined;
  readonly turns: Turns | undefined;
};

function complete(options: EmbeddedOptions): Complete {
  return {
    light: options.light,
    turns: options.turns,
    clock: options.clock ?? systemClock,
    maxSamples: options.maxSamples ?? 10_000_000,
    timeoutMs: options.timeoutMs ?? 2 * MINUTE_MS,
    lookbackMs: options.lookbackMs ?? 5 * MINUTE_MS,
    defaultStepMs: options.defaultStepMs ?? MINUTE_MS,
    concurrency: options.concurrency ?? 4,
    maxWaiting: options.maxWaiting ?? 200,
  };
}

function checkRange(startMs: number, endMs: number, stepMs: number): void {
  const bad = (message: string): VitrineError => new VitrineError('query_invalid', message);
  if (!Number.isFinite(startMs) || !Number.isFinite(endMs)) throw bad('start and end must be finite times');
  if (endMs < startMs) throw bad('end timestamp must not be before start time');
  if (!(stepMs > 0))
    throw bad('zero or negative query resolution step widths are not accepted. Try a positive integer');
  const trouble = pointsTrouble(startMs, endMs, stepMs);
  if (trouble !== undefined) throw bad(trouble);
}

/** A `Querier` over samples in this process. Throws the errors of the port, and `overloaded` when too many queries wait. */
export function embeddedQuerier(source: SampleSource, options: EmbeddedOptions = {}): Querier {
  const settings = complete(options);
  const gate = new QueryGate(settings);
  const share = new QueryShare(settings.clock, settings.maxSamples, settings.light, settings.turns);
  const known = new WeightedMap<string, Expr>(KNOWN_BYTES);

  function expressionOf(text: string, budget: Budget): Expr {
    const before = known.get(text);
    if (before !== undefined) return before;
    const expr = parse(text, { meter: budget });
    known.set(text, expr, 256 + text.length * TREE_BYTES_PER_CHARACTER);
    return expr;
  }

  async function run(text: string, instant: boolean, times: Times, given: QueryOptions): Promise<QueryResult> {
    const timeoutMs = Math.min(given.timeoutMs ?? settings.timeoutMs, settings.timeoutMs);
    const bounds: QueryBounds = {
      ...times,
      lookbackMs: given.lookbackMs ?? settings.lookbackMs,
      defaultStepMs: settings.defaultStepMs,
    };
    const budget = share.begin(timeoutMs, given.signal);
    try {
      const parsed = expressionOf(text, budget);
      const beganMs = budget.nowMs;
      const work = async (): Promise<QueryResult> => {
        budget.started();
        const startedMs = budget.nowMs;
        const stats = given.stats === true;
        const result = await runQuery({ parsed, text, bounds, instant, budget, stats }, source);
        return stats ? withStats(result, { beganMs, startedMs, endedMs: budget.nowMs }) : result;
      };
      return await gate.run(work, timeoutMs, given.signal);
    } finally {
      share.end(budget);
    }
  }

  return {
    async instant(expr, atMs, given = {}) {
      if (!Number.isFinite(atMs)) throw new VitrineError('query_invalid', 'the evaluation time must be finite');
      return run(expr, true, { startMs: atMs, endMs: atMs, stepMs: 0 }, given);
    },
    async range(expr, startMs, endMs, stepMs, given = {}) {
      checkRange(startMs, endMs, stepMs);
      return run(expr, false, { startMs, endMs, stepMs }, given);
    },
    series: async (selectors, startMs, endMs, limit) => source.series(parsed(selectors), startMs, endMs, limit),
    labelNames: async (selectors, startMs, endMs) => source.labelNames(parsed(selectors), startMs, endMs),
    labelValues: async (name, selectors, startMs, endMs) => source.labelValues(name, parsed(selectors), startMs, endMs),
    metadata: async () => source.metadata(),
    exemplars: async (expr, startMs, endMs) =>
      source.exemplars(
        selectorsOf(parse(expr)).map(({ matchers }) => matchers),
        startMs,
        endMs,
      ),
  };
}

interface Moments {
  readonly beganMs: number;
  readonly startedMs: number;
  readonly endedMs: number;
}

function withStats(result: RunResult, { beganMs, startedMs, endedMs }: Moments): QueryResult {
  const { samples, preparedMs = startedMs, ...rest } = result;
  if (samples === undefined) return rest;
  const seconds = (fromMs: number, toMs: number): number => (toMs - fromMs) / 1_000;
  const timings = {
    evalTotalTime: seconds(startedMs, endedMs),
    // Results are sorted as they are made.
    resultSortTime: 0,
    queryPreparationTime: seconds(startedMs, preparedMs),
    innerEvalTime: seconds(preparedMs, endedMs),
    execQueueTime: seconds(beganMs, startedMs),
    execTotalTime: seconds(beganMs, endedMs),
  };
  return { ...rest, stats: { timings, samples } };
}

interface Times {
  readonly startMs: number;
  readonly endMs: number;
  readonly stepMs: number;
}

const parsed = (selectors: readonly string[]): readonly (readonly Matcher[])[] =>
  selectors.map((selector) => parseSelector(selector));
