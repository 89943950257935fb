/**
 * Port 4000 as a whole: guard, access, routes, the Prometheus API, the page and the live socket. This file opens no port
 * itself: the owner of the listener passes requests to `handler` and upgrades to `upgrade`.
 */
import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import type { Context, Middleware } from 'koa';
import Koa from 'koa';
import type { Clock } from '../../base/clock.ts';
import { VitrineError } from '../../base/errors.ts';
import type { Logger } from '../../base/logger.ts';
import type { Querier } from '../../model/ports.ts';
import type { RecordSource } from '../../model/record-source.ts';
import type { ErrorGroups } from '../insight/error-groups.ts';
import type { LogPatterns } from '../insight/log-patterns.ts';
import type { Forgetting } from '../search/forget.ts';
import type { Tail } from '../search/tail.ts';
import type { TraceTail } from '../search/trace-tail.ts';
import type { RuleSource } from '../alerts/rules/view.ts';
import type { Annotations } from '../store/state/annotations.ts';
import type { Pins } from '../store/state/pins.ts';
import { Access } from './access/access.ts';
import { accountRoutes } from './access/account-routes.ts';
import { sessionRoutes } from './access/session-routes.ts';
import { tokenRoutes } from './access/token-routes.ts';
import { compressed, problems } from './answers.ts';
import type { CurrentFigures } from './contract.ts';
import type { AccessStore } from '../../model/access.ts';
import { chartRoutes } from './charts/chart-routes.ts';
import { connectRoutes, type ConnectFacts } from './connect-routes.ts';
import { checkOrigin } from './guard.ts';
import type { HealthSource } from './health-routes.ts';
import { healthRoutes } from './health-routes.ts';
import type { LiveState } from './live.ts';
import type { RecordSources } from './record-routes.ts';
import { recordRoutes } from './record-routes.ts';
import { forgetRoutes } from './records/forget-routes.ts';
import { insightRoutes } from './records/insight-routes.ts';
import { logRoutes } from './records/log-routes.ts';
import { requestRoutes } from './records/request-routes.ts';
import { traceRoutes } from './records/trace-routes.ts';
import type { Route } from './routes.ts';
import { tableRoutes } from './route-table.ts';
import { findRoute, isAt, roleOf } from './routes.ts';
import { settingsRoutes, type SettingsSource } from './settings-routes.ts';
import { servicesAnswer } from './service-matrix.ts';
import type { ViewerLimits } from './socket.ts';
import { LiveSocket } from './socket.ts';
import { loadPage, servePage, serveUnknown } from './static-files.ts';
import type { PageFiles } from './static-files.ts';
import type { TargetFigures } from '../../model/health.ts';
import { timeseriesAnswer } from './timeseries.ts';

export interface MonitorApiOptions extends RecordSources, HealthSource {
  readonly querier: Querier;
  readonly live: LiveState;
  /** Stored lines and spans. */
  readonly records: RecordSource;
  readonly tail: Tail;
  readonly traceTail: TraceTail;
  readonly forgetting?: Forgetting | undefined;
  readonly patterns: LogPatterns;
  readonly errors: ErrorGroups;
  /** The rules whose limits charts draw. */
  readonly rules?: RuleSource | undefined;
  /** The annotations on charts. */
  readonly annotations?: Annotations | undefined;
  /** What Settings shows of this server. */
  readonly configuration?: SettingsSource | undefined;
  /** The metrics pinned to pages of services. */
  readonly pins?: Pins | undefined;
  /** Handles `/api/v1/…`, `/federate` and the other paths of its API; calls next for all others. */
  readonly prometheusRouter?: Middleware | undefined;
  /** Ingest over this port (`POST /api/logs`, remote write, `/metrics`). Each middleware calls next for all other paths. */
  readonly ingestMiddlewares?: readonly Middleware[] | undefined;
  /** Additional routes. They come before the table's own, so a route that exists replaces the 501 of its row. */
  readonly routes?: readonly Route[] | undefined;
  /** The present figures of synthetic checks. */
  readonly targets?: (() => readonly TargetFigures[]) | undefined;
  /** Parts of this server that pages may need: `balancer`. */
  readonly capabilities?: readonly string[] | undefined;
  /** API tokens and the record of changes; without it there are none. */
  readonly store?: AccessStore | undefined;
  /** Shared with the ports that take telemetry; made of `token` and `store` when it is absent. */
  readonly access?: Access | undefined;
  /** Where a user's service sends its telemetry; without it the page has no card for this. */
  readonly connect?: ConnectFacts | undefined;
  /** Without a token, every request that reaches the port is admitted. */
  readonly token?: string | undefined;
  /** The folder of the built page. */
  readonly pageDir: string;
  readonly logger: Logger;
  readonly clock: Clock;
  /** Allowed host names in addition to those of loopback, without port. */
  readonly allowedHosts: readonly string[];
  /** Default: 50 viewers for one address, 1,000 in all. */
  readonly viewerLimits?: ViewerLimits | undefined;
}

