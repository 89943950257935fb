/** What records say in sum: patterns, figures of lines, errors as issues and the map of services. */
import type { Clock } from '../../../base/clock.ts';
import { VitrineError } from '../../../base/errors.ts';
import { attributeText } from '../../../model/attribute-text.ts';
import type { RecordSource } from '../../../model/record-source.ts';
import type { ErrorGroups, ErrorIssue } from '../../insight/error-groups.ts';
import { searchErrors } from '../../insight/error-search.ts';
import { logAnalytics } from '../../insight/log-analytics.ts';
import type { LogPatterns } from '../../insight/log-patterns.ts';
import { PatternMiner } from '../../insight/pattern-miner.ts';
import { serviceMap } from '../../insight/service-map.ts';
import { rowMs, valueAt } from '../../search/counts.ts';
import { scanMatches } from '../../search/scan.ts';
import { numberFrom, textFrom, type Call, type Route } from '../routes.ts';
import type { AnalyticsAnswer, ErrorDetail, ErrorsAnswer, ErrorView, MapAnswer, PatternsAnswer } from './contract.ts';
import { filterFrom, limitFrom, outcomeView, searchFrom, timeFrom } from './parameters.ts';

export interface InsightRoutesOptions {
  readonly records: RecordSource;
  readonly patterns: LogPatterns;
  readonly errors: ErrorGroups;
  readonly clock: Clock;
}

const HOUR_MS = 3_600_000;
const FIVE_MINUTES_MS = 300_000;
/** Lines of senders whose clocks are ahead. */
const FUTURE_MS = 600_000;
const MAX_STEPS = 2_000;

/** The pattern of a line is found within some 10 µs. */
const LINES_A_STEP = 128;

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
  const outcome = await scanMatches(records, asked, clock, function* mine(batch, rows) {
    const messages = batch.column('message');
    for (const [at, row] of rows.entries()) {
      if (at % LINES_A_STEP === 0) yield;
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
  // The trend has one entry for each step with lines: the step bounds the answer, also over years.
  const least = Math.max(1_000, Math.ceil((Math.min(asked.toMs, nowMs + FUTURE_MS) - asked.fromMs) / MAX_STEPS));
  const usual = Math.max(60_000, least);
  const stepMs = numberFrom(query, 'step', { min: least, max: 8.64e15, fallback: usual }) ?? usual;
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

function errorsAnswer({ errors, clock }: InsightRoutesOptions, { query }: Call): ErrorsAnswer {
  const nowMs = clock.now();
  const fromMs = timeFrom(query, 'from', nowMs) ?? -Infinity;
  const toMs = timeFrom(query, 'to', nowMs) ?? Infinity;
  if (fromMs >= toMs) throw new VitrineError('bad_request', '"from" must lie before "to".');
  const state = textFrom(query, 'state');
  const range = { filter: filterFrom(query, nowMs), fromMs, toMs };
  const found = searchErrors(errors.list(), range).filter((issue) => state === undefined || issue.state === state);
  return {
    errors: found.slice(0, limitFrom(query)).map(errorView),
    more: found.length > limitFrom(query),
    evicted: errors.evicted,
  };
}

async function mapAnswer({ records, clock }: InsightRoutesOptions, { query, ctx }: Call): Promise<MapAnswer> {
  const nowMs = clock.now();
  const found = await serviceMap(records, searchFrom('traces', query, nowMs, ctx, nowMs - FIVE_MINUTES_MS), clock);
  const nodes = new Map<string, string>();
  for (const { client, server, connection } of found.edges) {
    // Who calls has sent spans, whatever its own callers know of it.
    nodes.set(client, client === 'user' ? 'caller' : 'service');
    if (!nodes.has(server) || connection === '')
      nodes.set(server, client === 'user' ? 'service' : kindOfNode(connection));
  }
  return {
    nodes: [...nodes].map(([name, kind]) => ({ name, kind })),
    edges: found.edges.map(({ client, server, connection, calls, rate, errors, p95Seconds, networkSeconds }) => ({
      client,
      server,
      connection,
      calls,
      rate,
      error_ratio: errors / calls,
      p95_seconds: p95Seconds,
      network_seconds: networkSeconds ?? null,
    })),
    spans: found.spans,
    omitted: found.omitted,
    ...outcomeView(found),
  };
}

function kindOfNode(connection: string): string {
  if (connection === 'database') return 'database';
  if (connection === 'messaging_system') return 'queue';
  return connection === 'virtual_node' ? 'outside' : 'service';
}

export function insightRoutes(options: InsightRoutesOptions): Route[] {
  const { errors } = options;
  const get = (path: string, handler: Route['handler']): Route => ({ method: 'GET', path, handler });
  return [
    get('/api/logs/patterns', (call) => patternsAnswer(options, call)),
    get('/api/logs/analytics', (call) => analyticsAnswer(options, call)),
    get('/api/errors', (call) => errorsAnswer(options, call)),
    get('/api/errors/:id', ({ params }): ErrorDetail => {
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
  ];
}
