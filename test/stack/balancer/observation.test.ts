/** The balancer's telemetry, and its calls of a response cache. */
import { metrics, propagation, SpanKind, trace } from '@opentelemetry/api';
import { W3CTraceContextPropagator } from '@opentelemetry/core';
import { MeterProvider, MetricReader } from '@opentelemetry/sdk-metrics';
import { InMemorySpanExporter, SimpleSpanProcessor, TracerProvider } from '@opentelemetry/sdk-trace';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type {
  CachedResponse,
  CacheFill,
  CacheLookup,
  CacheRequest,
  ResponseCache,
} from '../../../src/model/response-cache.ts';
import { METRICS } from '../../../src/telemetry/names.ts';
import { answering, GET, raw, Rig } from './rig.ts';
import { until } from '../../support/until.ts';

class Reader extends MetricReader {
  protected onShutdown(): Promise<void> {
    return Promise.resolve();
  }
  protected onForceFlush(): Promise<void> {
    return Promise.resolve();
  }
}

const OK = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok';

describe('observation', () => {
  const spans = new InMemorySpanExporter();
  let reader: Reader;
  let rig: Rig;
  beforeAll(() => {
    trace.setGlobalTracerProvider(
      new TracerProvider({ spanProcessors: [new SimpleSpanProcessor({ exporter: spans })] }),
    );
    propagation.setGlobalPropagator(new W3CTraceContextPropagator());
  });
  afterAll(() => {
    trace.disable();
    metrics.disable();
    propagation.disable();
  });
  beforeEach(() => {
    metrics.disable();
    reader = new Reader();
    metrics.setGlobalMeterProvider(new MeterProvider({ readers: [reader] }));
    spans.reset();
    rig = new Rig();
  });
  afterEach(() => rig[Symbol.asyncDispose]());

  async function points(name: string): Promise<{ attributes: Record<string, unknown>; value: unknown }[]> {
    const { resourceMetrics } = await reader.collect();
    return resourceMetrics.scopeMetrics
      .flatMap((scope) => scope.metrics)
      .filter((metric) => metric.descriptor.name === name)
      .flatMap((metric) => metric.dataPoints as unknown as { attributes: Record<string, unknown>; value: unknown }[]);
  }

  it('names requests as the application does once it was told how', async () => {
    const upstream = await rig.http((_request, response) => response.end('ok'));
    const { port, balancer } = await rig.balancer({ upstreams: [upstream.url] });
    const ask = (path: string): Promise<unknown> =>
      raw(port, `GET ${path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n`);
    await ask('/users/bob');
    const lesson = { method: 'GET', pattern: ['users', null], open: false, route: '/users/:name' };
    balancer.learnRoutes([
      { ...lesson, upstream: `127.0.0.1:${upstream.port}` },
      { ...lesson, upstream: 'another:1', route: '/other' },
    ]);
    await ask('/users/eve');
    await ask('/users/zoe?a=1');
    await until(() => spans.getFinishedSpans().length === 6);
    const servers = spans.getFinishedSpans().filter(({ kind }) => kind === SpanKind.SERVER);
    expect(servers.map(({ name }) => name)).toEqual(['GET /users/bob', 'GET /users/:name', 'GET /users/:name']);
    const counted = await points('http.server.request.duration');
    expect(
      counted.map(({ attributes, value }) => [attributes['http.route'], (value as { count: number }).count]),
    ).toEqual([
      ['/users/bob', 1],
      ['/users/:name', 2],
    ]);
    expect(await points('vitrine.balancer.routes.learned')).toMatchObject([
      { attributes: { 'vitrine.route': '/', 'vitrine.result': 'learned' }, value: 1 },
    ]);
  });

  it('continues the trace of the client and passes it to the upstream', async () => {
    let head = '';
    const upstream = await rig.tcp((socket) => {
      socket.on('data', (bytes) => {
        head = bytes.toString('latin1');
        socket.write(OK);
      });
    });
    const { port } = await rig.balancer({ upstreams: [upstream.url] });
    const parent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';
    await raw(
      port,
      `GET /users/7?secret=1 HTTP/1.1\r\nHost: a\r\nUser-Agent: t\r\ntraceparent: ${parent}\r\nConnection: close\r\n\r\n`,
    );
    await until(() => spans.getFinishedSpans().length === 2);
    const [client, server] = spans.getFinishedSpans();
    expect(server.name).toBe('GET /users/:id');
    expect(server.spanContext().traceId).toBe('0af7651916cd43dd8448eb211c80319c');
    expect(server.parentSpanContext?.spanId).toBe('b7ad6b7169203331');
    expect(server.attributes).toMatchObject({
      'http.request.method': 'GET',
      'http.route': '/users/:id',
      'http.response.status_code': 200,
      'url.path': '/users/7',
      'url.scheme': 'http',
      'client.address': '127.0.0.1',
      'user_agent.original': 't',
    });
    expect(server.attributes['vitrine.phase.upstream']).toBeGreaterThan(0);
    expect(JSON.stringify([server.attributes, client.attributes])).not.toContain('secret');
    expect(client.parentSpanContext?.spanId).toBe(server.spanContext().spanId);
    expect(client.attributes).toMatchObject({ 'server.port': upstream.port, 'http.response.status_code': 200 });
    expect(head.match(/^traceparent: /gm)).toHaveLength(1);
    expect(head).toContain(`traceparent: 00-0af7651916cd43dd8448eb211c80319c-${client.spanContext().spanId}-01\r\n`);
  });

  it('counts each request once, each try once, and no health check', async () => {
    const dead = await rig.tcp(() => {});
    dead.server.close();
    const upstream = await rig.tcp(answering(OK));
    const { port } = await rig.balancer({
      upstreams: [dead.url, upstream.url],
      policy: 'round_robin',
      ejection: { failures: 0 },
      health_check: { interval: '20ms', down: 1000 },
    });
    for (let at = 0; at < 4; at += 1) await raw(port, 'GET /a HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n');
    await raw(port, 'GET /-/livez HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n');
    const server = await points(METRICS.httpServerDuration.name);
    expect(server.map((point) => [point.attributes['http.route'], (point.value as { count: number }).count])).toEqual([
      ['/a', 4],
    ]);
    const tries = await points(METRICS.upstreamRequests.name);
    const good = tries.filter((point) => point.attributes['http.response.status_code'] === 200);
    const bad = tries.filter((point) => point.attributes['error.type'] === 'refused');
    expect(good.map((point) => point.value)).toEqual([4]);
    expect(bad).toHaveLength(1);
    const retries = await points(METRICS.retries.name);
    expect(retries.map((point) => point.attributes.reason)).toEqual(['refused']);
    expect(retries[0].value).toBe(bad[0].value);
    const resent = spans.getFinishedSpans().filter((span) => span.attributes['http.request.resend_count'] === 1);
    expect(resent).toHaveLength(Number(bad[0].value));
    expect((await points(METRICS.upstreamUp.name)).map((point) => point.value)).toEqual([1, 1]);
    expect((await points(METRICS.httpServerActive.name)).map((point) => point.value)).toEqual([0]);
    expect((await points(METRICS.phaseDuration.name)).map((point) => point.attributes['vitrine.phase'])).toContain(
      'upstream',
    );
    expect((await points(METRICS.queueSize.name)).map((point) => point.value)).toEqual([0]);
  });

  it('creates no series for unknown methods and paths', async () => {
    const upstream = await rig.tcp(answering('HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n'));
    const { port } = await rig.balancer({ upstreams: [upstream.url] });
    for (const method of ['PROPFIND', 'MKCOL', 'PURGE', 'LOCK']) {
      for (let at = 0; at < 5; at += 1)
        await raw(port, `${method} /scan-${method}${at} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n`);
    }
    const server = await points(METRICS.httpServerDuration.name);
    expect(server.map((point) => [point.attributes['http.request.method'], point.attributes['http.route']])).toEqual([
      ['_OTHER', '/*'],
    ]);
    expect(spans.getFinishedSpans().some((span) => span.name === 'HTTP /*')).toBe(true);
  });

  it('names the route of a request that waited for the answer to another', async () => {
    const upstream = await rig.tcp(answering(OK));
    const answered = Promise.withResolvers<void>();
    const response: CachedResponse = { status: 200, headers: [], body: Buffer.from('ok'), cacheStatus: 'vitrine; hit' };
    let lookups = 0;
    const responseCache: ResponseCache = {
      lookup: (): CacheLookup | Promise<CacheLookup> => {
        lookups += 1;
        if (lookups > 1) return { kind: 'bypass', cacheStatus: 'vitrine; fwd=bypass' };
        return answered.promise.then(() => ({ kind: 'hit', response }));
      },
      invalidate: () => {},
    };
    const { port } = await rig.balancer({ upstreams: [upstream.url] }, { responseCache });
    const get = 'GET /users/7 HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n';
    const waiting = raw(port, get);
    await until(() => lookups === 1);
    await raw(port, get);
    answered.resolve();
    await waiting;
    await until(() => spans.getFinishedSpans().length === 3);
    expect(new Set(spans.getFinishedSpans().map(({ name }) => name))).toEqual(new Set(['GET', 'GET /users/:id']));
  });

  it('marks 5xx as errors, not 4xx, and records why a try failed', async () => {
    const upstream = await rig.tcp((socket) => socket.on('data', () => socket.destroy()));
    const { port } = await rig.balancer({ upstreams: [upstream.url] });
    await raw(port, 'POST / HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: 0\r\n\r\n');
    await until(() => spans.getFinishedSpans().length === 2);
    const [client, server] = spans.getFinishedSpans();
    expect(server.status.code).toBe(2);
    expect(server.attributes['error.type']).toBe('reset');
    expect(client.attributes['error.type']).toBe('reset');
    const refused = await rig.balancer({ upstreams: [upstream.url] });
    await raw(refused.port, 'GET / HTTP/1.1\r\n\r\n');
    expect(
      (await points(METRICS.httpServerDuration.name)).some(
        (point) => point.attributes['http.response.status_code'] === 400,
      ),
    ).toBe(true);
  });
});

