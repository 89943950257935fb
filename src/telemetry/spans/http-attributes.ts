/**
 * Attributes of HTTP spans and metrics by the semantic conventions (opentelemetry.io/docs/specs/semconv/http), with the names
 * and values of @opentelemetry/instrumentation-http; a test compares the two.
 */
import type { IncomingMessage } from 'node:http';
import type { Attributes } from '@opentelemetry/api';
import { isSyntheticRequest, SYNTHETIC_TYPE } from './synthetic.ts';

let knownMethods: ReadonlySet<string> = new Set(
  'GET HEAD POST PUT DELETE CONNECT OPTIONS TRACE PATCH QUERY'.split(' '),
);

/** Any other method is `_OTHER`: a client chooses the method, and its choice must not create series. */
export const knownMethod = (method: string): string => (knownMethods.has(method) ? method : '_OTHER');

/** OTEL_INSTRUMENTATION_HTTP_KNOWN_METHODS replaces the list as a whole (semantic conventions, "HTTP request method"). */
export function setKnownMethods(methods: readonly string[]): void {
  if (methods.length > 0) knownMethods = new Set(methods);
}

/** Query keys whose values grant access, as the semantic conventions list them. Keys are case-sensitive. */
const SECRET_KEYS =
  /(^|&)(sig|Signature|AWSAccessKeyId|X-Goog-Signature|X-Amz-Signature|X-Amz-Credential|X-Amz-Security-Token)=[^&]*/g;

export const redactQuery = (query: string): string => query.replace(SECRET_KEYS, '$1$2=REDACTED');

interface HostPort {
  readonly host: string;
  readonly port: number | undefined;
}

/** Host header of RFC 9110 7.2. IPv6 literals keep their brackets. */
export function splitHost(text: string, scheme: string | undefined): HostPort {
  const standard = scheme === 'http' ? 80 : scheme === 'https' ? 443 : undefined;
  const colon = text.lastIndexOf(':');
  if (colon < 0 || text.endsWith(']')) return { host: text, port: standard };
  const host = text.slice(0, colon);
  // More than one colon without brackets: this is not a host with a port.
  if (host.includes(':') && !host.endsWith(']')) return { host: text, port: undefined };
  return { host, port: Number(text.slice(colon + 1)) };
}

const first = (value: string | string[] | undefined): string | undefined => {
  const text = Array.isArray(value) ? value[0] : value;
  return text === '' ? undefined : text;
};

/** The value of `name` in the first element of `Forwarded` (RFC 7239 4) that has it. */
function forwarded(header: string, name: 'for' | 'host' | 'proto'): string | undefined {
  return new RegExp(`(?:^|[;,\\s])${name}=(?:"([^"]*)"|([^;,\\s"]+))`, 'i')
    .exec(header)
    ?.slice(1)
    .find((part) => part !== undefined);
}

function serverOf(request: IncomingMessage, scheme: string): HostPort | undefined {
  const { headers } = request;
  if (headers.forwarded !== undefined) {
    const host = forwarded(headers.forwarded, 'host');
    if (host !== undefined) return splitHost(host, forwarded(headers.forwarded, 'proto'));
  }
  const given = first(headers['x-forwarded-host']);
  if (given !== undefined) return splitHost(given, first(headers['x-forwarded-proto']));
  return headers.host ? splitHost(headers.host, scheme) : undefined;
}

function withoutPort(address: string): string {
  if (address.startsWith('[')) return address.slice(1, address.indexOf(']') < 0 ? undefined : address.indexOf(']'));
  const colon = address.indexOf(':');
  return colon >= 0 && colon === address.lastIndexOf(':') ? address.slice(0, colon) : address;
}

function clientOf({ headers }: IncomingMessage, peer: string | undefined): string | undefined {
  const by = headers.forwarded === undefined ? undefined : forwarded(headers.forwarded, 'for');
  if (by !== undefined) return withoutPort(by);
  const chain = first(headers['x-forwarded-for']);
  if (chain !== undefined) return withoutPort(chain.split(',', 1)[0].trim());
  return peer;
}

/** The path of a request target: `/a?b` and `http://host/a?b` (absolute form, RFC 9112 3.2.2) → `/a`. */
export function targetOf(target: string): { path: string; query: string } {
  let at = 0;
  if (target.charCodeAt(0) !== 47 && target.includes('://'))
    at = Math.max(0, target.indexOf('/', target.indexOf('://') + 3));
  const mark = target.indexOf('?', at);
  if (mark < 0) return { path: target.slice(at) || '/', query: '' };
  return { path: target.slice(at, mark) || '/', query: target.slice(mark + 1) };
}

/** The attributes that are known once the head of a request has arrived. No value is undefined. */
export function serverAttributes(request: IncomingMessage, scheme: string): Attributes {
  const method = request.method ?? 'GET';
  const known = knownMethod(method);
  const { socket, headers } = request;
  const server = serverOf(request, scheme);
  const { path, query } = targetOf(request.url ?? '/');
  const attributes: Attributes = {
    'http.request.method': known,
    'url.scheme': scheme,
    'url.path': path,
    'network.protocol.version': request.httpVersion,
  };
  const peer = socket.remoteAddress;
  if (peer !== undefined) {
    attributes['network.peer.address'] = peer;
    attributes['network.peer.port'] = socket.remotePort;
  }
  if (query !== '') attributes['url.query'] = redactQuery(query);
  if (headers['user-agent'] !== undefined) attributes['user_agent.original'] = headers['user-agent'];
  if (server !== undefined) {
    attributes['server.address'] = server.host;
    if (server.port !== undefined) attributes['server.port'] = server.port;
  }
  const client = clientOf(request, peer);
  if (client !== undefined) attributes['client.address'] = client;
  if (isSyntheticRequest(request)) Object.assign(attributes, SYNTHETIC_TYPE);
  if (known !== method) attributes['http.request.method_original'] = method;
  return attributes;
}
