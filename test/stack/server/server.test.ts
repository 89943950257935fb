import { connect } from 'node:net';
import { Readable } from 'node:stream';
import { gzipSync } from 'node:zlib';
import { SpanKind, SpanStatusCode, context, createContextKey, trace } from '@opentelemetry/api';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { systemClock } from '../../../src/base/clock.ts';
import { VitrineError } from '../../../src/base/errors.ts';
import { readJson } from '../../../src/stack/server/body.ts';
import type { KitContext, KitRouter } from '../../../src/stack/server/context.ts';
import { HealthRegistry } from '../../../src/stack/server/health.ts';
import type { ServerOptions } from '../../../src/stack/server/options.ts';
import { SERVER_LIMITS, SERVER_TIMEOUTS } from '../../../src/stack/server/options.ts';
import type { KitServer } from '../../../src/stack/server/server.ts';
import { createServer } from '../../../src/stack/server/server.ts';
import { sendRaw } from '../../support/http/raw-http.ts';
import { until } from '../../support/until.ts';
import { movedClock } from '../../support/moved-clock.ts';
import { recordTelemetry } from '../../support/telemetry/recorded-telemetry.ts';
import { recordingLogger } from '../../support/recording-logger.ts';

const telemetry = recordTelemetry();
const logger = recordingLogger();
const releases: (() => void)[] = [];

function routes(router: KitRouter): void {
  router.get('/things/:id', (ctx) => {
    ctx.state.note({ thing_id: ctx.params.id });
    ctx.state.log.info({}, 'handled');
    ctx.body = { id: ctx.params.id };
  });
  router.post('/things', async (ctx: KitContext) => {
    ctx.body = { got: await readJson(ctx.req, { maxBytes: 1000, idleMs: 200 }) };
  });
  router.get('/broken', () => {
    throw new Error('secret inner detail');
  });
  router.get('/refused', () => {
    throw new VitrineError('too_many_requests', 'Slow down.', { hint: 'Wait.', headers: { 'Retry-After': '3' } });
  });
  router.get('/unserializable', (ctx) => {
    ctx.body = { n: 1n };
  });
  router.get('/throws-koa', (ctx) => ctx.throw(418, 'teapot'));
  router.get('/throws-429', (ctx) => ctx.throw(429));
  router.get('/sets-429', (ctx) => {
    ctx.status = 429;
    ctx.body = 'later';
  });
  router.get('/cut', (ctx) => {
    ctx.body = Readable.from(
      (async function* chunks() {
        yield Buffer.from('begun');
        throw new Error('stream broke');
      })(),
    );
  });
  router.get('/slow', async (ctx) => {
    await new Promise<void>((resolve) => releases.push(resolve));
    ctx.body = 'done';
  });
  router.get('/cacheable', (ctx) => {
    ctx.set('Cache-Control', 'public, max-age=5');
    ctx.body = 'x';
  });
}

function optionsWith(change: Partial<ServerOptions> = {}): ServerOptions {
  return {
    host: '127.0.0.1',
    port: 0,
    telemetry: 'own',
    logger,
    clock: systemClock,
    health: new HealthRegistry(systemClock),
    routes,
    healthPrefix: '',
    accessLog: true,
    limits: SERVER_LIMITS,
    timeouts: { ...SERVER_TIMEOUTS, drainNoticeMs: 30, drainMs: 300, headMs: 300, checkMs: 50 },
    ...change,
  };
}

let server: KitServer;
let port = 0;
let base = '';

beforeAll(async () => {
  server = createServer(optionsWith());
  ({ port } = await server.listen());
  base = `http://127.0.0.1:${port}`;
});
afterAll(() => server.close());
beforeEach(() => {
  telemetry.reset();
  logger.lines.length = 0;
});

