import http from 'node:http';
import { connect, type AddressInfo } from 'node:net';
import { context, metrics, propagation, SpanKind, trace } from '@opentelemetry/api';
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks';
import { suppressTracing, W3CTraceContextPropagator } from '@opentelemetry/core';
import { MeterProvider } from '@opentelemetry/sdk-metrics';
import type { ReadableSpan } from '@opentelemetry/sdk-trace';
import { InMemorySpanExporter, SimpleSpanProcessor, TracerProvider } from '@opentelemetry/sdk-trace';
import Koa from 'koa';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { routeOf, tieKoa } from '../../../src/telemetry/spans/framework-routes.ts';
import { knownMethod, redactQuery, splitHost } from '../../../src/telemetry/spans/http-attributes.ts';
import { observeHttpClients } from '../../../src/telemetry/spans/http-client-spans.ts';
import { observeHttpServers } from '../../../src/telemetry/spans/http-server-spans.ts';
import { isInstrumentationOn, loadInstrumentation } from '../../../src/telemetry/lazy-instrumentations.ts';
import { LiveReader } from '../../../src/telemetry/metrics/live-reader.ts';
import { samplerFromEnv } from '../../../src/telemetry/spans/sampler.ts';
import { recordingLogger } from '../../support/recording-logger.ts';
import { resetApi } from '../collector.ts';

const exporter = new InMemorySpanExporter();
let live: LiveReader;
let stop: (() => void)[];
let server: http.Server;

beforeEach(() => {
  exporter.reset();
  live = new LiveReader();
  context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
  propagation.setGlobalPropagator(new W3CTraceContextPropagator());
  trace.setGlobalTracerProvider(new TracerProvider({ spanProcessors: [new SimpleSpanProcessor({ exporter })] }));
  metrics.setGlobalMeterProvider(new MeterProvider({ readers: [live] }));
  stop = [observeHttpServers(), observeHttpClients()];
});
afterEach(() => {
  for (const end of stop) end();
  server.close();
  server.closeAllConnections();
  resetApi();
});

async function serve(handler: http.RequestListener): Promise<number> {
  server = http.createServer(handler);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return (server.address() as AddressInfo).port;
}

const ask = (options: http.RequestOptions, body?: string): Promise<string> =>
  new Promise((resolve) => {
    const request = http.request({ host: '127.0.0.1', ...options }, (response) => {
      response.resume();
      response.on('close', () => resolve(String(response.statusCode)));
    });
    request.on('error', (error) => resolve(error.name));
    request.end(body);
  });

async function spans(count: number): Promise<readonly ReadableSpan[]> {
  await expect.poll(() => exporter.getFinishedSpans().length).toBe(count);
  return exporter.getFinishedSpans();
}

describe('server and client spans', () => {
  it('are one trace, and the events of a body have its context', async () => {
    const seen: (string | undefined)[] = [];
    const port = await serve((request, response) => {
      request.on('data', () => seen.push(trace.getActiveSpan()?.spanContext().spanId));
      request.on('end', () => response.end());
    });
    expect(await ask({ port, method: 'POST', path: '/a?sig=x' }, 'body')).toBe('200');
    const all = await spans(2);
    const [inner, outer] = [
      all.find(({ kind }) => kind === SpanKind.SERVER),
      all.find(({ kind }) => kind === SpanKind.CLIENT),
    ];
    expect(inner?.parentSpanContext?.spanId).toBe(outer?.spanContext().spanId);
    expect(seen).toEqual([inner?.spanContext().spanId]);
    expect(inner?.attributes).toMatchObject({ 'url.query': 'sig=REDACTED', 'url.path': '/a' });
  });

  it('keep the bodies of pipelined requests apart, whose parts come in later turns', async () => {
    const seen: string[] = [];
    const traceOf = (): string => trace.getActiveSpan()?.spanContext().traceId.slice(0, 1) ?? 'none';
    const port = await serve((request, response) => {
      request.on('data', (part: Buffer) => seen.push(`${part.toString()} ${traceOf()}`));
      request.on('end', () => {
        seen.push(`end ${traceOf()}`);
        response.end();
      });
    });
    const head = (letter: string, length: number): string =>
      `POST / HTTP/1.1\r\nHost: a\r\ntraceparent: 00-${letter.repeat(32)}-${'1'.repeat(16)}-01\r\nContent-Length: ${length}\r\n\r\n`;
    const socket = connect(port, '127.0.0.1');
    const until = (count: number): Promise<void> => expect.poll(() => seen.length).toBe(count);
    socket.write(`${head('a', 6)}abc`);
    await until(1);
    socket.write(`def${head('b', 4)}gh`);
    await until(4);
    socket.write(`ij${head('c', 2)}kl`);
    await until(8);
    socket.destroy();
    expect(seen.filter((each) => each.startsWith('end'))).toEqual(['end a', 'end b', 'end c']);
    expect(seen.filter((each) => !each.startsWith('end'))).toEqual(['abc a', 'def a', 'gh b', 'ij b', 'kl c']);
    await spans(3);
  });

  it('record failures: 5xx, an aborted request, a refused connection', async () => {
    const port = await serve((request, response) => {
      if (request.url === '/abort') request.socket.destroy();
      else response.writeHead(500).end();
    });
    await ask({ port, path: '/500' });
    await ask({ port, path: '/abort' });
    await ask({ port: 1 });
    const all = await spans(5);
    const types = all.map(({ kind, attributes }) => `${kind} ${String(attributes['error.type'])}`).sort();
    expect(types).toEqual(['1 500', '1 undefined', '2 500', '2 Error', '2 Error']);
    const { resourceMetrics } = await live.collect();
    const names = resourceMetrics.scopeMetrics.flatMap((scope) =>
      scope.metrics.map(({ descriptor }) => descriptor.name),
    );
    expect(names.sort()).toEqual(['http.client.request.duration', 'http.server.request.duration']);
  });

  it('do not observe suppressed requests, and are propagated by heads that are already written', async () => {
    const headers: http.IncomingHttpHeaders[] = [];
    const port = await serve((request, response) => {
      headers.push(request.headers);
      response.end();
    });
    await context.with(suppressTracing(context.active()), () => ask({ port, path: '/quiet' }));
    const W3C = /^00-[0-9a-f]{32}-[0-9a-f]{16}-01$/;
    await ask({ port, headers: ['host', 'shop.example'] });
    await ask({ port, method: 'POST', headers: { expect: '100-continue' } }, 'body');
    await ask(
      { port, method: 'POST', headers: ['host', 'x', 'expect', '100-continue', 'content-length', '4'] },
      'body',
    );
    await ask({ port, headers: ['host', 'x', 'traceparent', 'the-user-s-own'] });
    expect(headers.map((each) => each.traceparent)).toEqual([
      undefined,
      ...[1, 2, 3].map(() => expect.stringMatching(W3C) as string),
      'the-user-s-own',
    ]);
    expect(headers[1].host).toBe('shop.example');
    expect(await spans(9)).toHaveLength(9);
  });

  it('count odd methods as one', async () => {
    const port = await serve((_request, response) => response.end());
    await ask({ port, method: 'PROPFIND' });
    const [first] = await spans(2);
    expect(first).toMatchObject({ name: 'HTTP /', attributes: { 'http.request.method': '_OTHER' } });
  });

  it('have the route that Koa matched', async () => {
    tieKoa(Koa);
    tieKoa(Koa);
    tieKoa({});
    const app = new Koa();
    app.use((ctx) => {
      (ctx as { _matchedRoute?: string })._matchedRoute = '/users/:id';
      ctx.body = 'x';
    });
    const handle = app.callback();
    const port = await serve((request, response) => void handle(request, response));
    await ask({ port, path: '/users/5', headers: { host: 'shop.example:81' } });
    const all = await spans(2);
    expect(all.find(({ kind }) => kind === SpanKind.SERVER)?.name).toBe('GET /users/:id');
    expect(all.find(({ kind }) => kind === SpanKind.CLIENT)?.attributes).toMatchObject({ 'server.port': port });
  });
});

