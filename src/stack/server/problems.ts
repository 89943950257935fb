/**
 * Errors as `application/problem+json` (RFC 9457). What the world caused is told as it is; anything else is logged with
 * its stack and told as `internal`, so nothing leaks. Unmatched requests become 404, 405 (with `Allow`) or an OPTIONS answer.
 */
import type { Router } from '@koa/router';
import { VitrineError, problemOf } from '../../base/errors.ts';
import type { KitContext, KitMiddleware, KitState } from './context.ts';

type AnyContext = Parameters<KitMiddleware>[0];

export function problems(): KitMiddleware {
  return async function tellProblems(ctx, next) {
    try {
      await next();
    } catch (error) {
      answerProblem(ctx, error);
    }
  };
}

/** Replaces whatever answer there was, unless its head has left: then the connection is cut, so that it cannot pass for whole. */
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
  const problem = problemOf(known, ctx.state.requestId);
  ctx.status = problem.status;
  ctx.remove('Content-Encoding');
  ctx.remove('ETag');
  ctx.remove('Last-Modified');
  ctx.set('Cache-Control', 'no-store');
  if (known instanceof VitrineError) ctx.set({ ...known.headers });
  ctx.body = JSON.stringify(problem);
  ctx.type = 'application/problem+json';
}

/** Koa's own errors (`ctx.throw`, malformed percent-encoding in a path) carry a status the client caused. */
function asKnown(error: unknown): unknown {
  if (error instanceof VitrineError || !(error instanceof Error)) return error;
  const status: unknown = Reflect.get(error, 'status');
  if (status === 404) return new VitrineError('not_found', 'There is nothing at this path.');
  if (typeof status === 'number' && status >= 400 && status < 500) {
    return new VitrineError('bad_request', 'The request could not be understood.', { cause: error });
  }
  return error;
}

/** After the router: what no handler answered. `Allow` comes from the routes that matched the path with other methods. */
export function unmatched(): KitMiddleware {
  return async function tellUnmatched(ctx, next) {
    await next();
    if (ctx.status !== 404 || (ctx.body !== undefined && ctx.body !== null)) return;
    const allowed = allowedMethods(ctx as KitContext);
    if (allowed.length === 0 || allowed.includes(ctx.method)) {
      throw new VitrineError('not_found', 'There is nothing at this path.');
    }
    const headers = { Allow: allowed.join(', ') };
    if (ctx.method === 'OPTIONS') {
      ctx.status = 204;
      ctx.set(headers);
      return;
    }
    throw new VitrineError('method_not_allowed', `This path knows ${headers.Allow}.`, { headers });
  };
}

function allowedMethods(ctx: { matched?: Router<KitState>['stack'] }): string[] {
  return [...new Set((ctx.matched ?? []).flatMap((layer) => layer.methods))].sort();
}