describe('a request', () => {
  it('has an id: a valid one is kept, an invalid one is replaced', async () => {
    const kept = await fetch(`${base}/things/7`, { headers: { 'X-Request-Id': 'abc-1' } });
    expect(kept.headers.get('x-request-id')).toBe('abc-1');
    const replaced = await fetch(`${base}/things/7`, { headers: { 'X-Request-Id': 'a b"c' } });
    expect(replaced.headers.get('x-request-id')).toMatch(/^[0-9a-f]{32}$/);
    const long = await fetch(`${base}/things/7`, { headers: { 'X-Request-Id': 'x'.repeat(129) } });
    expect(long.headers.get('x-request-id')).toMatch(/^[0-9a-f]{32}$/);
  });

  it('gets the id of its trace when it sends none', async () => {
    const traceId = '0af7651916cd43dd8448eb211c80319c';
    const made = await fetch(`${base}/things/7`, { headers: { traceparent: `00-${traceId}-b7ad6b7169203331-01` } });
    expect(made.headers.get('x-request-id')).toBe(traceId);
  });

  it('is logged with its id and the fields from the handler', async () => {
    await fetch(`${base}/things/7`, { headers: { 'X-Request-Id': 'abc-2' } });
    await until(() => logger.lines.some(({ message }) => message === 'request done'));
    expect(logger.lines.map(({ message, fields }) => [message, fields.request_id, fields.thing_id])).toEqual([
      ['handled', 'abc-2', '7'],
      ['request done', 'abc-2', '7'],
    ]);
    expect(logger.lines[1].fields).toMatchObject({ method: 'GET', route: '/things/:id', status: 200 });
  });

  it('is logged at a level that depends on the outcome', async () => {
    const lineOf = async (path: string, init: RequestInit = {}) => {
      logger.lines.length = 0;
      await (await fetch(base + path, init)).text();
      await until(() => logger.lines.some(({ message }) => message.startsWith('request ')));
      return logger.lines.findLast(({ message }) => message.startsWith('request '));
    };
    const body = { method: 'POST', headers: { 'Content-Type': 'application/json' }, body: '{}' };
    expect(await lineOf('/things/7')).toMatchObject({ level: 'debug', message: 'request done' });
    expect(await lineOf('/things', body)).toMatchObject({ level: 'info', message: 'request done' });
    expect(await lineOf('/refused')).toMatchObject({ level: 'warn', message: 'request refused' });
    expect(await lineOf('/broken')).toMatchObject({ level: 'error', message: 'request failed' });
  });

  it('that is slow is logged as a warning', async () => {
    const clock = movedClock(1_000);
    await using slow = createServer(optionsWith({ clock }));
    const { port: at } = await slow.listen();
    logger.lines.length = 0;
    const answer = fetch(`http://127.0.0.1:${at}/slow`);
    await until(() => releases.length > 0);
    await clock.advance(1_001);
    releases.splice(0).forEach((release) => release());
    await (await answer).text();
    await until(() => logger.lines.some(({ message }) => message === 'request slow'));
    expect(logger.lines.find(({ message }) => message === 'request slow')).toMatchObject({ level: 'warn' });
  });

  it('for its health is neither logged nor measured nor traced', async () => {
    const before = await telemetry.total('http.server.request.duration');
    for (const path of ['/health', '/livez', '/readyz?x=1']) expect((await fetch(base + path)).status).toBe(200);
    await fetch(`${base}/refused`);
    await until(() => telemetry.spans().length > 0);
    expect(telemetry.spans().map(({ name }) => name)).toEqual(['GET /refused']);
    expect(await telemetry.total('http.server.request.duration')).toBe(before + 1);
    expect(logger.lines.map(({ message }) => message)).toEqual(['request refused']);
  });

  it('has a server span under the caller’s trace, named and measured by route', async () => {
    const before = await telemetry.total('http.server.request.duration', { 'http.route': '/things/:id' });
    await fetch(`${base}/things/7`, {
      headers: { traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01' },
    });
    await until(() => telemetry.spans().length === 1);
    const [span] = telemetry.spans();
    expect(span.name).toBe('GET /things/:id');
    expect(span.kind).toBe(SpanKind.SERVER);
    expect(span.spanContext().traceId).toBe('0af7651916cd43dd8448eb211c80319c');
    expect(span.attributes).toMatchObject({
      'http.request.method': 'GET',
      'http.route': '/things/:id',
      'http.response.status_code': 200,
      'url.path': '/things/7',
      'url.scheme': 'http',
    });
    const labels = { 'http.route': '/things/:id', 'http.request.method': 'GET', 'http.response.status_code': 200 };
    expect(await telemetry.total('http.server.request.duration', labels)).toBe(before + 1);
    await until(async () => (await telemetry.total('http.server.active_requests')) === 0);
  });

  it('that fails marks its span and its measurement as errors', async () => {
    await fetch(`${base}/broken`);
    await until(() => telemetry.spans().length === 1);
    expect(telemetry.spans()[0].status.code).toBe(SpanStatusCode.ERROR);
    expect(telemetry.spans()[0].attributes['error.type']).toBe('500');
  });

  it('that the client aborts is measured as aborted', async () => {
    const abort = new AbortController();
    const answer = fetch(`${base}/slow`, { signal: abort.signal }).catch(() => undefined);
    await until(() => releases.length === 1);
    abort.abort();
    await answer;
    await until(() => telemetry.spans().length === 1);
    expect(telemetry.spans()[0].attributes['error.type']).toBe('aborted');
    releases.pop()?.();
  });

  it('is answered with the security headers and the Cache-Control of the handler', async () => {
    const plain = await fetch(`${base}/things/1`);
    expect(plain.headers.get('x-content-type-options')).toBe('nosniff');
    expect(plain.headers.get('content-security-policy')).toContain("default-src 'none'");
    expect(plain.headers.get('cache-control')).toBe('no-store');
    const cacheable = await fetch(`${base}/cacheable`);
    expect(cacheable.headers.get('cache-control')).toBe('public, max-age=5');
  });
});

describe('an error', () => {
  it('with a code is sent with hint and headers', async () => {
    const response = await fetch(`${base}/refused`, { headers: { 'X-Request-Id': 'err-1' } });
    expect(response.status).toBe(429);
    expect(response.headers.get('retry-after')).toBe('3');
    expect(response.headers.get('content-type')).toBe('application/problem+json');
    expect(await response.json()).toMatchObject({ code: 'too_many_requests', hint: 'Wait.', instance: 'err-1' });
  });

  it('without a code is logged and not revealed', async () => {
    const response = await fetch(`${base}/broken`);
    expect(response.status).toBe(500);
    expect(await response.text()).not.toContain('secret');
    const line = logger.lines.find(({ message }) => message === 'unexpected error');
    expect(line?.fields.err).toMatchObject({ message: 'secret inner detail' });
  });

  it('while the body is created or sent becomes a problem too, or cuts the connection', async () => {
    const response = await fetch(`${base}/unserializable`);
    expect(response.status).toBe(500);
    expect(await response.json()).toMatchObject({ code: 'internal' });
    await expect(fetch(`${base}/cut`).then((r) => r.text())).rejects.toThrow();
  });

  it('without a route is 404, 405 with Allow, or 204 with Allow for OPTIONS', async () => {
    expect((await fetch(`${base}/nothing`)).status).toBe(404);
    const wrong = await fetch(`${base}/things/1`, { method: 'DELETE' });
    expect([wrong.status, wrong.headers.get('allow')]).toEqual([405, 'GET, HEAD']);
    const options = await fetch(`${base}/things/1`, { method: 'OPTIONS' });
    expect([options.status, options.headers.get('allow')]).toEqual([204, 'GET, HEAD']);
    expect((await fetch(`${base}/throws-koa`)).status).toBe(400);
    expect((await fetch(`${base}/things/1`, { method: 'HEAD' })).status).toBe(200);
  });
});

describe('a rate limit of the service', () => {
  it.each(['/refused', '/throws-429', '/sets-429'])('is counted by route when it refuses %s', async (path) => {
    const refusals = (): Promise<number> =>
      telemetry.total('vitrine.server.rate_limit.refusals', { 'http.route': path });
    const before = await refusals();
    expect((await fetch(`${base}${path}`)).status).toBe(429);
    expect(await refusals()).toBe(before + 1);
    // A check of this installation is not a user.
    expect((await fetch(`${base}${path}`, { headers: { baggage: 'synthetic=true' } })).status).toBe(429);
    expect(await refusals()).toBe(before + 1);
  });

  it('counts no other answer', async () => {
    const before = await telemetry.total('vitrine.server.rate_limit.refusals');
    for (const path of ['/things/1', '/broken', '/throws-koa', '/nothing']) await fetch(`${base}${path}`);
    expect(await telemetry.total('vitrine.server.rate_limit.refusals')).toBe(before);
  });
});

describe('a body', () => {
  const post = (body: string | Uint8Array<ArrayBuffer>, headers: Record<string, string> = {}) =>
    fetch(`${base}/things`, { method: 'POST', body, headers: { 'Content-Type': 'application/json', ...headers } });

  it('is read as JSON, plain and gzipped', async () => {
    expect(await (await post('{"a":[1,"]"]}')).json()).toEqual({ got: { a: [1, ']'] } });
    const zipped = await post(new Uint8Array(gzipSync('{"a":2}')), { 'Content-Encoding': 'gzip' });
    expect(await zipped.json()).toEqual({ got: { a: 2 } });
    expect((await post('{}', { 'Content-Type': 'application/vnd.x+json; charset=utf-8' })).status).toBe(200);
  });

  it('is refused when it is too large, as sent, as streamed or as decoded', async () => {
    expect((await post(`"${'x'.repeat(1000)}"`)).status).toBe(413);
    expect((await post(new Uint8Array(gzipSync('x'.repeat(100_000))), { 'Content-Encoding': 'gzip' })).status).toBe(
      413,
    );
    const chunk = `400\r\n${'x'.repeat(1024)}\r\n`;
    const head =
      'POST /things HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n';
    expect(await sendRaw(port, head + chunk)).toMatch(/^HTTP\/1.1 413 /);
  });

  it('is refused for an unsupported type, coding or syntax', async () => {
    expect((await post('{}', { 'Content-Type': 'text/plain' })).status).toBe(415);
    expect((await post('{}', { 'Content-Encoding': 'gzip, gzip' })).status).toBe(415);
    expect((await post('{}', { 'Content-Encoding': 'gzip' })).status).toBe(400);
    expect((await post('{"a":')).status).toBe(400);
    expect((await post(new Uint8Array([0x22, 0xff, 0x22]))).status).toBe(400);
    expect((await post('['.repeat(100) + ']'.repeat(100))).status).toBe(400);
  });

  it('that stalls is answered 408', async () => {
    const head = 'POST /things HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: 10\r\n\r\n{';
    expect(await sendRaw(port, head)).toMatch(/^HTTP\/1.1 408 /);
  });
});

describe('a request head', () => {
  const cases: readonly (readonly [string, string, number])[] = [
    ['no Host', 'GET /livez HTTP/1.1\r\nConnection: close\r\n\r\n', 400],
    ['two Hosts', 'GET /livez HTTP/1.1\r\nHost: a\r\nhost: b\r\n\r\n', 400],
    ['a Host with user information', 'GET /livez HTTP/1.1\r\nHost: a@evil\r\n\r\n', 400],
    ['a Host with an impossible port', 'GET /livez HTTP/1.1\r\nHost: a:99999\r\n\r\n', 400],
    ['HTTP/1.0 without Host', 'GET /livez HTTP/1.0\r\n\r\n', 200],
    ['an empty absolute target', 'GET http:// HTTP/1.1\r\nHost: a\r\n\r\n', 400],
    ['an asterisk', 'GET * HTTP/1.1\r\nHost: a\r\n\r\n', 400],
    ['TRACE', 'TRACE / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n', 501],
    ['101 fields', `GET / HTTP/1.1\r\nHost: a\r\n${'X: y\r\n'.repeat(100)}\r\n`, 431],
    ['17 KiB', `GET / HTTP/1.1\r\nHost: a\r\nX: ${'y'.repeat(17 * 1024)}\r\n\r\n`, 431],
    ['a 9 KiB target', `GET /${'y'.repeat(9 * 1024)} HTTP/1.1\r\nHost: a\r\n\r\n`, 414],
    [
      'both framings',
      'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
      400,
    ],
    ['no HTTP', 'hello\r\n\r\n', 400],
    ['an unfinished line', 'GET / HT', 408],
    ['a field called __proto__', 'GET /livez HTTP/1.1\r\nHost: a\r\n__proto__: x\r\nConnection: close\r\n\r\n', 200],
  ];
  it.each(cases)('with %s', async (_name, bytes, status) => {
    expect(await sendRaw(port, bytes)).toMatch(new RegExp(`^HTTP/1.1 ${status} `));
  });
});

describe('in a host that creates the span itself', () => {
  it('only adds the route', async () => {
    await using ambient = createServer(optionsWith({ telemetry: 'ambient' }));
    const [handle] = ambient.http.listeners('request') as ((req: unknown, res: unknown) => void)[];
    const metadata = {};
    const span = trace.getTracer('host').startSpan('GET');
    ambient.http.removeAllListeners('request').on('request', (req, res) => {
      const key = createContextKey('OpenTelemetry SDK Context Key RPC_METADATA');
      context.with(trace.setSpan(context.active(), span).setValue(key, metadata), () => handle(req, res));
    });
    const { port: ambientPort } = await ambient.listen();
    const before = await telemetry.total('http.server.request.duration');
    await fetch(`http://127.0.0.1:${ambientPort}/things/9`);
    span.end();
    expect(telemetry.spans().map(({ name, attributes }) => [name, attributes['http.route']])).toEqual([
      ['GET /things/:id', '/things/:id'],
    ]);
    expect(metadata).toEqual({ route: '/things/:id' });
    expect(await telemetry.total('http.server.request.duration')).toBe(before);
  });
});

describe('the shutdown', () => {
  it('ends readiness, lets requests in flight finish, and refuses new connections', async () => {
    const health = new HealthRegistry(systemClock);
    await using ending = createServer(optionsWith({ health, timeouts: { ...SERVER_TIMEOUTS, drainNoticeMs: 150 } }));
    const { port: endingPort } = await ending.listen();
    const slow = fetch(`http://127.0.0.1:${endingPort}/slow`);
    await until(() => releases.length === 1);
    const drained = ending.drain();
    const ready = await fetch(`http://127.0.0.1:${endingPort}/readyz`);
    expect([ready.status, await ready.text(), ready.headers.get('connection')]).toEqual([503, 'draining\n', 'close']);
    await until(() => !ending.http.listening);
    releases.pop()?.();
    expect(await (await slow).text()).toBe('done');
    expect(await drained).toEqual({ cut: 0 });
    expect(await ending.drain()).toEqual({ cut: 0 });
    await expect(fetch(`http://127.0.0.1:${endingPort}/livez`)).rejects.toThrow();
  });

  it('cuts requests that take longer than the limit', async () => {
    await using ending = createServer(optionsWith());
    const { port: endingPort } = await ending.listen();
    const slow = fetch(`http://127.0.0.1:${endingPort}/slow`).then(
      () => 'answered',
      () => 'cut',
    );
    await until(() => releases.length === 1);
    expect(await ending.drain()).toEqual({ cut: 1 });
    expect(await slow).toBe('cut');
    releases.pop()?.();
    expect(logger.lines.some(({ message }) => message.includes('were cut'))).toBe(true);
  });

  it('of a server whose address is taken reports an error with a code', async () => {
    await using second = createServer(optionsWith({ port }));
    await expect(second.listen()).rejects.toMatchObject({ code: 'port_taken' });
    await using foreign = createServer(optionsWith({ host: '192.0.2.1' }));
    await expect(foreign.listen()).rejects.toMatchObject({ code: 'bind_failed' });
  });

  it('does not wait for a connection that sends nothing', async () => {
    await using ending = createServer(optionsWith());
    const { port: endingPort } = await ending.listen();
    const socket = connect(endingPort, '127.0.0.1');
    await new Promise((resolve) => socket.once('connect', resolve));
    await ending.drain();
    socket.destroy();
    expect(ending.http.listening).toBe(false);
  });
});
