/** One line a request, written when its answer has left (or was given up), in the request's own context. */
import type { Clock } from '../../base/clock.ts';
import type { KitMiddleware } from './context.ts';
import { routeOf } from './context.ts';
import { boundHere } from './telemetry.ts';

const PROBE = /\/(?:livez|readyz|health)$/;

/** Level `error` from status 500, `warn` from 400 and for aborted answers, else `info`; `debug` for probes that went well. */
export function accessLog(clock: Clock): KitMiddleware {
  return function logRequest(ctx, next) {
    const startMs = clock.monotonic();
    ctx.res.once(
      'close',
      boundHere(() => {
        const fields = {
          method: ctx.method,
          route: routeOf(ctx) ?? (ctx.req.url ?? '').split('?')[0].slice(0, 256),
          status: ctx.res.statusCode,
          duration_ms: Math.round((clock.monotonic() - startMs) * 1000) / 1000,
          ...(ctx.res.writableFinished ? {} : { aborted: true }),
        };
        const { log } = ctx.state;
        if (ctx.res.statusCode >= 500) log.error(fields, 'request failed');
        else if (ctx.res.statusCode >= 400 || !ctx.res.writableFinished) log.warn(fields, 'request refused');
        else if (PROBE.test(fields.route)) log.debug(fields, 'probe answered');
        else log.info(fields, 'request done');
      }),
    );
    return next();
  };
}