describe('response cache', () => {
  let rig: Rig;
  beforeEach(() => {
    rig = new Rig();
  });
  afterEach(() => rig[Symbol.asyncDispose]());

  /** A cache that records its calls and answers as the test tells it. */
  function scripted(
    lookup: (request: CacheRequest) => CacheLookup | Promise<CacheLookup>,
  ): ResponseCache & { readonly log: string[] } {
    const log: string[] = [];
    return {
      log,
      lookup: (request) => {
        log.push(`lookup ${request.method} ${request.host} ${request.target}`);
        return lookup(request);
      },
      invalidate: (request, status) => {
        log.push(`invalidate ${request.target} ${status}`);
        return undefined;
      },
    };
  }

  function fill(log: string[], conditional: Record<string, string> = {}, instead?: CachedResponse): CacheFill {
    return {
      conditional,
      validates: Object.keys(conditional).length > 0,
      waiters: 0,
      unchanged: () => undefined,
      mayStore: () => true,
      head: (status) => {
        log.push(`head ${status}`);
        return true;
      },
      chunk: (bytes) => {
        log.push(`chunk ${bytes.toString()}`);
        return true;
      },
      end: () => void log.push('end'),
      abort: () => void log.push('abort'),
      validated: () => {
        log.push('validated');
        return instead;
      },
      failed: (status) => {
        log.push(`failed ${status}`);
        return instead;
      },
    };
  }

  const kept: CachedResponse = {
    status: 200,
    headers: ['Content-Type', 'text/plain', 'Age', '3'],
    body: Buffer.from('kept'),
    cacheStatus: 'vitrine; hit; ttl=9',
  };

  it('answers a hit without the upstream, also from a promise', async () => {
    const upstream = await rig.tcp(answering(OK));
    const cache = scripted(async () => ({ kind: 'hit', response: kept }));
    const { port } = await rig.balancer({ upstreams: [upstream.url] }, { responseCache: cache });
    const { text } = await raw(port, `${GET}HEAD / HTTP/1.1\r\nHost: a\r\n\r\n`, /HTTP.*HTTP.*\r\n\r\n$/s);
    expect(text).toMatch(/^HTTP\/1\.1 200 \r\nContent-Type: text\/plain\r\nAge: 3\r\n/);
    expect(text).toContain('Cache-Status: vitrine; hit; ttl=9\r\n');
    expect(text).toMatch(/cache;desc=hit;dur=/);
    expect(text).toMatch(/Content-Length: 4\r\n\r\nkeptHTTP/);
    expect(upstream.sockets.size).toBe(0);
    expect(cache.log).toEqual(['lookup GET a /', 'lookup HEAD a /']);
  });

  it('gives the complete answer of a miss to the fill', async () => {
    const upstream = await rig.tcp(answering(OK));
    const cache = scripted(() => ({ kind: 'miss', cacheStatus: 'vitrine; fwd=uri-miss', fill: fill(cache.log) }));
    const { port } = await rig.balancer({ upstreams: [upstream.url] }, { responseCache: cache });
    const { text } = await raw(port, GET, /ok$/);
    expect(text).toContain('Cache-Status: vitrine; fwd=uri-miss; fwd-status=200; stored\r\n');
    expect(cache.log).toEqual(['lookup GET a /', 'head 200', 'chunk ok', 'end']);
  });

  it('never ends the fill of a body that was cut short', async () => {
    const upstream = await rig.tcp(answering('HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf', 'end'));
    const cache = scripted(() => ({ kind: 'miss', cacheStatus: 'x', fill: fill(cache.log) }));
    const { port } = await rig.balancer({ upstreams: [upstream.url] }, { responseCache: cache });
    await raw(port, GET);
    expect(cache.log).toContain('abort');
    expect(cache.log).not.toContain('end');
  });

  it('sends the condition of the cache and serves the validated answer', async () => {
    let head = '';
    const upstream = await rig.tcp((socket) => {
      socket.on('data', (bytes) => {
        head = bytes.toString('latin1');
        socket.write('HTTP/1.1 304 Not Modified\r\nETag: "a"\r\n\r\n');
      });
    });
    const cache = scripted(() => ({
      kind: 'miss',
      cacheStatus: 'x',
      fill: fill(cache.log, { 'if-none-match': '"a"' }, kept),
    }));
    const { port } = await rig.balancer({ upstreams: [upstream.url] }, { responseCache: cache });
    const { text } = await raw(port, 'GET / HTTP/1.1\r\nHost: a\r\nIf-None-Match: "mine"\r\n\r\n', /kept$/);
    expect(head).toContain('if-none-match: "a"\r\n');
    expect(head).not.toContain('mine');
    expect(text).toMatch(/^HTTP\/1\.1 200/);
    expect(cache.log).toEqual(['lookup GET a /', 'validated', 'end']);
  });

  it('asks again without the condition when the validated entry is gone', async () => {
    const heads: string[] = [];
    const upstream = await rig.tcp((socket) => {
      socket.on('data', (bytes) => {
        heads.push(bytes.toString('latin1'));
        socket.write(heads.length === 1 ? 'HTTP/1.1 304 Not Modified\r\n\r\n' : OK);
      });
    });
    const cache = scripted(() => ({
      kind: 'miss',
      cacheStatus: 'x',
      fill: fill(cache.log, { 'if-none-match': '"a"' }),
    }));
    const { port } = await rig.balancer({ upstreams: [upstream.url] }, { responseCache: cache });
    expect((await raw(port, GET, /ok$/)).status).toBe(200);
    expect(cache.log).toEqual(['lookup GET a /', 'validated', 'abort']);
    expect(heads[1]).not.toMatch(/if-none-match/i);
  });

  it('refreshes with a condition, and stops on an error', async () => {
    for (const [answer, last] of [
      ['HTTP/1.1 304 Not Modified\r\n\r\n', 'end'],
      ['HTTP/1.1 500 No\r\nContent-Length: 0\r\n\r\n', 'abort'],
      ['', 'abort'],
    ]) {
      const upstream = await rig.tcp(answering(answer, 'end'));
      const cache = scripted(() => ({
        kind: 'stale',
        response: kept,
        refresh: fill(cache.log, { 'if-none-match': '"a"' }, kept),
      }));
      const { port } = await rig.balancer({ upstreams: [upstream.url] }, { responseCache: cache });
      expect((await raw(port, GET, /kept$/)).status).toBe(200);
      await until(() => cache.log.at(-1) === last);
    }
  });

  it('serves a stale answer instead of an error', async () => {
    const failing = await rig.tcp(answering('HTTP/1.1 500 No\r\nContent-Length: 4\r\n\r\noops'));
    const gone = await rig.tcp(() => {});
    gone.server.close();
    for (const url of [failing.url, gone.url]) {
      const cache = scripted(() => ({ kind: 'miss', cacheStatus: 'x', fill: fill(cache.log, {}, kept) }));
      const { port } = await rig.balancer({ upstreams: [url] }, { responseCache: cache });
      expect((await raw(port, GET, /kept$/)).status).toBe(200);
      expect(cache.log.at(-1)).toBe('end');
    }
  });

  it('refreshes in the background while it serves a stale answer', async () => {
    const upstream = await rig.tcp(answering(OK));
    const cache = scripted(() => ({ kind: 'stale', response: kept, refresh: fill(cache.log) }));
    const { port } = await rig.balancer({ upstreams: [upstream.url] }, { responseCache: cache });
    expect((await raw(port, GET, /kept$/)).status).toBe(200);
    await until(() => cache.log.includes('end'));
    expect(cache.log).toEqual(['lookup GET a /', 'head 200', 'chunk ok', 'end']);
  });

  it('invalidates on unsafe methods and does not look them up', async () => {
    const upstream = await rig.tcp(answering(OK));
    const cache = scripted(() => ({ kind: 'bypass', cacheStatus: 'vitrine; fwd=bypass' }));
    const { port } = await rig.balancer({ upstreams: [upstream.url] }, { responseCache: cache });
    await raw(port, 'DELETE /x HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n');
    expect(cache.log).toEqual(['invalidate /x 200']);
    expect((await raw(port, GET, /ok$/)).text).toContain('Cache-Status: vitrine; fwd=bypass\r\n');
  });
});
