/** Requests of synthetic checks are in no figure of users, in the balancer and in a service behind it; and they can be seen. */
import http from 'node:http';
import { context, metrics, propagation, SpanKind, trace } from '@opentelemetry/api';
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks';
import { CompositePropagator, W3CBaggagePropagator, W3CTraceContextPropagator } from '@opentelemetry/core';
import { MeterProvider } from '@opentelemetry/sdk-metrics';
import type { ReadableSpan } from '@opentelemetry/sdk-trace';
import { InMemorySpanExporter, SimpleSpanProcessor, TracerProvider } from '@opentelemetry/sdk-trace';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { systemClock } from '../../src/base/clock.ts';
import { HealthRegistry } from '../../src/stack/server/health.ts';
import { SERVER_LIMITS, SERVER_TIMEOUTS } from '../../src/stack/server/options.ts';
import { createServer } from '../../src/stack/server/server.ts';
import { LiveReader } from '../../src/telemetry/metrics/live-reader.ts';
import { observeHttpServers } from '../../src/telemetry/spans/http-server-spans.ts';
import { isSynthetic } from '../../src/telemetry/spans/synthetic.ts';
import { recordingLogger } from '../support/recording-logger.ts';
import { until } from '../support/until.ts';
import { raw, Rig } from './balancer/rig.ts';

const TRACE = 'traceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';
const MARK = 'baggage: synthetic=true';
const exporter = new InMemorySpanExporter();
let reader: LiveReader;
let rig: Rig;
let stops: (() => void)[];

beforeEach(() => {
  exporter.reset();
  reader = new LiveReader();
  context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
  propagation.setGlobalPropagator(
    new CompositePropagator({ propagators: [new W3CTraceContextPropagator(), new W3CBaggagePropagator()] }),
  );
  trace.setGlobalTracerProvider(new TracerProvider({ spanProcessors: [new SimpleSpanProcessor({ exporter })] }));
  metrics.setGlobalMeterProvider(new MeterProvider({ readers: [reader] }));
  rig = new Rig();
  stops = [];
});
afterEach(async () => {
  for (const stop of stops) stop();
  await rig[Symbol.asyncDispose]();
  for (const api of [context, propagation, trace, metrics]) api.disable();
});

/** Requests that a histogram has counted, by scope. */
async function counted(name: string): Promise<Record<string, number>> {
  const { resourceMetrics } = await reader.collect();
  const scopes = resourceMetrics.scopeMetrics.flatMap(({ scope, metrics: all }) =>
    all
      .filter(({ descriptor }) => descriptor.name === name)
      .map((metric): [string, number] => [
        scope.name,
        metric.dataPoints
          .filter(({ attributes }) =>
            [undefined, '/shop', '/'].includes(attributes['http.route'] as string | undefined),
          )
          .reduce((sum, { value }) => sum + ((value as { count?: number }).count ?? (value as number)), 0),
      ]),
  );
  return Object.fromEntries(scopes.filter(([, count]) => count > 0));
}

/** Those of the requests here; the first observer also tries its own means once. */
const servers = (): readonly ReadableSpan[] =>
  exporter
    .getFinishedSpans()
    .filter(({ kind, attributes }) => kind === SpanKind.SERVER && attributes['url.path'] === '/shop');

const marked = (headers: string): string => `GET /shop HTTP/1.1\r\nHost: a\r\nConnection: close\r\n${headers}\r\n\r\n`;

