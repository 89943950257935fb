/**
 * The PromQL expressions that viewers watch. Each is evaluated once a second for all viewers together, in the background and
 * with a time limit. An expression is skipped while its last evaluation still runs, so slow queries cannot accumulate.
 */
import { VitrineError } from '../../base/errors.ts';
import type { Querier, QueryValue } from '../../model/ports.ts';
import type { ExpressionResult, ExpressionSeries } from './contract.ts';

export const MAX_PER_VIEWER = 16;
const MAX_LENGTH = 4_096;
const MAX_EXPRESSIONS = 64;
const MAX_SERIES = 100;
const TIMEOUT_MS = 2_000;
const MAX_WARNINGS = 10;

/** The expressions of a message, or a sentence that says why they are invalid. */
export function subscriptionsFrom(text: string | undefined): readonly string[] | string {
  let message: unknown;
  try {
    message = JSON.parse(text ?? '');
  } catch {
    return 'the message is not JSON';
  }
  const list: unknown =
    typeof message === 'object' && message !== null && Object.hasOwn(message, 'subscribe')
      ? (message as { subscribe: unknown }).subscribe
      : undefined;
  if (!Array.isArray(list)) return 'the message must be {"subscribe":["<PromQL>", …]}';
  if (list.length > MAX_PER_VIEWER) return `at most ${MAX_PER_VIEWER} expressions can be watched`;
  const exprs = list.filter((item): item is string => typeof item === 'string' && item !== '');
  if (exprs.length !== list.length || exprs.some(({ length }) => length > MAX_LENGTH)) {
    return `an expression is a text of at most ${MAX_LENGTH} characters`;
  }
  return [...new Set(exprs)];
}

const finite = (value: number): number | null => (Number.isFinite(value) ? value : null);

function seriesOf(value: QueryValue): ExpressionSeries[] {
  if (value.kind === 'scalar') return [{ labels: {}, value: finite(value.v) }];
  if (value.kind !== 'vector') return [];
  return value.series
    .slice(0, MAX_SERIES)
    .map(({ labels, point }) => ({ labels: labels.toJSON(), value: finite(point.v) }));
}

interface Watched {
  result: ExpressionResult | undefined;
  running: boolean;
}

export class Expressions {
  readonly #querier: Querier;
  readonly #watched = new Map<string, Watched>();
  readonly #abort = new AbortController();

  constructor(querier: Querier) {
    this.#querier = querier;
  }

  /** From now on, watches exactly these expressions. Returns the number refused because there are too many. */
  keep(exprs: readonly string[]): number {
    const wanted = new Set(exprs);
    for (const expr of this.#watched.keys()) if (!wanted.has(expr)) this.#watched.delete(expr);
    let refused = 0;
    for (const expr of wanted) {
      if (this.#watched.has(expr)) continue;
      if (this.#watched.size >= MAX_EXPRESSIONS) refused += 1;
      else this.#watched.set(expr, { result: undefined, running: false });
    }
    return refused;
  }

  evaluate(nowMs: number): void {
    for (const [expr, watched] of this.#watched) if (!watched.running) void this.#run(expr, watched, nowMs);
  }

  /** The newest results, without expressions that were never evaluated. */
  results(exprs: readonly string[]): ExpressionResult[] {
    return exprs.map((expr) => this.#watched.get(expr)?.result).filter((result) => result !== undefined);
  }

  close(): void {
    this.#abort.abort(new Error('closing'));
    this.#watched.clear();
  }

  async #run(expr: string, watched: Watched, nowMs: number): Promise<void> {
    watched.running = true;
    try {
      const options = { timeoutMs: TIMEOUT_MS, signal: this.#abort.signal };
      const { value, warnings } = await this.#querier.instant(expr, nowMs, options);
      const shown = warnings.length === 0 ? {} : { warnings: warnings.slice(0, MAX_WARNINGS) };
      watched.result = { expr, timeMs: nowMs, series: seriesOf(value), ...shown };
    } catch (error) {
      const reason = error instanceof VitrineError ? error.message : 'the evaluation failed';
      watched.result = { expr, timeMs: nowMs, series: [], error: reason };
    } finally {
      watched.running = false;
    }
  }
}
