/** What records say in sum: patterns, figures of lines, errors as issues, the map of services, and the comparison of traces. */
import type { Clock } from '../../../base/clock.ts';
import { VitrineError } from '../../../base/errors.ts';
import { attributeText } from '../../../model/attribute-text.ts';
import { attributesOfField } from '../../../model/record-fields.ts';
import type { RecordSource } from '../../../model/record-source.ts';
import type { SpanRecord } from '../../../model/records.ts';
import type { ErrorGroups, ErrorIssue } from '../../insight/error-groups.ts';
import { logAnalytics } from '../../insight/log-analytics.ts';
import type { LogPatterns } from '../../insight/log-patterns.ts';
import { PatternMiner } from '../../insight/pattern-miner.ts';
import { callsOf, ServiceGraph } from '../../insight/service-graph.ts';
import { compareTraces } from '../../insight/trace-comparison.ts';
import { rowMs, valueAt } from '../../search/counts.ts';
import type { Condition, Filter } from '../../search/filter.ts';
import { scanMatches } from '../../search/scan.ts';
import { searchTraces } from '../../search/traces.ts';
import { numberFrom, textFrom, type Call, type Route } from '../routes.ts';
import type { AnalyticsAnswer, CompareAnswer, ErrorsAnswer, ErrorView, MapAnswer, PatternsAnswer } from './contract.ts';
import { filterFrom, limitFrom, outcomeView, searchFrom } from './parameters.ts';

export interface InsightRoutesOptions {
  readonly records: RecordSource;
  readonly patterns: LogPatterns;
  readonly errors: ErrorGroups;
  readonly clock: Clock;
}

const HOUR_MS = 3_600_000;
const FIVE_MINUTES_MS = 300_000;
/** Of each set, the newest. */
const COMPARED_TRACES = 1_000;

interface Counted {
  service: string;
  template: string;
  count: number;
  firstMs: number;
  lastMs: number;
  known: ReturnType<LogPatterns['match']>;
}

/** Every matching line counts in one pattern: a known one, or one that is mined here. */
async function patternsAnswer(options: InsightRoutesOptions, { query, ctx }: Call): Promise<PatternsAnswer> {
  const { records, patterns, clock } = options;
  const nowMs = clock.now();
  const asked = searchFrom('logs', query, nowMs, ctx, nowMs - HOUR_MS);
  const miner = new PatternMiner();
  const counted = new Map<string, Counted>();
  let total = 0;
  const outcome = await scanMatches(records, asked, clock, (batch, rows) => {
    const messages = batch.column('message');
    for (const row of rows) {
      const message = attributeText(valueAt(messages, row) ?? null);
      const known = patterns.match(batch.service, message);
      const mined = known === undefined ? miner.add(batch.service, message) : undefined;
      const key = known === undefined ? `mined ${mined?.id}` : `known ${known.id}`;
      const timeMs = rowMs(batch, row);
      total += 1;
      const entry = counted.get(key);
      if (entry === undefined) {
        const template = known?.template ?? mined?.words.join(' ') ?? '';
        counted.set(key, { service: batch.service, template, count: 1, firstMs: timeMs, lastMs: timeMs, known });
        continue;
      }
      entry.count += 1;
      entry.firstMs = Math.min(entry.firstMs, timeMs);
      entry.lastMs = Math.max(entry.lastMs, timeMs);
      if (mined !== undefined) entry.template = mined.words.join(' ');
    }
  });
  const all = [...counted.values()].sort((a, b) => b.count - a.count || (a.template < b.template ? -1 : 1));
  const limit = limitFrom(query);
  return {
    patterns: all.slice(0, limit).map(({ service, template, count, firstMs, lastMs, known }) => ({
      service,
      template,
      count,
      share: count / total,
      first_seen_ms: Math.min(known?.firstSeenMs ?? firstMs, firstMs),
      last_seen_ms: lastMs,
      version: known?.version ?? '',
      level: known?.level ?? '',
    })),
    others: all.slice(limit).reduce((sum, { count }) => sum + count, 0),
    total,
    ...outcomeView(outcome),
  };
}

async function analyticsAnswer(
  { records, clock }: InsightRoutesOptions,
  { query, ctx }: Call,
): Promise<AnalyticsAnswer> {
  const nowMs = clock.now();
  const asked = searchFrom('logs', query, nowMs, ctx, nowMs - FIVE_MINUTES_MS);
  const stepMs = numberFrom(query, 'step', { min: 1_000, max: 8.64e7, fallback: 60_000 }) ?? 60_000;
  const found = await logAnalytics(records, asked, stepMs, clock);
  return {
    endpoints: found.endpoints.slice(0, limitFrom(query)).map((row) => ({
      service: row.service,
      endpoint: row.endpoint,
      requests: row.requests,
      errors: row.errors,
      mean_ms: row.meanMs ?? null,
      p50_ms: row.p50Ms ?? null,
      p95_ms: row.p95Ms ?? null,
      p99_ms: row.p99Ms ?? null,
    })),
    users: {
      distinct: found.users.distinct,
      exact: found.users.exact,
      top: found.users.top.map(({ value, count, error }) => ({ user: value, requests: count, error })),
    },
    step_ms: stepMs,
    trend: found.trend.map(({ timeMs, lines, errors }) => ({
      time_ms: timeMs,
      lines,
      errors,
      error_ratio: errors / lines,
    })),
    services: found.services,
    ...outcomeView(found),
  };
}