describe('through the balancer to a service under register', () => {
  test('a check is in no figure of users, and its spans say what it is', async () => {
    stops = [observeHttpServers()];
    const upstream = await rig.http((_request, response) => response.end('ok'));
    const { port } = await rig.balancer({ upstreams: [upstream.url] });
    expect((await raw(port, marked(`${TRACE}\r\n${MARK}`))).status).toBe(200);
    expect((await raw(port, marked(TRACE))).status).toBe(200);
    await until(() => servers().length === 4);
    expect(await counted('http.server.request.duration')).toEqual({ 'vitrine-balancer': 1, 'vitrine.http': 1 });
    expect(await counted('http.client.request.duration')).toEqual({ 'vitrine-balancer': 1 });
    expect(await counted('vitrine.balancer.upstream.requests')).toEqual({ 'vitrine-balancer': 1 });
    expect(await counted('http.server.active_requests')).toEqual({});
    expect(await counted('vitrine.synthetic.request.duration')).toEqual({ 'vitrine-balancer': 1, 'vitrine.http': 1 });
    const types = servers().map(({ attributes }) => attributes['user_agent.synthetic.type']);
    expect(types.filter((type) => type === 'test')).toHaveLength(2);
  });

  test('a stranger who writes the mark is a user, here and behind', async () => {
    stops = [observeHttpServers()];
    const baggages: unknown[] = [];
    const upstream = await rig.http((request, response) => {
      baggages.push(request.headers['baggage']);
      response.end('ok');
    });
    const { port } = await rig.balancer({ upstreams: [upstream.url] });
    // A proxy brings the request of somebody else.
    await raw(port, marked(`${TRACE}\r\nbaggage: synthetic=true,tenant=a\r\nX-Forwarded-For: 203.0.113.9`));
    await until(() => servers().length === 2);
    expect(baggages).toEqual(['tenant=a']);
    expect(await counted('http.server.request.duration')).toEqual({ 'vitrine-balancer': 1, 'vitrine.http': 1 });
    expect(await counted('vitrine.synthetic.request.duration')).toEqual({});
  });
});

test('the server kit without register keeps checks out of its figures too', async () => {
  const server = createServer({
    host: '127.0.0.1',
    port: 0,
    telemetry: 'own',
    logger: recordingLogger(),
    clock: systemClock,
    health: new HealthRegistry(systemClock),
    routes(router) {
      router.get('/', (ctx) => {
        ctx.body = 'ok';
      });
    },
    healthPrefix: '',
    accessLog: false,
    limits: SERVER_LIMITS,
    timeouts: SERVER_TIMEOUTS,
  });
  stops.push(() => void server.close());
  const { port } = await server.listen();
  const ask = async (headers: Record<string, string>): Promise<void> => {
    await new Promise<void>((resolve) => {
      http.get({ port, path: '/', headers, agent: false }, (response) =>
        response.resume().on('close', () => resolve()),
      );
    });
  };
  await ask({ baggage: 'a=b, synthetic=true;meta=1' });
  await ask({});
  await until(() => exporter.getFinishedSpans().length === 2);
  expect(await counted('http.server.request.duration')).toEqual({ 'vitrine.server': 1 });
  expect(await counted('vitrine.synthetic.request.duration')).toEqual({ 'vitrine.server': 1 });
});

test.each([
  [{ address: '127.0.0.1' }, true],
  [{ address: '::ffff:10.1.2.3' }, true],
  [{ address: 'fd00::1' }, true],
  [{ address: undefined }, true],
  [{ address: '172.32.0.1' }, false],
  [{ address: '203.0.113.9' }, false],
  [{ address: '2001:db8::1' }, false],
  [{ address: '127.0.0.1', forwarded: '203.0.113.9' }, false],
  [{ address: '127.0.0.1', forwarded: '127.0.0.1', via: '1.1 vitrine' }, true],
  [{ address: '127.0.0.1', forwarded: '203.0.113.9', via: '1.1 vitrine, 1.1 nginx' }, false],
  [{ address: '127.0.0.1', baggage: 'synthetic=truely' }, false],
  [{ address: '127.0.0.1', baggage: 'notsynthetic=true' }, false],
  [{ address: '127.0.0.1', baggage: undefined }, false],
])('%j: %s', (given, expected) => {
  const origin = { baggage: 'synthetic=true', forwarded: undefined, via: undefined, ...given };
  expect(isSynthetic(origin)).toBe(expected);
});