export interface MonitorApi extends AsyncDisposable {
  readonly handler: (request: IncomingMessage, response: ServerResponse) => void;
  readonly upgrade: (request: IncomingMessage, socket: Duplex, head: Buffer) => void;
  /** Number of viewers connected now. */
  readonly viewers: () => number;
}

/** Also where a part of the monitor does not run, as in test mode. */
const LATER: readonly [Route['method'], string][] = [
  ['POST', '/api/alerts'],
  ['DELETE', '/api/alerts/:id'],
  ['GET', '/api/targets'],
  ['GET', '/api/reports'],
  ['POST', '/api/logs'],
  ['POST', '/api/forget'],
  ['GET', '/metrics'],
  ['GET', '/federate'],
];

const laterRoutes = (): Route[] =>
  LATER.map(([method, path]) => ({
    method,
    path,
    handler() {
      throw new VitrineError('not_in_this_version', `${method} ${path} is not in this version.`);
    },
  }));

function figureRoutes({ querier, live, alerts, clock, targets = () => [] }: MonitorApiOptions): Route[] {
  return [
    {
      method: 'GET',
      path: '/api/metrics',
      handler(): CurrentFigures {
        const checked = targets();
        return { ...live.current(clock.now()), ...(checked.length === 0 ? {} : { targets: checked }) };
      },
    },
    { method: 'GET', path: '/api/services', handler: () => servicesAnswer(querier, alerts(), clock.now()) },
    {
      method: 'GET',
      path: '/api/timeseries',
      handler: ({ query }) => timeseriesAnswer(querier, query, clock.now()),
    },
  ];
}

/** The name of the caller, '' on an open route. */
function callerOf(route: Route, headers: IncomingHttpHeaders, access: Access): string {
  const role = roleOf(route);
  return role === 'open' ? '' : access.check(headers, role).name;
}

/** The answer does not wait for the record. Koa's status is 404 until a body is set. */
function noteChange({ store, clock, logger }: MonitorApiOptions, who: string, ctx: Context, hasBody: boolean): void {
  const status = hasBody && ctx.status === 404 ? 200 : ctx.status;
  store
    ?.note({ atMs: clock.now(), who, action: `${ctx.method} ${ctx.path}`, status })
    .catch((error: unknown) => logger.warn({ err: error }, 'a change is not in the record of changes'));
}

/** Handles requests with the routes of the table. */
function routed(routes: readonly Route[], options: MonitorApiOptions, access: Access): Middleware {
  return async (ctx, next) => {
    const found = findRoute(routes, ctx.method, ctx.path);
    if (found === undefined) {
      await next();
      return;
    }
    const who = callerOf(found.route, ctx.req.headers, access);
    const query = new URLSearchParams(ctx.querystring);
    const body = await found.route.handler({ ctx, params: found.params, query, who });
    if (who !== '' && found.route.method !== 'GET') noteChange(options, who, ctx, body !== undefined);
    if (body === undefined) return;
    const { status, type } = ctx;
    ctx.body = typeof body === 'string' ? body : JSON.stringify(body);
    ctx.type = type || 'application/json';
    if (status !== 404) ctx.status = status;
  };
}

