/** Opens the monitor's ports: page and APIs with ingest on one, OTLP over HTTP and gRPC on two more (not in test mode). */
import path from 'node:path';
import type { Clock } from '../../base/clock.ts';
import type { Scope } from '../../base/scope.ts';
import type { Middleware } from 'koa';
import { formatDurationMs } from '../../base/units.ts';
import type { Address } from '../../config/types.ts';
import { isLoopback } from '../../model/exposure.ts';
import type { Labels } from '../../model/labels.ts';
import { withSpanExemplars } from '../../monitor/insight/span-exemplars.ts';
import { forgottenElsewhere } from '../../monitor/insight/forgotten.ts';
import { Forgetting } from '../../monitor/search/forget.ts';
import { prometheusRouter } from '../../monitor/api/prometheus/router.ts';
import { AlertCare } from '../../monitor/api/alerts/care.ts';
import { alertCareRoutes } from '../../monitor/api/alerts/care-routes.ts';
import { oncallRoutes } from '../../monitor/api/alerts/oncall-routes.ts';
import { ruleRoutes } from '../../monitor/api/alerts/rule-routes.ts';
import { alertViews } from '../../monitor/api/views.ts';
import { recordingRoutes } from '../../monitor/api/alerts/recording-routes.ts';
import { alertmanagerRoutes } from '../../monitor/api/alerts/v2-routes.ts';
import { careRoutes } from '../../monitor/api/care-routes.ts';
import { targetFigures } from '../../monitor/api/targets/comparison.ts';
import type { Route } from '../../monitor/api/routes.ts';
import type { ConnectFacts } from '../../monitor/api/connect-routes.ts';
import { addressText, localUrl } from '../process/settings.ts';
import { removeSignInLink, writeSignInLink } from '../process/sign-in-file.ts';
import { Access } from '../../monitor/api/access/access.ts';
import type { StoreFacts } from '../../monitor/api/settings-routes.ts';
import { effectiveSettings } from './effective-settings.ts';
import { createMonitorApi, type MonitorApi } from '../../monitor/api/server.ts';
import { ByteBudget } from '../../monitor/ingest/request/byte-budget.ts';
import { ingestHttp, ingestOnly, type IngestHandler } from '../../monitor/ingest/http.ts';
import { HeapPressure } from '../../monitor/ingest/request/heap-pressure.ts';
import { OtlpGrpcServer } from '../../monitor/ingest/otlp/grpc-server.ts';
import { connectionBound } from '../process/connection-cap.ts';
import { closeHttpPort, listen, openHttpPort } from '../process/http-port.ts';
import type { MonitorOptions, MonitorParts } from './parts.ts';
import { PACKAGE_ROOT } from '../process/program-paths.ts';
import type { Settings } from '../process/settings-schema.ts';

const MAX_RATIO = 200;
const METRICS_TYPE = 'text/plain; version=0.0.4; charset=utf-8';

export async function openMonitorPorts(options: MonitorOptions, parts: MonitorParts, scope: Scope): Promise<void> {
  const { settings, logger, clock, testMode } = options;
  const token = settings.auth.token?.reveal();
  const { max_compressed: maxCompressedBytes, max_decompressed: maxDecompressedBytes, in_flight } = settings.ingest;
  const limits = { maxCompressedBytes, maxDecompressedBytes, maxRatio: MAX_RATIO };
  const budget = new ByteBudget(in_flight);
  const heap = new HeapPressure(clock);
  const access = new Access(token, clock, parts.access);
  if (!testMode) offerFirstLink(access, options);
  const maySend = (authorization: string | undefined): boolean => access.maySend(authorization);
  const ingest = ingestHttp({ intake: parts.intake, lines: parts.lines, logger, token, maySend, limits, budget, heap });
  const api = await apiOf(options, parts, ingest, access);
  const main = await openHttpPort(settings.monitor.listen, 'monitor.listen', api.handler, api.upgrade);
  scope.add('page and API', async () => {
    await api[Symbol.asyncDispose]();
    await closeHttpPort(main, clock);
  });
  if (testMode) return;
  const otlp = await openHttpPort(
    settings.monitor.otlp_http,
    'monitor.otlp_http',
    ingestOnly(ingest, clock, hostsOf(settings.monitor.otlp_http, settings)),
  );
  scope.add('OTLP/HTTP', () => closeHttpPort(otlp, clock));
  const grpc = new OtlpGrpcServer({
    intake: parts.intake,
    logger,
    budget,
    token,
    maySend,
    limits,
    heap,
    maxSessions: connectionBound(),
    allowedHosts: hostsOf(settings.monitor.otlp_grpc, settings),
  });
  await listen(grpc.server, settings.monitor.otlp_grpc, 'monitor.otlp_grpc');
  scope.add('OTLP/gRPC', () => grpc.close());
}

/** The names under which a loopback port answers besides those of loopback; beyond loopback the token protects the port. */
function hostsOf({ host }: Address, { monitor }: Settings): readonly string[] | undefined {
  return isLoopback(host) ? monitor.allowed_hosts : undefined;
}

function storeFacts(section: Settings['store'], stats: ReturnType<MonitorParts['store']['stats']>): StoreFacts {
  const { series, sizeBytes, headBytes, days, writable, timeToFullSeconds } = stats;
  const samples = { series, days, writable, diskBytes: sizeBytes, memoryBytes: headBytes };
  const { retention, logs, traces, requests } = section;
  return {
    samples: { ...samples, secondsToFull: timeToFullSeconds },
    maxBytes: section.max_size,
    keepMs: {
      samples: retention,
      logs: logs.retention,
      traces: traces.retention,
      requests: requests.retention,
    },
  };
}

