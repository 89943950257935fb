/**
 * Health for people, probes and orchestrators. `/health` shows all details to authorised clients and only the state to all
 * others. With `Accept: application/health+json` the response has the form of draft-inadarei-api-health-check-06. That draft
 * has expired, so its form is not the default.
 */
import type { Context } from 'koa';
import type { Health, HealthStatus } from '../../model/health.ts';
import type { Access } from './access/access.ts';
import type { Route } from './routes.ts';

export interface HealthSource {
  readonly health: () => Health;
  readonly ready: () => boolean;
  readonly version: string;
}

const DRAFT_STATUS: Readonly<Record<HealthStatus, string>> = {
  starting: 'warn',
  healthy: 'pass',
  degraded: 'warn',
  unhealthy: 'fail',
};

function draftOf(health: Health, version: string): object {
  const checks = Object.entries(health.components).map(([name, component]) => [
    `${name}:uptime`,
    [
      {
        componentType: 'component',
        observedValue: component.uptime_seconds,
        observedUnit: 's',
        status: DRAFT_STATUS[component.status],
        ...(component.reason === undefined ? {} : { output: component.reason }),
      },
    ],
  ]);
  return {
    status: DRAFT_STATUS[health.status],
    version,
    serviceId: 'vitrine',
    checks: Object.fromEntries(checks) as object,
  };
}

function answerHealth(ctx: Context, source: HealthSource, access: Access): object {
  const health = source.health();
  ctx.status = health.status === 'unhealthy' ? 503 : 200;
  ctx.vary('Accept');
  const draft = ctx.accepts('application/json', 'application/health+json') === 'application/health+json';
  if (draft) ctx.type = 'application/health+json';
  if (!access.isAllowed(ctx.req.headers)) return { status: draft ? DRAFT_STATUS[health.status] : health.status };
  return draft ? draftOf(health, source.version) : health;
}

function plain(ctx: Context, good: boolean, word: string): string {
  ctx.status = good ? 200 : 503;
  ctx.type = 'text/plain; charset=utf-8';
  return good ? `${word}\n` : 'not ready\n';
}

export function healthRoutes(source: HealthSource, access: Access): Route[] {
  const live = ({ ctx }: { readonly ctx: Context }): string => plain(ctx, true, 'alive');
  const ready = ({ ctx }: { readonly ctx: Context }): string => plain(ctx, source.ready(), 'ready');
  return [
    { method: 'GET', path: '/health', open: true, handler: ({ ctx }) => answerHealth(ctx, source, access) },
    { method: 'GET', path: '/livez', open: true, handler: live },
    { method: 'GET', path: '/-/healthy', open: true, handler: live },
    { method: 'GET', path: '/readyz', open: true, handler: ready },
    { method: 'GET', path: '/-/ready', open: true, handler: ready },
  ];
}