function guarded(options: MonitorApiOptions, access: Access, open: readonly Route[], page: PageFiles): Middleware {
  return async (ctx, next) => {
    checkOrigin({ method: ctx.method, headers: ctx.req.headers }, ctx.path, options.allowedHosts);
    if (ctx.method === 'TRACE' || ctx.method === 'CONNECT') {
      throw new VitrineError('method_not_allowed', 'This method is not used here.', {
        headers: { Allow: 'GET, HEAD' },
      });
    }
    // The page itself contains no data, and it must load without a token in order to ask for the token.
    if (await servePage(ctx, page)) return;
    const method = ctx.method === 'HEAD' ? 'GET' : ctx.method;
    if (!open.some((route) => route.method === method && isAt(route, ctx.path))) {
      const who = access.principal(ctx.req.headers);
      // Who opens a link before the sign-in must see the form, not an error.
      if (who === undefined && (await serveUnknown(ctx, page))) return;
      // A token for telemetry may only send: ingest decides on that, and every other route needs a viewer.
      if (who?.role !== 'ingest' || method === 'GET') access.check(ctx.req.headers);
    }
    await next();
  };
}

const capabilitiesOf = (
  { capabilities = [], store, pins, configuration }: MonitorApiOptions,
  access: Access,
): string[] => [
  ...capabilities,
  ...(pins === undefined ? [] : ['pins']),
  ...(configuration === undefined ? [] : ['configuration']),
  ...(store === undefined ? [] : ['tokens']),
  ...(access.accounts === undefined ? [] : ['accounts']),
];

export async function createMonitorApi(options: MonitorApiOptions): Promise<MonitorApi> {
  const { store } = options;
  const access = options.access ?? new Access(options.token, options.clock, store);
  const page = await loadPage(options.pageDir);
  const socket = new LiveSocket({ ...options, access });
  // Why an upgrade is refused: browsers hide it, and the page asks here.
  const liveRoutes: Route[] = [
    { method: 'GET', path: '/api/live', handler: ({ ctx }) => socket.checkRoom(ctx.req.socket.remoteAddress ?? '') },
  ];
  const own = [
    ...(options.routes ?? []),
    ...healthRoutes(options, access),
    ...sessionRoutes({ access, store, clock: options.clock, capabilities: capabilitiesOf(options, access) }),
    ...accountRoutes(access.accounts),
    ...settingsRoutes(options.configuration, options.records),
    ...tokenRoutes(access, store, options.clock),
    ...connectRoutes(options.connect, options.spans, options.clock),
    ...liveRoutes,
    ...figureRoutes(options),
    ...logRoutes(options),
    ...requestRoutes(options),
    ...insightRoutes(options),
    ...forgetRoutes(options.forgetting),
    ...traceRoutes(options),
    ...chartRoutes(options),
    ...recordRoutes(options),
  ];
  const all: readonly Route[] = [...own, ...laterRoutes(), ...tableRoutes(() => all)];
  const app = new Koa();
  app.silent = true;
  app.use(problems(options.logger));
  app.use(compressed());
  app.use(
    guarded(
      options,
      access,
      own.filter(({ open }) => open === true),
      page,
    ),
  );
  for (const middleware of options.ingestMiddlewares ?? []) app.use(middleware);
  app.use((ctx, next) => {
    if (access.principal(ctx.req.headers)?.role === 'ingest') access.check(ctx.req.headers);
    return next();
  });
  if (options.prometheusRouter !== undefined) app.use(options.prometheusRouter);
  app.use(routed(all, options, access));
  app.use(async (ctx, next) => ((await serveUnknown(ctx, page)) ? undefined : next()));
  const respond = app.callback();
  return {
    handler: (request, response) => void respond(request, response),
    upgrade: (request, duplex, head) => socket.upgrade(request, duplex, head),
    viewers: () => socket.size,
    [Symbol.asyncDispose]: () => socket.close(),
  };
}
