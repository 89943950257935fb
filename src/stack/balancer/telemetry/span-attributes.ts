/** Span attributes of a request by the semantic conventions for HTTP. All values are known at the end and written then. */
import type { Attributes } from '@opentelemetry/api';
import type { Peer } from '../http/forward-head.ts';
import { CACHE, CONNECT, QUEUE, TRANSFER, UPSTREAM, type PhaseTimes } from './phase-times.ts';
import type { RequestHead } from '../http/request-head.ts';
import { pathOf } from '../routes/path.ts';
import type { Upstream } from '../upstream/upstream.ts';

/** How a request ended. */
export interface ServerOutcome {
  readonly head: RequestHead;
  readonly peer: Peer;
  readonly routeAtStart: string;
  readonly route: string;
  /** Undefined when the client left before there was one. */
  readonly status: number | undefined;
  /** Value of `error.type`; for a 5xx its status when undefined. */
  readonly error: string | undefined;
  readonly totalMs: number;
  readonly phases: PhaseTimes;
  readonly requestId?: string;
  /** Upstreams that were asked, in order. */
  readonly tries?: readonly Upstream[];
  /** Result of the look-up in the response cache. */
  readonly cache?: string | undefined;
  /** Bytes of the answer's body as sent. */
  readonly sentBytes?: number;
}

/** How a try ended. */
export interface ClientOutcome {
  readonly head: RequestHead;
  readonly upstream: Upstream;
  readonly status: number | undefined;
  /** Value of `error.type` when there was no valid answer, or it was cut short. */
  readonly error: string | undefined;
  readonly ms: number;
  readonly resend: number;
}

const USER_AGENT_LIMIT = 512;

const microseconds = (ms: number): number => Math.round(ms * 1000) / 1000;

/** Phases as span attributes are in milliseconds. Each name stands here as it is: a computed name costs V8 a look-up. */
function addPhases(attributes: Attributes, phases: PhaseTimes): void {
  if (phases[QUEUE] > 0) attributes['vitrine.phase.queue'] = microseconds(phases[QUEUE]);
  if (phases[CACHE] > 0) attributes['vitrine.phase.cache'] = microseconds(phases[CACHE]);
  if (phases[CONNECT] > 0) attributes['vitrine.phase.connect'] = microseconds(phases[CONNECT]);
}

/**
 * The attributes of nearly all requests as one literal, which V8 makes in one piece: each attribute that is added later moves
 * the others every third time.
 */
function answered(method: string, done: ServerOutcome, version: string, last: Upstream): Attributes {
  const { head, phases, peer } = done;
  return {
    'http.request.method': method,
    'url.scheme': peer.scheme,
    'url.path': pathOf(head.target),
    'http.route': done.route,
    'server.address': head.host,
    'client.address': peer.address,
    'network.protocol.version': version,
    'http.response.status_code': done.status,
    // The span's own end is a little later than the measurement that metrics and access log have.
    'vitrine.duration': microseconds(done.totalMs),
    'vitrine.phase.upstream': microseconds(phases[UPSTREAM]),
    'vitrine.phase.transfer': microseconds(phases[TRANSFER]),
    'vitrine.upstream': last.name,
    'vitrine.tries': done.tries?.length,
    'http.response.body.size': done.sentBytes,
  };
}

/** The same for a request that lacks one of them: it was served by the cache, refused, or broken off. */
function otherwise(method: string, done: ServerOutcome, version: string, last: Upstream | undefined): Attributes {
  const { head, phases, peer } = done;
  const attributes: Attributes = {
    'http.request.method': method,
    'url.scheme': peer.scheme,
    'url.path': pathOf(head.target),
    'http.route': done.route,
    'server.address': head.host,
    'client.address': peer.address,
    'network.protocol.version': version,
    'vitrine.duration': microseconds(done.totalMs),
  };
  if (done.status !== undefined) attributes['http.response.status_code'] = done.status;
  if (phases[UPSTREAM] > 0) attributes['vitrine.phase.upstream'] = microseconds(phases[UPSTREAM]);
  if (phases[TRANSFER] > 0) attributes['vitrine.phase.transfer'] = microseconds(phases[TRANSFER]);
  if (last !== undefined) {
    attributes['vitrine.upstream'] = last.name;
    attributes['vitrine.tries'] = done.tries?.length;
  }
  if (done.sentBytes !== undefined && done.sentBytes > 0) attributes['http.response.body.size'] = done.sentBytes;
  return attributes;
}

export function serverAttributes(
  method: string,
  done: ServerOutcome,
  version: string,
  errorType: string | undefined,
): Attributes {
  const { head, phases, status, tries, cache, sentBytes = 0 } = done;
  const last = tries?.at(-1);
  const isUsual = status !== undefined && phases[UPSTREAM] > 0 && phases[TRANSFER] > 0 && sentBytes > 0;
  const attributes =
    isUsual && last !== undefined ? answered(method, done, version, last) : otherwise(method, done, version, last);
  if (head.userAgent !== undefined) attributes['user_agent.original'] = head.userAgent.slice(0, USER_AGENT_LIMIT);
  addPhases(attributes, phases);
  if (method === '_OTHER') attributes['http.request.method_original'] = head.method.slice(0, 32);
  if (errorType !== undefined) attributes['error.type'] = errorType;
  // Only the request's row in the ledger needs these.
  if (cache !== undefined) attributes['vitrine.cache.result'] = cache;
  if (head.bodyBytes > 0) attributes['http.request.body.size'] = head.bodyBytes;
  return attributes;
}

export function clientAttributes(method: string, done: ClientOutcome, errorType: string | undefined): Attributes {
  const { upstream } = done;
  const attributes: Attributes = {
    'http.request.method': method,
    'server.address': upstream.endpoint.host,
    'server.port': upstream.endpoint.port,
    'url.full': `${upstream.endpoint.tls === undefined ? 'http' : 'https'}://${upstream.name}${pathOf(done.head.target)}`,
  };
  if (done.status !== undefined) attributes['http.response.status_code'] = done.status;
  if (done.resend > 0) attributes['http.request.resend_count'] = done.resend;
  if (errorType !== undefined) attributes['error.type'] = errorType;
  return attributes;
}
