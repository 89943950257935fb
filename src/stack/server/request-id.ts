/**
 * Gives each request an id and a logger that says it. An id from outside is kept when it is short and printable, so a
 * request can be followed through several services; anything else is replaced, so ids cannot forge log lines.
 */
import { randomUUID } from 'node:crypto';
import type { Logger } from '../../base/logger.ts';
import type { KitMiddleware } from './context.ts';

const SANE = /^[A-Za-z0-9._:/+=@-]{1,128}$/;

/** The id to use for a request that came with `given`. */
export function requestIdFrom(given: string | string[] | undefined): string {
  return typeof given === 'string' && SANE.test(given) ? given : randomUUID();
}

/** First of the list: everything after it may log. */
export function requestIds(logger: Logger): KitMiddleware {
  return async function requestId(ctx, next) {
    const id = requestIdFrom(ctx.req.headers['x-request-id']);
    ctx.state.requestId = id;
    ctx.state.log = logger.child({ request_id: id });
    ctx.state.note = (fields) => {
      ctx.state.log = ctx.state.log.child(fields);
    };
    ctx.set('X-Request-Id', id);
    await next();
  };
}
