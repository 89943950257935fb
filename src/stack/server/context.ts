/** The state that the server kit adds to Koa's context, and the types of routers and handlers that use it. */
import type { Router, RouterContext } from '@koa/router';
import type Koa from 'koa';
import type { Logger } from '../../base/logger.ts';

export interface KitState {
  /** The client's `X-Request-Id` if it is valid, else a new one. Sent back in the answer. */
  requestId: string;
  /** Adds `request_id`, and all fields given to `note`, to every line. */
  log: Logger;
  /** Adds fields to all further lines of `log`, including the line at the end of the request. */
  note: (fields: Readonly<Record<string, unknown>>) => void;
}

export type KitRouter = Router<KitState>;
export type KitContext = RouterContext<KitState>;
export type KitMiddleware = Koa.Middleware<KitState>;

/**
 * The pattern of the matched route (`/api/accounts/:id`), never the path itself, because it becomes a metric label. Read
 * from the matched layers: until the handler runs, the router reports its own middleware as the route.
 */
export function routeOf(ctx: { readonly method: string }): string | undefined {
  const { matched = [], routeMatched, method } = ctx as Partial<KitContext>;
  if (routeMatched !== true || method === undefined) return undefined;
  const route = matched.findLast((layer) => layer.methods.includes(method))?.path;
  return route instanceof RegExp ? route.source : route;
}
