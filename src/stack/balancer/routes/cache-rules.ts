/** The settings of a route for the response cache. The rules of RFC 9111 stay in the cache itself. */
import type { RouteOptions } from '../config.ts';
import type { RequestHead } from '../http/request-head.ts';
import { pathOf } from './path.ts';
import { cookieOf, fieldOf } from './request-facts.ts';

export interface RouteCache {
  /** Whether this request bypasses the cache: it neither reads from the cache nor fills it. */
  readonly bypass: ((head: RequestHead) => boolean) | undefined;
  /** Lifetime in seconds for answers that state no freshness; 0: the rules of the RFC alone. */
  readonly defaultTtlSeconds: number;
  /** Responses of this route are stored separately: its requests differ from others in more than host and path. */
  readonly partition: string | undefined;
}

function carries(key: string): (head: RequestHead) => boolean {
  const colon = key.indexOf(':');
  const name = key.slice(colon + 1);
  switch (key.slice(0, colon)) {
    case 'header':
      return (head) => fieldOf(head.raw, name.toLowerCase()) !== undefined;
    case 'cookie':
      return (head) => cookieOf(head.raw, name) !== undefined;
    default:
      return (head) => new URLSearchParams(head.target.slice(pathOf(head.target).length + 1)).has(name);
  }
}

/** Undefined when this route does not use the cache. */
export function compileRouteCache({ cache, match_headers, name, path }: RouteOptions): RouteCache | undefined {
  if (cache?.enabled === false) return undefined;
  const tests = (cache?.bypass ?? []).map(carries);
  return {
    bypass: tests.length === 0 ? undefined : (head) => tests.some((test) => test(head)),
    defaultTtlSeconds: Math.floor((cache?.default_ttl ?? 0) / 1000),
    partition: match_headers === undefined ? undefined : (name ?? `${path} ${JSON.stringify(match_headers)}`),
  };
}