const errorView = (issue: ErrorIssue): ErrorView => ({
  id: issue.id,
  service: issue.service,
  type: issue.type,
  message: issue.message,
  state: issue.state,
  count: issue.count,
  users: issue.users,
  first_seen_ms: issue.firstSeenMs,
  last_seen_ms: issue.lastSeenMs,
  resolved_at_ms: issue.resolvedAtMs ?? null,
  first_version: issue.firstVersion,
  last_version: issue.lastVersion,
  trace_id: issue.traceId === '' ? null : issue.traceId,
  culprit: issue.frames[0] ?? '',
});

function errorsAnswer({ errors }: InsightRoutesOptions, { query }: Call): ErrorsAnswer {
  const service = textFrom(query, 'service');
  const state = textFrom(query, 'state');
  const found = errors
    .list()
    .filter(
      (issue) => (service === undefined || issue.service === service) && (state === undefined || issue.state === state),
    );
  return {
    errors: found.slice(0, limitFrom(query)).map(errorView),
    more: found.length > limitFrom(query),
    evicted: errors.evicted,
  };
}

async function mapAnswer({ records, clock }: InsightRoutesOptions, { query, ctx }: Call): Promise<MapAnswer> {
  const nowMs = clock.now();
  const asked = searchFrom('traces', query, nowMs, ctx, nowMs - FIVE_MINUTES_MS);
  const graph = new ServiceGraph();
  const spans: SpanRecord[] = [];
  // Both sides of a call are in one trace; spans are gathered whole, up to a limit, and paired at the end.
  const outcome = await scanMatches(records, asked, clock, (batch, rows) => {
    for (const row of rows) spans.push(batch.record(row));
    return spans.length < MAX_MAP_SPANS;
  });
  for (const call of callsOf(spans)) graph.add(call);
  const rangeSeconds = Math.max(1, (Math.min(asked.toMs, nowMs) - asked.fromMs) / 1_000);
  const edges = graph.edges();
  const nodes = new Map<string, string>();
  for (const { client, server, connection } of edges) {
    if (!nodes.has(client)) nodes.set(client, client === 'user' ? 'caller' : 'service');
    if (!nodes.has(server) || connection === '') nodes.set(server, kindOfNode(connection));
  }
  return {
    nodes: [...nodes].map(([name, kind]) => ({ name, kind })),
    edges: edges.map(({ client, server, connection, calls, errors, p95Seconds }) => ({
      client,
      server,
      connection,
      calls,
      rate: calls / rangeSeconds,
      error_ratio: errors / calls,
      p95_seconds: p95Seconds,
    })),
    spans: spans.length,
    ...outcomeView(outcome),
  };
}

const MAX_MAP_SPANS = 200_000;

function kindOfNode(connection: string): string {
  if (connection === 'database') return 'database';
  return connection === 'messaging_system' ? 'queue' : 'service';
}

/** The fields that a filter names, and the attributes behind them: the two sets differ in these by definition. */
function fieldsIn(condition: Condition, found = new Set<string>()): Set<string> {
  if (condition.kind === 'and' || condition.kind === 'or') for (const part of condition.parts) fieldsIn(part, found);
  if (condition.kind === 'not') fieldsIn(condition.part, found);
  if (condition.kind === 'field')
    for (const name of [condition.field, ...attributesOfField(condition.field)]) found.add(name);
  return found;
}

async function compareAnswer({ records, clock }: InsightRoutesOptions, { query, ctx }: Call): Promise<CompareAnswer> {
  if ((query.get('q') ?? '') === '') throw new VitrineError('bad_request', '"q" is missing: the traces to compare.');
  const nowMs = clock.now();
  const asked = searchFrom('traces', query, nowMs, ctx, nowMs - HOUR_MS);
  const named = query.has('against') ? filterFrom(query, nowMs, 'against') : undefined;
  const against: Filter = named ?? { ...asked.filter, condition: { kind: 'not', part: asked.filter.condition } };
  const selection = await searchTraces(records, asked, COMPARED_TRACES, clock);
  const chosen = new Set(selection.traces.map(({ traceId }) => traceId));
  const found = await searchTraces(records, { ...asked, filter: against }, 2 * COMPARED_TRACES, clock);
  const baseline = found.traces.filter(({ traceId }) => !chosen.has(traceId)).slice(0, COMPARED_TRACES);
  const left = fieldsIn(against.condition, fieldsIn(asked.filter.condition));
  const differences = compareTraces(
    selection.traces.map(({ spans }) => spans),
    baseline.map(({ spans }) => spans),
    left,
    limitFrom(query, 20),
  );
  return {
    selection: selection.traces.length,
    baseline: baseline.length,
    attributes: differences.map(({ name, kind, score, values, means }) => ({
      name,
      kind,
      score,
      values,
      means: means ?? null,
    })),
    ...outcomeView(selection),
  };
}

export function insightRoutes(options: InsightRoutesOptions): Route[] {
  const { errors } = options;
  const get = (path: string, handler: Route['handler']): Route => ({ method: 'GET', path, handler });
  return [
    get('/api/logs/patterns', (call) => patternsAnswer(options, call)),
    get('/api/logs/analytics', (call) => analyticsAnswer(options, call)),
    get('/api/errors', (call) => errorsAnswer(options, call)),
    get('/api/errors/:id', ({ params }) => {
      const issue = errors.get(params.id);
      return { ...errorView(issue), stack: issue.stack, frames: issue.frames };
    }),
    {
      method: 'POST',
      path: '/api/errors/:id/resolve',
      handler: async ({ params }) => errorView(await errors.resolve(params.id)),
    },
    {
      method: 'POST',
      path: '/api/errors/:id/reopen',
      handler: async ({ params }) => errorView(await errors.reopen(params.id)),
    },
    get('/api/map', (call) => mapAnswer(options, call)),
    get('/api/traces/compare', (call) => compareAnswer(options, call)),
  ];
}
