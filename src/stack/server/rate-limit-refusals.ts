/**
 * Counts the requests that the service answered 429, by route, as `vitrine.server.rate_limit.refusals`: limits that the service
 * enforces itself. The balancer's limits are counted by the balancer, whose refusals never arrive here.
 */
import { metrics } from '@opentelemetry/api';
import { counterOf } from '../../telemetry/metrics/meters.ts';
import { METRICS } from '../../telemetry/names.ts';
import { isSyntheticRequest } from '../../telemetry/spans/synthetic.ts';
import { routeOf, type KitMiddleware } from './context.ts';

/** Must run outside of the middleware that turns errors into answers. Synthetic checks are not counted. */
export function rateLimitRefusals(): KitMiddleware {
  const refusals = counterOf(metrics.getMeter('vitrine.server'), METRICS.rateLimitRefusals);
  return async function countRefusal(ctx, next) {
    await next();
    if (ctx.status !== 429 || isSyntheticRequest(ctx.req)) return;
    const route = routeOf(ctx);
    refusals.add(1, route === undefined ? {} : { 'http.route': route });
  };
}
