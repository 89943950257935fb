/**
 * Gives each request an id and a logger that includes the id. An id from the client is kept if it is short and printable, so
 * that a request can be followed through several services. Any other id is replaced, so ids cannot forge log lines.
 */
import { randomUUID } from 'node:crypto';
import type { Logger } from '../../base/logger.ts';
import type { KitMiddleware } from './context.ts';

const SANE = /^[A-Za-z0-9._:/+=@-]{1,128}$/;

/** The id for a request whose `X-Request-Id` is `given`. */
export function requestIdFrom(given: string | string[] | undefined): string {
  return typeof given === 'string' && SANE.test(given) ? given : randomUUID();
}

/** The first middleware: all later ones may log. */
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
