/**
 * Gives each request an id and a logger that includes the id. An id from the client is kept if it is short and printable, so
 * that a request can be followed through several services. Any other id is replaced, so ids cannot forge log lines. A new id
 * is that of the request's trace, as the balancer's are: one id finds the trace, its lines and the answer.
 */
import { randomUUID } from 'node:crypto';
import { isSpanContextValid, trace } from '@opentelemetry/api';
import type { Logger } from '../../base/logger.ts';
import type { KitMiddleware } from './context.ts';

const SANE = /^[A-Za-z0-9._:/+=@-]{1,128}$/;

/** The id for a request whose `X-Request-Id` is `given`. */
export function requestIdFrom(given: string | string[] | undefined): string {
  if (typeof given === 'string' && SANE.test(given)) return given;
  const own = trace.getActiveSpan()?.spanContext();
  return own !== undefined && isSpanContextValid(own) ? own.traceId : randomUUID();
}

/** Runs within the request's span, and before everything that logs. */
export function requestIds(logger: Logger): KitMiddleware {
  return async function requestId(ctx, next) {
    const id = requestIdFrom(ctx.req.headers['x-request-id']);
    ctx.state.requestId = id;
    ctx.state.log = logger.child({ request_id: id });
    ctx.state.note = (fields) => {
      ctx.state.log = ctx.state.log.child(fields);
    };
    ctx.set('X-Request-Id', id);
    trace.getActiveSpan()?.setAttribute('http.request.header.x-request-id', [id]);
    await next();
  };
}
