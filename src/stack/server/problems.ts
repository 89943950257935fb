/**
 * Sends errors as `application/problem+json` (RFC 9457). A VitrineError is sent with its own text. Any other error is logged
 * with its stack and sent as `internal`, so it reveals nothing. Requests without a route are answered 404, 405 (with
 * `Allow`), or 204 for OPTIONS.
 */
import { isSpanContextValid, trace } from '@opentelemetry/api';
import type { Router } from '@koa/router';
import { VitrineError, problemOf } from '../../base/errors.ts';
import { supportCode } from '../../model/text/support-code.ts';
import type { KitContext, KitMiddleware, KitState } from './context.ts';

type AnyContext = Parameters<KitMiddleware>[0];

export function problems(): KitMiddleware {
  return async function sendProblems(ctx, next) {
    try {
      await next();
    } catch (error) {
      answerProblem(ctx, error);
    }
  };
}

/** Replaces the answer. If its head was already sent, the connection is cut, so that the answer is visibly incomplete. */
export function answerProblem(ctx: AnyContext, error: unknown): void {
  const known = asKnown(error);
  if (!(known instanceof VitrineError)) {
    ctx.state.log.error({ err: known }, 'unexpected error');
  } else if (known.status >= 500) {
    ctx.state.log.warn({ code: known.code, err: known.cause }, known.message);
  }
  if (ctx.res.headersSent) {
    ctx.res.destroy();
    return;
  }
  const code = ownCode(ctx);
  const problem = problemOf(known, ctx.state.requestId, code);
  if (code !== undefined) ctx.set('X-Support-Code', code);
  ctx.status = problem.status;
  ctx.remove('Content-Encoding');
  ctx.remove('ETag');
  ctx.remove('Last-Modified');
  ctx.set('Cache-Control', 'no-store');
  if (known instanceof VitrineError) ctx.set({ ...known.headers });
  ctx.body = JSON.stringify(problem);
  ctx.type = 'application/problem+json';
}

const BALANCER_VIA = /\bvitrine\b/;

/** Behind the balancer, the code is the balancer's: it makes one for the request and removes ours. */
function ownCode(ctx: AnyContext): string | undefined {
  if (BALANCER_VIA.test(ctx.get('via'))) return undefined;
  const context = trace.getActiveSpan()?.spanContext();
  return context !== undefined && isSpanContextValid(context) ? supportCode(context.spanId) : undefined;
}

/** Koa's own errors (`ctx.throw`, invalid percent-encoding in a path) have a 4xx status. */
function asKnown(error: unknown): unknown {
  if (error instanceof VitrineError || !(error instanceof Error)) return error;
  const status: unknown = Reflect.get(error, 'status');
  if (status === 404) return new VitrineError('not_found', 'No resource has this path.');
  if (status === 429) return new VitrineError('too_many_requests', 'Too many requests.', { cause: error });
  if (typeof status === 'number' && status >= 400 && status < 500) {
    return new VitrineError('bad_request', 'The request is invalid.', { cause: error });
  }
  return error;
}

/** Runs after the router, for requests that no handler answered. `Allow` lists the methods of routes that match the path. */
export function unmatched(): KitMiddleware {
  return async function sendUnmatched(ctx, next) {
    await next();
    if (ctx.status !== 404 || (ctx.body !== undefined && ctx.body !== null)) return;
    const allowed = allowedMethods(ctx as KitContext);
    if (allowed.length === 0 || allowed.includes(ctx.method)) {
      throw new VitrineError('not_found', 'No resource has this path.');
    }
    const headers = { Allow: allowed.join(', ') };
    if (ctx.method === 'OPTIONS') {
      ctx.status = 204;
      ctx.set(headers);
      return;
    }
    throw new VitrineError('method_not_allowed', `This path allows ${headers.Allow}.`, { headers });
  };
}

function allowedMethods(ctx: { matched?: Router<KitState>['stack'] }): string[] {
  return [...new Set((ctx.matched ?? []).flatMap((layer) => layer.methods))].sort();
}
