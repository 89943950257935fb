/** What the kit puts on Koa's context for every request, and the types of a router and a handler on it. */
import type { Router, RouterContext } from '@koa/router';
import type Koa from 'koa';
import type { Logger } from '../../base/logger.ts';

export interface KitState {
  /** The client's `X-Request-Id` when it was sane, else a new one. Echoed in the answer. */
  requestId: string;
  /** Adds `request_id`, and what `note` was given, to every line. */
  log: Logger;
  /** Adds fields to `log` from here on and to the line written at the end of the request. */
  note: (fields: Readonly<Record<string, unknown>>) => void;
}

export type KitRouter = Router<KitState>;
export type KitContext = RouterContext<KitState>;
export type KitMiddleware = Koa.Middleware<KitState>;

/**
 * The pattern of the matched route (`/api/accounts/:id`), never the path itself: it is a metric label. Read from the
 * matched layers, since middleware that the router runs first passes for the route until the handler is reached.
 */
export function routeOf(ctx: { readonly method: string }): string | undefined {
  const { matched = [], routeMatched, method } = ctx as Partial<KitContext>;
  if (routeMatched !== true || method === undefined) return undefined;
  const route = matched.findLast((layer) => layer.methods.includes(method))?.path;
  return route instanceof RegExp ? route.source : route;
}
