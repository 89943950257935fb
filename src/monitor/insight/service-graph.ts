/**
 * Who calls whom, from spans: a client span and the server span below it are one call. A client span without a server span is a
 * call of a database, a queue or an outside service, which becomes a virtual node (the first of `peer.service`, the database's
 * name, its system, the server's address, as Tempo chooses); a server span without a caller is a call by `user`.
 */
import { serviceOf, type AttributeValue, type SpanRecord } from '../../model/records.ts';

export type ConnectionType = '' | 'database' | 'messaging_system' | 'virtual_node';

export interface Call {
  readonly client: string;
  readonly server: string;
  readonly connection: ConnectionType;
  readonly failed: boolean;
  /** Seconds as each side measured them; undefined for a side without a span. */
  readonly clientSeconds: number | undefined;
  readonly serverSeconds: number | undefined;
}

export const USER = 'user';
const DATABASE_NAMES = ['peer.service', 'db.namespace', 'db.name', 'db.system.name', 'db.system'] as const;
const OUTSIDE_NAMES = ['peer.service', 'server.address', 'net.peer.name', 'http.host'] as const;
const QUEUE_NAMES = ['peer.service', 'messaging.destination.name', 'messaging.system'] as const;

const seconds = ({ startUnixNano, endUnixNano }: SpanRecord): number =>
  Math.max(0, Number(endUnixNano - startUnixNano) / 1e9);

export const calls = ({ kind }: SpanRecord): boolean => kind === 'client' || kind === 'producer';
export const serves = ({ kind }: SpanRecord): boolean => kind === 'server' || kind === 'consumer';

/** The calls among the spans of one trace, or of several whole traces. */
export function callsOf(spans: readonly SpanRecord[]): Call[] {
  const byId = new Map(spans.map((span) => [`${span.traceId} ${span.spanId}`, span]));
  const found: Call[] = [];
  const answered = new Set<SpanRecord>();
  for (const span of spans) {
    if (!serves(span)) continue;
    const parent = byId.get(`${span.traceId} ${span.parentSpanId}`);
    if (parent !== undefined && calls(parent)) {
      answered.add(parent);
      found.push(callOf(parent, span));
    } else if (span.parentSpanId === '') found.push(callOf(undefined, span));
  }
  for (const span of spans) if (calls(span) && !answered.has(span)) found.push(outward(span));
  return found;
}

export function callOf(client: SpanRecord | undefined, server: SpanRecord): Call {
  return {
    client: client === undefined ? USER : serviceOf(client.resource),
    server: serviceOf(server.resource),
    connection: client === undefined ? 'virtual_node' : server.kind === 'consumer' ? 'messaging_system' : '',
    failed: server.status === 'error' || client?.status === 'error',
    clientSeconds: client === undefined ? undefined : seconds(client),
    serverSeconds: seconds(server),
  };
}

/** The call of a client span without a server span. */
export function outward(span: SpanRecord): Call {
  const { attributes } = span;
  const isDatabase = attributes['db.system'] !== undefined || attributes['db.system.name'] !== undefined;
  const isQueue = span.kind === 'producer' || attributes['messaging.system'] !== undefined;
  const names = isDatabase ? DATABASE_NAMES : isQueue ? QUEUE_NAMES : OUTSIDE_NAMES;
  const name = names
    .map((each): AttributeValue | undefined => attributes[each])
    .find((value) => typeof value === 'string');
  return {
    client: serviceOf(span.resource),
    server: typeof name === 'string' && name !== '' ? name.slice(0, 200) : 'unknown',
    connection: isDatabase ? 'database' : isQueue ? 'messaging_system' : 'virtual_node',
    failed: span.status === 'error',
    clientSeconds: seconds(span),
    serverSeconds: undefined,
  };
}

export interface Edge {
  readonly client: string;
  readonly server: string;
  readonly connection: ConnectionType;
  readonly calls: number;
  readonly errors: number;
  readonly p95Seconds: number;
  /** The median of what the client waited beyond the time of the server: network and queues. Undefined without both sides. */
  readonly networkSeconds: number | undefined;
}

/** Edges with more calls are counted together; beyond this number of edges, further ones are left out and counted. */
const MAX_EDGES = 2_000;
const MAX_TIMES = 1_000;

interface Summed {
  readonly first: Call;
  calls: number;
  errors: number;
  times: number[];
  /** Beside each time: the seconds outside the server, undefined when one side has no span. */
  between: (number | undefined)[];
  every: number;
}

/** Negative when the clocks of two machines differ in speed or the server went on after its answer: then it is none. */
const betweenOf = ({ clientSeconds, serverSeconds }: Call): number | undefined =>
  clientSeconds === undefined || serverSeconds === undefined ? undefined : Math.max(0, clientSeconds - serverSeconds);

function medianOf(values: readonly (number | undefined)[]): number | undefined {
  const sorted = values.filter((value) => value !== undefined).toSorted((a, b) => a - b);
  return sorted.length === 0 ? undefined : sorted[Math.ceil(sorted.length / 2) - 1];
}

/** Adds up calls by edge. Percentiles are exact up to a thousand calls, then of every n-th call. */
export class ServiceGraph {
  readonly #edges = new Map<string, Summed>();
  #omitted = 0;

  get omitted(): number {
    return this.#omitted;
  }

  add(found: Call): void {
    const key = `${found.client}\n${found.server}\n${found.connection}`;
    let edge = this.#edges.get(key);
    if (edge === undefined) {
      if (this.#edges.size >= MAX_EDGES) {
        this.#omitted += 1;
        return;
      }
      edge = { first: found, calls: 0, errors: 0, times: [], between: [], every: 1 };
      this.#edges.set(key, edge);
    }
    if (edge.calls % edge.every === 0) {
      edge.times.push(found.clientSeconds ?? found.serverSeconds ?? 0);
      edge.between.push(betweenOf(found));
    }
    edge.calls += 1;
    if (found.failed) edge.errors += 1;
    if (edge.times.length <= MAX_TIMES) return;
    edge.times = edge.times.filter((_, at) => at % 2 === 0);
    edge.between = edge.between.filter((_, at) => at % 2 === 0);
    edge.every *= 2;
  }

  /** Most calls first. */
  edges(): Edge[] {
    return [...this.#edges.values()]
      .map(({ first: { client, server, connection }, calls: count, errors, times, between }) => {
        const sorted = times.toSorted((a, b) => a - b);
        const p95Seconds = sorted[Math.max(0, Math.ceil(0.95 * sorted.length) - 1)];
        const networkSeconds = medianOf(between);
        return { client, server, connection, calls: count, errors, p95Seconds, networkSeconds };
      })
      .sort((a, b) => b.calls - a.calls || (a.client + a.server < b.client + b.server ? -1 : 1));
  }
}