/** Until there is an account, each start offers a link that makes the first admin. Without a sign-in nobody needs one. */
function offerFirstLink({ accounts }: Access, { settings, dataDir }: MonitorOptions): void {
  removeSignInLink(dataDir);
  const secret = accounts?.firstLink(() => removeSignInLink(dataDir));
  if (secret !== undefined) writeSignInLink(dataDir, `${localUrl(settings.monitor.listen)}/sign-in#first=${secret}`);
}

function apiOf(
  options: MonitorOptions,
  parts: MonitorParts,
  ingest: IngestHandler,
  access: Access,
): Promise<MonitorApi> {
  const { settings, logger, clock, version } = options;
  const { querier, records, tail, traceTail, insight, live, rules, health, own, store, annotations } = parts;
  const { patterns, errors } = insight;
  const dropTraces = (traceIds: ReadonlySet<string>): void => {
    parts.objectives.forget();
    store.dropExemplars(traceIds);
  };
  const router = prometheusRouter({
    turns: parts.turns,
    querier: withSpanExemplars(querier, records.store, clock),
    rules,
    clock,
    logger,
    version,
    maxPointsSending: settings.store.query_samples,
    retention: formatDurationMs(settings.store.retention),
    headStats: (limit) => store.headStats(limit),
  });
  return createMonitorApi({
    querier,
    spans: records.spans,
    logs: records.logs,
    records: records.store,
    tail,
    traceTail,
    forgetting: new Forgetting(records.store, clock, forgottenElsewhere({ errors, patterns, dropTraces })),
    patterns,
    errors,
    live,
    rules,
    annotations,
    pins: parts.pins,
    configuration: {
      settings: () => effectiveSettings(parts.inUse.settings),
      store: () => storeFacts(settings.store, store.stats()),
    },
    alerts: () => rules.recentAlerts(),
    health: () => health.report(),
    ready: () => health.ready,
    version,
    prometheusRouter: router.routes() as unknown as Middleware,
    ingestMiddlewares: [ownMetrics(() => own.page()), ingestMiddleware(ingest)],
    token: settings.auth.token?.reveal(),
    access,
    store: parts.access,
    pageDir: path.join(PACKAGE_ROOT, 'dist/page'),
    logger,
    clock,
    routes: [
      ...alertRoutes(parts, clock, version),
      ...recordingRoutes(parts.recorder, records.store, settings.store.traces.retention),
      ...careRoutes(options.care),
      ...(parts.targets?.routes ?? []),
      ...parts.objectives.routes,
    ],
    targets: () => (parts.targets === undefined ? [] : targetFigures(parts.targets.targets)),
    connect: connectFacts(options),
    capabilities: capabilitiesOf(options, parts),
    allowedHosts: [settings.monitor.listen.host, ...settings.monitor.allowed_hosts],
  });
}

function alertRoutes({ notifications, desk, rules }: MonitorParts, clock: Clock, version: string): Route[] {
  if (notifications === undefined || desk === undefined) return [];
  const { contextOf, trials } = notifications;
  const about = { contextOf, trials, ruleOf: (labels: Labels) => desk.ruleOf(labels) };
  const care = new AlertCare({ ...notifications, clock, version, about });
  const own = ruleRoutes(desk, care, () => alertViews(rules.recentAlerts()));
  return [...alertmanagerRoutes(care), ...own, ...oncallRoutes(care), ...alertCareRoutes(care)];
}

/** The sample services run beside this monitor. */
const isSampled = ({ settings: { balancer, sample }, care }: MonitorOptions): boolean =>
  care !== undefined && balancer.routes.length === 0 && sample.enabled;

function capabilitiesOf(options: MonitorOptions, { targets }: MonitorParts): string[] {
  const { traffic } = options.settings.sample;
  return [
    ...(options.care === undefined ? [] : ['balancer']),
    ...(traffic && isSampled(options) ? ['sample'] : []),
    ...(targets === undefined ? [] : ['targets']),
    ...(targets === undefined || options.settings.status_page === undefined ? [] : ['status']),
  ];
}

function connectFacts(options: MonitorOptions): ConnectFacts {
  const { settings, care } = options;
  const { monitor, balancer } = settings;
  return {
    otlpHttp: addressText(monitor.otlp_http),
    otlpGrpc: addressText(monitor.otlp_grpc),
    balancer: care === undefined ? null : addressText(balancer.listen),
    ownServices: [
      'vitrine-balancer',
      'vitrine-monitor',
      'vitrine-checker',
      ...(isSampled(options) ? ['payments'] : []),
    ],
  };
}

/** Ingest reads the request itself; Koa only passes it on. */
const ingestMiddleware =
  (ingest: IngestHandler): Middleware =>
  async (ctx, next) => {
    ctx.respond = false;
    if (await ingest(ctx.req, ctx.res)) return;
    ctx.respond = true;
    await next();
  };

const ownMetrics =
  (page: () => string): Middleware =>
  async (ctx, next) => {
    if (ctx.path !== '/metrics' || ctx.method !== 'GET') {
      await next();
      return;
    }
    ctx.set('Content-Type', METRICS_TYPE);
    ctx.body = page();
  };
