/**
 * Maps host and path to a route, and a path to its name in telemetry. A route without a name gets templates of the paths
 * seen (`/users/:id`). Templates are learned only from successful answers and their number is limited, so neither a scanner
 * nor a service with ids in unusual places can grow telemetry.
 */
import { PathTemplates } from '../../../model/path-templates.ts';
import type { Policy, RouteOptions } from '../config.ts';
import type { Upstream } from '../upstream/upstream.ts';

export interface Route {
  readonly name: string | undefined;
  readonly host: string | undefined;
  readonly path: string;
  readonly policy: Policy;
  readonly upstreams: readonly Upstream[];
  readonly templates: PathTemplates;
  /** One more for each request. */
  turn: number;
}

export function makeRoute(options: RouteOptions, upstreams: readonly Upstream[]): Route {
  const { name, host, policy } = options;
  const path = options.path.length > 1 ? options.path.replace(/\/+$/, '') || '/' : '/';
  return { name, host, path, policy, upstreams, templates: new PathTemplates(path), turn: 0 };
}

/** Routes in the order they are tried: with a host first, longer paths first. */
export class RouteTable {
  readonly routes: readonly Route[];
  /** Ambiguous paths are refused when the path decides which upstream gets the request. */
  readonly byPath: boolean;

  constructor(routes: readonly Route[]) {
    this.routes = [...routes].sort(
      (a, b) => Number(b.host !== undefined) - Number(a.host !== undefined) || b.path.length - a.path.length,
    );
    this.byPath = routes.some((route) => route.path !== '/');
  }

  find(host: string, path: string): Route | undefined {
    for (const route of this.routes) {
      if (route.host !== undefined && route.host !== bareHost(host)) continue;
      if (route.path === '/' || underPath(path, route.path)) return route;
    }
    return undefined;
  }
}

function bareHost(host: string): string {
  const colon = host.lastIndexOf(':');
  return colon > host.lastIndexOf(']') ? host.slice(0, colon) : host;
}

function underPath(path: string, prefix: string): boolean {
  return path.startsWith(prefix) && (path.length === prefix.length || path.charCodeAt(prefix.length) === 47);
}

/** `/a/../b`, also with encoded dots or slashes: two readers may match it to different routes. */
export function isAmbiguousPath(path: string): boolean {
  return /(?:^|\/|%2f)(?:\.|%2e){1,2}(?:\/|%2f|$)|%2f|%5c|\\|\/\//i.test(path);
}

export function pathOf(target: string): string {
  const query = target.indexOf('?');
  return query < 0 ? target : target.slice(0, query);
}
