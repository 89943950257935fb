/** Server spans of an application as a collector got them (OTLP/HTTP JSON). */
import type { TraceAnswer, TracesAnswer } from '../../../src/monitor/api/contract.ts';
import { json } from '../../support/programs/vitrine-process.ts';

interface Pair {
  readonly key: string;
  readonly value: Readonly<Record<string, unknown>>;
}

interface TraceBody {
  readonly resourceSpans?: readonly {
    readonly resource: { readonly attributes: readonly Pair[] };
    readonly scopeSpans: readonly { readonly spans: readonly OtlpSpan[] }[];
  }[];
}

interface OtlpSpan {
  readonly name: string;
  readonly kind: number;
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId?: string;
  readonly attributes: readonly Pair[];
}

export interface ServerSpan {
  readonly name: string;
  readonly attributes: Readonly<Record<string, unknown>>;
}

const SERVER = 2;

const plain = (pairs: readonly Pair[]): Record<string, unknown> =>
  Object.fromEntries(pairs.map(({ key, value }) => [key, Object.values(value)[0]]));

type Bodies = readonly { readonly path: string; readonly body: Buffer }[];

/** Of the service `app`; the balancer's are left out. */
export function serverSpans(bodies: Bodies): ServerSpan[] {
  return bodies
    .filter(({ path }) => path === '/v1/traces')
    .flatMap(({ body }) => (JSON.parse(body.toString()) as TraceBody).resourceSpans ?? [])
    .filter(({ resource }) => plain(resource.attributes)['service.name'] === 'app')
    .flatMap(({ scopeSpans }) => scopeSpans.flatMap(({ spans }) => spans))
    .filter(({ kind }) => kind === SERVER)
    .map(({ name, attributes }) => ({ name, attributes: plain(attributes) }));
}

export interface Routed {
  /** `METHOD path` of the request. */
  readonly request: string;
  readonly route: string;
}

/** Instrumentations of before 2024 write the names that the semantic conventions had then. */
const methodOf = (attributes: ServerSpan['attributes']): unknown =>
  attributes['http.request.method'] ?? attributes['http.method'];
const pathOf = (attributes: ServerSpan['attributes']): string =>
  String(attributes['url.path'] ?? attributes['http.target']).replace(/[?#].*/, '');

/** Of the spans that have a route. The first answer for a request counts. */
export const routedRequests = (bodies: Bodies): Routed[] => routed(serverSpans(bodies));

/**
 * As the monitor at this address has them. The spans of an application with an SDK of its own come there from the preload; a Collector
 * gets what the application's own exporter sends, without what the preload adds.
 */
export async function routedInMonitor(monitor: string): Promise<Routed[]> {
  const { traces } = await json<TracesAnswer>(`${monitor}/api/traces?service=app&limit=1000`);
  const found: ServerSpan[] = [];
  for (const { traceId } of traces) {
    const { spans } = await json<TraceAnswer>(`${monitor}/api/traces/${traceId}`);
    found.push(...spans.filter(({ service, kind }) => service === 'app' && kind === 'server'));
  }
  return routed(found);
}

function routed(spans: readonly ServerSpan[]): Routed[] {
  return spans
    .filter(({ attributes }) => attributes['http.route'] !== undefined)
    .map(({ attributes }) => ({
      request: `${String(methodOf(attributes))} ${pathOf(attributes)}`,
      route: String(attributes['http.route']),
    }));
}
