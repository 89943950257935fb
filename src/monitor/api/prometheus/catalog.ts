/** The endpoints for series, labels, label values and metadata. */
import { VitrineError } from '../../../base/errors.ts';
import type { MetricMetadata } from '../../../model/series.ts';
import { parseSelector } from '../../promql/syntax/parser.ts';
import { quote } from '../../../model/text/quoting.ts';
import { answer } from './answer.ts';
import { successBody } from './envelope.ts';
import type { Handler } from './handler.ts';
import { invalidParameter, limitParameter, spanParameters, unescapeName } from './parameters.ts';
import { TRUNCATED } from './queries.ts';

/** The most selectors in one request. Requests with more are refused. */
const MAX_SELECTORS = 100;

/** The `match[]` parameters. Each one is checked. */
export function selectorsOf(params: URLSearchParams): string[] {
  const selectors = params.getAll('match[]');
  if (selectors.length > MAX_SELECTORS) throw invalidParameter('match[]', `more than ${MAX_SELECTORS} selectors`);
  for (const selector of selectors) {
    try {
      parseSelector(selector);
    } catch (error) {
      if (!(error instanceof VitrineError)) throw error;
      throw invalidParameter('match[]', error.message);
    }
  }
  return selectors;
}

/** The first `limit` items, and a warning when there were more. */
function cut<T>(items: readonly T[], limit: number): { data: readonly T[]; warnings: string[] } {
  if (items.length <= limit) return { data: items, warnings: [] };
  return { data: items.slice(0, limit), warnings: [TRUNCATED] };
}

export const series: Handler = async (ctx, params, api) => {
  const limit = limitParameter(params);
  const selectors = selectorsOf(params);
  if (selectors.length === 0) throw new VitrineError('bad_request', 'no match[] parameter provided');
  const { startMs, endMs } = spanParameters(params);
  const asked = Number.isFinite(limit) ? limit + 1 : Number.MAX_SAFE_INTEGER;
  const { data, warnings } = cut(await api.querier.series(selectors, startMs, endMs, asked), limit);
  await answer(ctx, successBody(data, { warnings, infos: [] }));
};

export const labels: Handler = async (ctx, params, api) => {
  const limit = limitParameter(params);
  const selectors = selectorsOf(params);
  const { startMs, endMs } = spanParameters(params);
  const { data, warnings } = cut(await api.querier.labelNames(selectors, startMs, endMs), limit);
  await answer(ctx, successBody(data, { warnings, infos: [] }));
};

export const labelValues: Handler = async (ctx, params, api) => {
  const name = unescapeName((ctx.params as Record<string, string>)['name']);
  if (name === '' || !name.isWellFormed()) {
    throw new VitrineError('bad_request', `invalid label name: ${quote(name)}`);
  }
  const limit = limitParameter(params);
  const selectors = selectorsOf(params);
  const { startMs, endMs } = spanParameters(params);
  const { data, warnings } = cut(await api.querier.labelValues(name, selectors, startMs, endMs), limit);
  await answer(ctx, successBody(data, { warnings, infos: [] }));
};

export const metadata: Handler = async (ctx, params, api) => {
  const limit = limitParameter(params);
  const perMetric = limitParameter(params, 'limit_per_metric');
  const wanted = params.get('metric') ?? '';
  const byName = new Map<string, Omit<MetricMetadata, 'name'>[]>();
  for (const { name, type, help, unit } of await api.querier.metadata()) {
    if (wanted !== '' && name !== wanted) continue;
    const known = byName.get(name) ?? [];
    if (known.length === 0 && byName.size >= limit) break;
    if (known.length < perMetric) known.push({ type, help, unit });
    byName.set(name, known);
  }
  await answer(ctx, successBody(Object.fromEntries(byName)));
};