describe('parts', () => {
  beforeEach(() => void (server = http.createServer()));

  it('read hosts, methods and queries', () => {
    expect(splitHost('a', 'http')).toEqual({ host: 'a', port: 80 });
    expect(splitHost('a', 'https')).toEqual({ host: 'a', port: 443 });
    expect(splitHost('a', undefined)).toEqual({ host: 'a', port: undefined });
    expect(splitHost('[::1]:81', 'http')).toEqual({ host: '[::1]', port: 81 });
    expect(splitHost('[::1]', 'http')).toEqual({ host: '[::1]', port: 80 });
    expect(splitHost('fe80::1', 'http')).toEqual({ host: 'fe80::1', port: undefined });
    expect(knownMethod('QUERY')).toBe('QUERY');
    expect(redactQuery('a=1&X-Amz-Signature=z&Sig=1')).toBe('a=1&X-Amz-Signature=REDACTED&Sig=1');
  });

  it('read the route that Express sets', () => {
    const of = (fields: object): string | undefined => routeOf(fields as http.IncomingMessage);
    expect(of({})).toBeUndefined();
    expect(of({ route: { path: '/:id' }, baseUrl: '/orders' })).toBe('/orders/:id');
    expect(of({ route: { path: '/' }, baseUrl: '/orders' })).toBe('/orders');
    expect(of({ route: { path: /x/ } })).toBe('/x/');
    expect(of({ route: { path: ['/a', '/b/:c'] }, originalUrl: '/b/1?x' })).toBe('/b/:c');
    expect(of({ route: { path: [] } })).toBeUndefined();
  });

  it('load the instrumentations that the environment leaves enabled', () => {
    expect(isInstrumentationOn({}, 'pg')).toBe(true);
    expect(isInstrumentationOn({ OTEL_NODE_ENABLED_INSTRUMENTATIONS: 'http' }, 'pg')).toBe(false);
    expect(isInstrumentationOn({ OTEL_NODE_DISABLED_INSTRUMENTATIONS: 'pg, http' }, 'http')).toBe(false);
    for (const suffix of ['pg', 'ioredis', 'redis', 'mysql2', 'mongodb', 'graphql', 'winston', 'kafkajs', 'grpc']) {
      expect(loadInstrumentation(suffix)?.instrumentationName).toContain(suffix);
    }
  });

  it.each([
    [undefined, undefined, 'ParentBased{root=AlwaysOnSampler'],
    ['always_on', undefined, 'AlwaysOnSampler'],
    ['always_off', undefined, 'AlwaysOffSampler'],
    ['traceidratio', '0.25', 'TraceIdRatioBased{0.25}'],
    ['traceidratio', '7', 'TraceIdRatioBased{1}'],
    ['parentbased_always_off', undefined, 'ParentBased{root=AlwaysOffSampler'],
    ['parentbased_traceidratio', '0.5', 'ParentBased{root=TraceIdRatioBased{0.5}'],
  ])('sampler %s %s', (name, argument, text) => {
    const env = { OTEL_TRACES_SAMPLER: name, OTEL_TRACES_SAMPLER_ARG: argument };
    expect(samplerFromEnv(env, recordingLogger()).toString()).toContain(text);
  });
});
