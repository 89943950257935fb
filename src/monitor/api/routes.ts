/**
 * The table of routes and the look-up of a path in it. Paths must match exactly, segment by segment, and only parameters are
 * decoded. Each path therefore has one spelling: `//`, `/./`, `%2f` and letters in another case are not found.
 */
import type { Context } from 'koa';
import { VitrineError } from '../../base/errors.ts';
import type { Role } from '../../model/access.ts';

export interface Call {
  readonly ctx: Context;
  readonly params: Readonly<Record<string, string>>;
  readonly query: URLSearchParams;
  /** The name of the caller; '' on a route that is open. */
  readonly who: string;
}

/** The return value becomes the JSON body; undefined leaves the response as the handler made it. */
export type Handler = (call: Call) => unknown;

export interface Route {
  readonly method: 'GET' | 'POST' | 'PUT' | 'DELETE';
  /** For example `/api/traces/:id`. A parameter is one segment. */
  readonly path: string;
  /** True for a route that needs no token. */
  readonly open?: boolean;
  /** The least role; a GET needs a viewer and every other method an editor unless this says another. */
  readonly role?: Role;
  readonly handler: Handler;
}

/** The least role of a route, `open` when it needs no token. A change needs an editor unless its route names another. */
export const roleOf = ({ open, role, method }: Route): Role | 'open' =>
  open === true ? 'open' : (role ?? (method === 'GET' ? 'viewer' : 'editor'));

export interface Found {
  readonly route: Route;
  readonly params: Readonly<Record<string, string>>;
}

function paramsOf(pattern: string, path: string): Record<string, string> | undefined {
  const wanted = pattern.split('/');
  const given = path.split('/');
  if (wanted.length !== given.length) return undefined;
  const params = Object.create(null) as Record<string, string>;
  for (const [at, part] of wanted.entries()) {
    if (!part.startsWith(':')) {
      if (part !== given[at]) return undefined;
      continue;
    }
    // Ids consist of letters, digits and a few signs. A text with any other character is not an id.
    if (!/^[\w.~-]{1,128}$/.test(given[at])) return undefined;
    params[part.slice(1)] = given[at];
  }
  return params;
}

export const isAt = (route: Route, path: string): boolean => paramsOf(route.path, path) !== undefined;

/**
 * Undefined when no route has this path. HEAD is looked up as GET.
 * @throws VitrineError `method_not_allowed` with an Allow header when the path exists for other methods
 */
export function findRoute(routes: readonly Route[], method: string, path: string): Found | undefined {
  const asked = method === 'HEAD' ? 'GET' : method;
  const allowed = new Set<string>();
  for (const route of routes) {
    const params = paramsOf(route.path, path);
    if (params === undefined) continue;
    if (route.method === asked) return { route, params };
    allowed.add(route.method);
    if (route.method === 'GET') allowed.add('HEAD');
  }
  if (allowed.size === 0) return undefined;
  const list = [...allowed].sort().join(', ');
  throw new VitrineError('method_not_allowed', `Here only ${list} can be used.`, { headers: { Allow: list } });
}

/** A whole number from the query, within limits; `fallback` when it is absent. @throws VitrineError `bad_request` */
export function numberFrom(
  query: URLSearchParams,
  name: string,
  { min, max, fallback }: { readonly min: number; readonly max: number; readonly fallback: number | undefined },
): number | undefined {
  const text = query.get(name);
  if (text === null || text === '') return fallback;
  const value = Number(text);
  if (!/^-?\d+(\.\d+)?$/.test(text) || value < min || value > max) {
    throw new VitrineError('bad_request', `"${name}" must be a number from ${min} to ${max}.`);
  }
  return value;
}

/** A text from the query, at most 1,024 characters; undefined when absent or empty. @throws VitrineError `bad_request` */
export function textFrom(query: URLSearchParams, name: string): string | undefined {
  const text = query.get(name);
  if (text === null || text === '') return undefined;
  if (text.length > 1_024) throw new VitrineError('bad_request', `"${name}" is longer than 1,024 characters.`);
  return text;
}
