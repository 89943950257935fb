/** One log line for each request, written in its context when the answer has been sent or the connection was closed. */
import type { Clock } from '../../base/clock.ts';
import type { KitMiddleware } from './context.ts';
import { routeOf } from './context.ts';
import type { RequestFilter } from '../../telemetry/spans/unobserved-requests.ts';
import { boundHere } from './telemetry.ts';

const SLOW_MS = 1_000;
const SAFE: ReadonlySet<string> = new Set(['GET', 'HEAD']);

/**
 * Level `error` from status 500; `warn` from status 400, for aborted answers and for answers that took longer than a second;
 * `debug` for successful GET and HEAD, which metrics and traces already cover; else `info`. No line for a request for
 * which `isUnobserved` returns true.
 */
export function accessLog(clock: Clock, isUnobserved: RequestFilter): KitMiddleware {
  return function logRequest(ctx, next) {
    if (isUnobserved(ctx.req)) return next();
    const startMs = clock.monotonic();
    ctx.res.once(
      'close',
      boundHere(() => {
        const durationMs = clock.monotonic() - startMs;
        const fields = {
          method: ctx.method,
          route: routeOf(ctx) ?? (ctx.req.url ?? '').split('?')[0].slice(0, 256),
          status: ctx.res.statusCode,
          duration_ms: Math.round(durationMs * 1000) / 1000,
          ...(ctx.res.writableFinished ? {} : { aborted: true }),
        };
        const { log } = ctx.state;
        if (ctx.res.statusCode >= 500) log.error(fields, 'request failed');
        else if (ctx.res.statusCode >= 400 || !ctx.res.writableFinished) log.warn(fields, 'request refused');
        else if (durationMs > SLOW_MS) log.warn(fields, 'request slow');
        else if (SAFE.has(ctx.method)) log.debug(fields, 'request done');
        else log.info(fields, 'request done');
      }),
    );
    return next();
  };
}
