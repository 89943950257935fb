/**
 * Any Prometheus-compatible server (Prometheus, Mimir, Thanos, VictoriaMetrics) behind the `Querier` port, through the HTTP
 * API of prometheus.io/docs/prometheus/latest/querying/api. Results and errors are those of the embedded engine. When the
 * server is down, every query ends with `unreachable`, the address and a hint.
 */
import { systemClock, type Clock } from '../../../base/clock.ts';
import { VitrineError } from '../../../base/errors.ts';
import type { Querier, QueryOptions, QueryResult } from '../../../model/ports.ts';
import { QueryGate } from '../gate.ts';
import { RemoteClient, type Envelope, type RemoteClientOptions, type RemoteRequest } from './client.ts';
import { exemplarsOf, labelSetsOf, metadataOf, statsOf, textsOf, valueOf } from './result.ts';

export interface RemoteOptions extends RemoteClientOptions {
  readonly clock?: Clock | undefined;
  /** Requests that run at the same time; default 16. */
  readonly concurrency?: number | undefined;
  /** Requests that may wait in the queue; default 200. */
  readonly maxWaiting?: number | undefined;
}

/** Times beyond this limit mean "no bound". Servers read them differently, so they are left out. */
const FURTHEST_MS = 8.64e15;
const LEGACY_NAME = /^[a-zA-Z_][a-zA-Z0-9_]*$/;

const seconds = (ms: number): string => (ms / 1_000).toFixed(3);

/** Prometheus' escaping of names in paths: `U__`, `_` doubled, every character other than a letter or digit as `_hex_`. */
function pathName(name: string): string {
  if (LEGACY_NAME.test(name) && !name.startsWith('U__')) return name;
  let out = 'U__';
  for (const char of name) {
    if (char === '_') out += '__';
    else out += /^[a-zA-Z0-9:]$/.test(char) ? char : `_${(char.codePointAt(0) ?? 0).toString(16)}_`;
  }
  return out;
}

function span(startMs: number, endMs: number): URLSearchParams {
  const params = new URLSearchParams();
  if (startMs > -FURTHEST_MS) params.set('start', seconds(startMs));
  if (endMs < FURTHEST_MS) params.set('end', seconds(endMs));
  return params;
}

function matching(selectors: readonly string[], startMs: number, endMs: number): URLSearchParams {
  const params = span(startMs, endMs);
  for (const selector of selectors) params.append('match[]', selector);
  return params;
}

const finite = (...times: readonly number[]): void => {
  if (!times.every(Number.isFinite)) throw new VitrineError('query_invalid', 'times must be finite');
};

/** Throws the errors of the port, and `overloaded` when too many queries wait. */
export function remoteQuerier(options: RemoteOptions): Querier {
  const client = new RemoteClient(options);
  const { clock = systemClock, concurrency = 16, maxWaiting = 200 } = options;
  const gate = new QueryGate({ clock, concurrency, maxWaiting });

  const ask = (request: RemoteRequest): Promise<Envelope> =>
    gate.run(() => client.ask(request), request.timeoutMs ?? client.timeoutMs, request.signal);

  const get = async <T>(path: string, params: URLSearchParams, read: (data: unknown) => T): Promise<T> =>
    read((await ask({ path: `/api/v1/${path}`, method: 'GET', params })).data);

  const post = async <T>(path: string, params: URLSearchParams, read: (data: unknown) => T): Promise<T> =>
    read((await ask({ path: `/api/v1/${path}`, method: 'POST', params })).data);

  async function evaluate(path: string, params: URLSearchParams, given: QueryOptions): Promise<QueryResult> {
    const timeoutMs = Math.min(given.timeoutMs ?? client.timeoutMs, client.timeoutMs);
    params.set('timeout', `${Math.max(1, Math.round(timeoutMs))}ms`);
    if (given.lookbackMs !== undefined) params.set('lookback_delta', `${Math.max(1, Math.round(given.lookbackMs))}ms`);
    if (given.stats === true) params.set('stats', 'all');
    const { signal } = given;
    const { data, warnings, infos } = await ask({ path: `/api/v1/${path}`, method: 'POST', params, timeoutMs, signal });
    const value = valueOf(data);
    return given.stats === true ? { value, warnings, infos, stats: statsOf(data) } : { value, warnings, infos };
  }

  return {
    async instant(expr, atMs, given = {}) {
      finite(atMs);
      return evaluate('query', new URLSearchParams({ query: expr, time: seconds(atMs) }), given);
    },
    async range(expr, startMs, endMs, stepMs, given = {}) {
      finite(startMs, endMs, stepMs);
      const times = { start: seconds(startMs), end: seconds(endMs), step: seconds(stepMs) };
      return evaluate('query_range', new URLSearchParams({ query: expr, ...times }), given);
    },
    async series(selectors, startMs, endMs, limit) {
      if (selectors.length === 0) return [];
      const params = matching(selectors, startMs, endMs);
      params.set('limit', String(Math.min(limit, Number.MAX_SAFE_INTEGER)));
      // Older servers do not know the parameter.
      return (await post('series', params, labelSetsOf)).slice(0, limit);
    },
    labelNames: (selectors, startMs, endMs) => post('labels', matching(selectors, startMs, endMs), textsOf),
    labelValues: (name, selectors, startMs, endMs) =>
      get(`label/${pathName(name)}/values`, matching(selectors, startMs, endMs), textsOf),
    metadata: () => get('metadata', new URLSearchParams(), metadataOf),
    exemplars(expr, startMs, endMs) {
      const params = span(startMs, endMs);
      params.set('query', expr);
      return post('query_exemplars', params, exemplarsOf);
    },
  };
}
