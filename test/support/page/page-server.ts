/**
 * The API and the built page over a fake stack: `node test/support/page/page-server.ts [port]` to view it,
 * `startPageServer` for tests.
 */
import { rmSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import type { Middleware } from 'koa';
import type { Clock } from '../../../src/base/clock.ts';
import { VitrineError } from '../../../src/base/errors.ts';
import { every, systemClock } from '../../../src/base/clock.ts';
import { silentLogger } from '../../../src/base/logger.ts';
import { prometheusRouter } from '../../../src/monitor/api/prometheus/router.ts';
import { freshDir } from '../program.ts';
import { MemorySpanSink } from '../telemetry/memory-sinks.ts';
import { ArrayRecords } from '../records/array-records.ts';
import { LiveState } from '../../../src/monitor/api/live.ts';
import type { MonitorApi, MonitorApiOptions } from '../../../src/monitor/api/server.ts';
import { createMonitorApi } from '../../../src/monitor/api/server.ts';
import { builtinRules } from '../../../src/monitor/alerts/rules/builtin.ts';
import type { RuleSource } from '../../../src/monitor/alerts/rules/view.ts';
import { Labels } from '../../../src/model/labels.ts';
import type { Route } from '../../../src/monitor/api/routes.ts';
import { careRoutes } from '../../../src/monitor/api/care-routes.ts';
import { FakeBalancer, fakeAlerts, fakeCare, fakeHealth, fakeLogs, fakeQuerier, fakeSpans } from './fake-stack.ts';
import { fakeAlertRoutes } from './fake-alert-routes.ts';
import { fakeTargetRoutes } from './fake-target-routes.ts';
import { fakeConfiguration } from './fake-configuration.ts';
import { fakeRequests } from './fake-ledger.ts';
import type { LogSource, Querier, SpanSource } from '../../../src/model/ports.ts';
import type { LogRecord } from '../../../src/model/records.ts';
import type { RequestRow } from '../../../src/model/request-row.ts';
import { ErrorGroups } from '../../../src/monitor/insight/error-groups.ts';
import { LogPatterns } from '../../../src/monitor/insight/log-patterns.ts';
import { JsonFile } from '../../../src/monitor/store/state/json-file.ts';
import { Tail } from '../../../src/monitor/search/tail.ts';
import { TraceTail } from '../../../src/monitor/search/trace-tail.ts';

export const PAGE_DIR = path.resolve(import.meta.dirname, '../../../dist/page');

export interface PageServer extends AsyncDisposable {
  readonly url: string;
  readonly port: number;
  readonly api: MonitorApi;
}

export interface PageServerOptions {
  readonly port?: number;
  readonly kind?: 'busy' | 'empty' | 'broken';
  readonly token?: string;
  readonly clock?: Clock;
  readonly overrides?: Partial<MonitorApiOptions>;
}

/** The shipped rules as a rule engine lists them, so that charts have limits. */
const shippedRules: RuleSource = {
  alerts: () => [],
  groups: () =>
    builtinRules().map(({ name, rules }) => ({
      name,
      file: '',
      intervalMs: 1_000,
      limit: 0,
      evaluationSeconds: 0,
      lastEvaluationMs: undefined,
      rules: rules.flatMap((rule) =>
        rule.kind === 'recording'
          ? []
          : [
              {
                kind: 'alerting' as const,
                name: rule.name,
                query: rule.expr,
                labels: Labels.from({}),
                health: 'ok' as const,
                lastError: '',
                evaluationSeconds: 0,
                lastEvaluationMs: undefined,
                state: 'inactive' as const,
                forMs: 0,
                keepFiringForMs: 0,
                annotations: {},
                alerts: [],
              },
            ],
      ),
    })),
};

const unreadable = (): never => {
  throw new VitrineError('query_failed', 'The store cannot be read.');
};
const failingRoute = (route: Route): Route => ({ ...route, handler: unreadable });

/** The fake lines and requests as a source of records, and a tail over it. */
async function recordsOf(
  { logs, spans }: { readonly logs: LogSource; readonly spans: SpanSource },
  requests: readonly RequestRow[],
  broken: boolean,
  clock: Clock,
  dir: string,
): Promise<Pick<MonitorApiOptions, 'records' | 'tail' | 'traceTail' | 'patterns' | 'errors'>> {
  const records = new ArrayRecords();
  records.add('logs', logs.search({ limit: 10_000 }) as readonly LogRecord[]);
  records.add('requests', requests);
  const found = await spans.find({ fromMs: -Infinity, limit: 10_000 });
  const traces = await Promise.all(found.map(async ({ traceId }) => spans.trace(traceId)));
  for (const trace of traces) records.add('traces', trace);
  if (broken) records.scan = unreadable;
  const tail = new Tail(records.logSink);
  const file = (name: string): JsonFile => new JsonFile(path.join(dir, name));
  const patterns = new LogPatterns({ sink: tail, clock, file: file('patterns.json'), onNew: () => {} });
  const errors = new ErrorGroups(clock, file('errors.json'));
  await errors.spanSink(new MemorySpanSink()).append(traces.flat());
  if (broken) Object.assign(errors, { list: unreadable, get: unreadable });
  return { records, tail, traceTail: new TraceTail(records.spanSink, clock), patterns, errors };
}

const nothing: Pick<MonitorApiOptions, 'spans' | 'logs' | 'alerts'> = {
  spans: { find: () => [], trace: () => [] },
  logs: { search: () => [] },
  alerts: () => [],
};

export async function startPageServer(options: PageServerOptions = {}): Promise<PageServer> {
  const { clock = systemClock, kind = 'busy' } = options;
  const startMs = Math.floor(clock.now() / 1_000) * 1_000;
  const dir = freshDir('vitrine-page');
  const releasedMs = startMs - 6 * 60_000;
  const live = new LiveState();
  const balancer = new FakeBalancer(startMs - 16 * 60_000, releasedMs);
  if (kind !== 'empty') {
    for (let t = startMs - 16 * 60_000; t <= startMs; t += 1_000) live.push('balancer', balancer.frame(t));
  }
  const querier = fakeQuerier(releasedMs, { fromMs: startMs - 690_000, toMs: startMs - 645_000 });
  const data =
    kind === 'empty'
      ? nothing
      : { spans: fakeSpans(startMs), logs: fakeLogs(startMs), alerts: () => fakeAlerts(startMs) };
  const none: Querier = {
    ...querier,
    instant: () => Promise.resolve({ value: { kind: 'vector', series: [] }, warnings: [], infos: [] }),
    range: () => Promise.resolve({ value: { kind: 'matrix', series: [] }, warnings: [], infos: [] }),
  };
  const broken = (): Promise<never> => Promise.reject(new VitrineError('query_failed', 'The store cannot be read.'));
  const failing: Querier = { ...querier, instant: broken, range: broken };
  const fakeRoutes = [
    ...careRoutes(fakeCare),
    ...fakeAlertRoutes(kind === 'empty' ? 'empty' : 'busy', options.overrides?.alerts ?? data.alerts),
    ...fakeTargetRoutes(kind === 'empty' ? 'empty' : 'busy', () => clock.now()),
  ];
  const asked = kind === 'empty' ? none : kind === 'broken' ? failing : querier;
  const api = await createMonitorApi({
    ...data,
    ...(kind === 'broken' ? { spans: { find: broken, trace: broken } } : {}),
    ...(await recordsOf(
      options.overrides?.records === undefined ? { ...data, ...options.overrides } : data,
      kind === 'empty' ? [] : fakeRequests(startMs),
      kind === 'broken',
      clock,
      dir,
    )),
    querier: asked,
    live,
    health: () => fakeHealth(kind === 'empty' ? 'healthy' : 'degraded', 187_200),
    ready: () => true,
    version: '0.1.0',
    pageDir: PAGE_DIR,
    logger: silentLogger,
    clock,
    allowedHosts: [],
    capabilities: ['balancer', 'targets', 'status'],
    connect: { otlpHttp: '127.0.0.1:4318', otlpGrpc: '127.0.0.1:4317', balancer: '127.0.0.1:8080', ownServices: [] },
    routes: kind === 'broken' ? fakeRoutes.map(failingRoute) : fakeRoutes,
    token: options.token,
    configuration: fakeConfiguration,
    rules: shippedRules,
    prometheusRouter:
      kind === 'broken'
        ? undefined
        : (prometheusRouter({
            querier: options.overrides?.querier ?? asked,
            clock,
            rules: shippedRules,
          }).routes() as unknown as Middleware),
    ...options.overrides,
  });
  const server = createServer(api.handler);
  server.on('upgrade', api.upgrade);
  const stop = every(
    clock,
    1_000,
    (now) => {
      if (kind !== 'empty') live.push('balancer', balancer.frame(now));
    },
    () => {},
  );
  await new Promise<void>((resolve) => server.listen(options.port ?? 0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    port,
    api,
    async [Symbol.asyncDispose]() {
      stop();
      await api[Symbol.asyncDispose]();
      server.closeAllConnections();
      await new Promise<void>((resolve) => server.close(() => resolve()));
      rmSync(dir, { recursive: true, force: true });
    },
  };
}

if (process.argv[1] === import.meta.filename) {
  const [, , port = '21700', kind = 'busy'] = process.argv;
  const { url } = await startPageServer({ port: Number(port), kind: kind as 'busy' });
  console.log(url);
}
