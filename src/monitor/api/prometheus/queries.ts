/** The endpoints query, query_range, query_exemplars, format_query and parse_query. */
import type { Context } from 'koa';
import { VitrineError } from '../../../base/errors.ts';
import type { QueryOptions, QueryResult } from '../../../model/ports.ts';
import { formatValue } from '../../../model/go-float.ts';
import { pointsTrouble } from '../../promql/point-limit.ts';
import { parse } from '../../promql/syntax/parser.ts';
import { printPretty } from '../../promql/syntax/printer.ts';
import { answer } from './answer.ts';
import { successBody } from './envelope.ts';
import type { Handler, PrometheusApi } from './handler.ts';
import { durationParameter, invalidParameter, limitParameter, spanParameters, timeParameter } from './parameters.ts';
import { treeJson } from './tree-json.ts';

export const TRUNCATED = 'results truncated due to limit';

/** Aborted when the client disconnects before it has its response. */
function abortWithClient(ctx: Context): AbortSignal {
  const abort = new AbortController();
  ctx.res.once('close', () => {
    if (!ctx.res.writableFinished) abort.abort(new VitrineError('query_canceled', 'the client went away'));
  });
  return abort.signal;
}

function optionsOf(ctx: Context, params: URLSearchParams, api: PrometheusApi): QueryOptions {
  const wantedMs = durationParameter(params, 'timeout', api.timeoutMs);
  // 0 means the default, as in Prometheus.
  const lookbackMs = durationParameter(params, 'lookback_delta', 0) || undefined;
  if (lookbackMs !== undefined && lookbackMs < 0) {
    throw invalidParameter('lookback_delta', 'must be a positive duration');
  }
  const stats = (params.get('stats') ?? '') !== '';
  return { signal: abortWithClient(ctx), timeoutMs: Math.min(wantedMs, api.timeoutMs), lookbackMs, stats };
}

/** Adds the name of the parameter to parse errors, as in all other errors about a parameter. */
async function naming<T>(parameter: string, work: () => Promise<T> | T): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof VitrineError && error.code === 'query_invalid') {
      throw new VitrineError('query_invalid', `invalid parameter "${parameter}": ${error.message}`, { cause: error });
    }
    throw error;
  }
}

function limited(result: QueryResult, limit: number): QueryResult {
  const { value } = result;
  if (value.kind === 'vector' && value.series.length > limit) {
    const series = value.series.slice(0, limit);
    return { ...result, value: { ...value, series }, warnings: [...result.warnings, TRUNCATED] };
  }
  if (value.kind === 'matrix' && value.series.length > limit) {
    const series = value.series.slice(0, limit);
    return { ...result, value: { ...value, series }, warnings: [...result.warnings, TRUNCATED] };
  }
  return result;
}

export const query: Handler = async (ctx, params, api) => {
  const limit = limitParameter(params);
  const atMs = timeParameter(params, 'time', api.clock.now());
  const options = optionsOf(ctx, params, api);
  const result = await naming('query', () => api.querier.instant(params.get('query') ?? '', atMs, options));
  await api.sender.send(ctx, limited(result, limit));
};

export const queryRange: Handler = async (ctx, params, api) => {
  const limit = limitParameter(params);
  const startMs = timeParameter(params, 'start');
  const endMs = timeParameter(params, 'end');
  if (endMs < startMs) throw invalidParameter('end', 'end timestamp must not be before start time');
  const stepMs = durationParameter(params, 'step');
  if (stepMs <= 0) {
    const advice = 'Try a positive integer';
    throw invalidParameter('step', `zero or negative query resolution step widths are not accepted. ${advice}`);
  }
  const trouble = pointsTrouble(startMs, endMs, stepMs);
  if (trouble !== undefined) throw new VitrineError('bad_request', trouble);
  const options = optionsOf(ctx, params, api);
  const text = params.get('query') ?? '';
  const result = await naming('query', () => api.querier.range(text, startMs, endMs, stepMs, options));
  await api.sender.send(ctx, limited(result, limit));
};

export const queryExemplars: Handler = async (ctx, params, api) => {
  const { startMs, endMs } = spanParameters(params);
  const text = params.get('query') ?? '';
  const found = await naming('query', () => api.querier.exemplars(text, startMs, endMs));
  const data = found.map(({ labels, exemplars }) => ({
    seriesLabels: labels,
    exemplars: exemplars.map(({ labels, value, timestampMs }) => ({
      labels,
      value: formatValue(value),
      timestamp: timestampMs / 1_000,
    })),
  }));
  await answer(ctx, successBody(data));
};

export const formatQuery: Handler = async (ctx, params) => {
  const expr = await naming('query', () => parse(params.get('query') ?? ''));
  await answer(ctx, successBody(printPretty(expr)));
};

export const parseQuery: Handler = async (ctx, params) => {
  const expr = await naming('query', () => parse(params.get('query') ?? ''));
  await answer(ctx, successBody(treeJson(expr)));
};
