/** The routes for chart data, marks and annotations. */
import type { Context } from 'koa';
import type { Clock } from '../../../base/clock.ts';
import { VitrineError } from '../../../base/errors.ts';
import type { Querier } from '../../../model/ports.ts';
import type { RuleSource } from '../../alerts/rules/view.ts';
import { AGGREGATORS } from '../../promql/syntax/keywords.ts';
import { FUNCTIONS } from '../../promql/syntax/signatures.ts';
import type { Annotations } from '../../store/state/annotations.ts';
import type { Pins } from '../../store/state/pins.ts';
import type { Route } from '../routes.ts';
import { numberFrom } from '../routes.ts';
import { annotationRoutes } from './annotations-api.ts';
import { chartAnswer } from './chart-answer.ts';
import { MAX_MARKS, marksIn } from './marks.ts';
import { pinRoutes } from './pin-routes.ts';
import { WatchedLimits } from './watched.ts';

export interface ChartRouteOptions {
  readonly querier: Querier;
  /** When absent, charts have no limits. */
  readonly rules?: RuleSource | undefined;
  /** When absent, there are no annotations, and none can be made. */
  readonly annotations?: Annotations | undefined;
  /** When absent, nothing can be pinned for everybody. */
  readonly pins?: Pins | undefined;
  readonly clock: Clock;
}

/** The functions and aggregations of the engine, for completion in the page's editor. */
const WORDS = { functions: [...FUNCTIONS.keys(), ...AGGREGATORS.keys()].sort() };

/** Rules change rarely; their expressions are compared again after this time. */
const LIMITS_FOR_MS = 5_000;

function limitsOf({ rules, clock }: ChartRouteOptions): () => WatchedLimits {
  let known = new WatchedLimits([]);
  let untilMs = -Infinity;
  return () => {
    const nowMs = clock.monotonic();
    if (rules !== undefined && nowMs >= untilMs) {
      known = new WatchedLimits(rules.groups());
      untilMs = nowMs + LIMITS_FOR_MS;
    }
    return known;
  };
}

/** Aborted when the client disconnects before it has its answer. */
function withClient(ctx: Context): AbortSignal {
  const abort = new AbortController();
  ctx.res.once('close', () => {
    if (!ctx.res.writableFinished) abort.abort(new VitrineError('query_canceled', 'the client disconnected'));
  });
  return abort.signal;
}

function rangeFrom(query: URLSearchParams, nowMs: number): { fromMs: number; toMs: number } {
  const toMs = numberFrom(query, 'to', { min: 0, max: 8.64e15, fallback: nowMs }) ?? nowMs;
  const fromMs = numberFrom(query, 'from', { min: 0, max: 8.64e15, fallback: toMs - 900_000 }) ?? toMs - 900_000;
  if (fromMs >= toMs) throw new VitrineError('bad_request', '"from" must be before "to".');
  return { fromMs, toMs };
}

export function chartRoutes(options: ChartRouteOptions): Route[] {
  const { querier, annotations, pins, clock } = options;
  const sources = { querier, clock, limits: limitsOf(options) };
  return [
    { method: 'GET', path: '/api/charts', handler: ({ ctx, query }) => chartAnswer(query, sources, withClient(ctx)) },
    { method: 'GET', path: '/api/charts/words', handler: () => WORDS },
    {
      method: 'GET',
      path: '/api/marks',
      handler({ ctx, query }) {
        const range = rangeFrom(query, clock.now());
        const made = annotations?.find({ ...range, tags: [], anyTag: false, limit: MAX_MARKS }) ?? [];
        return marksIn(querier, made, range, withClient(ctx));
      },
    },
    ...(annotations === undefined ? [] : annotationRoutes(annotations, () => clock.now())),
    ...(pins === undefined ? [] : pinRoutes(pins, () => clock.now())),
  ];
}
