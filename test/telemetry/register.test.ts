import type { ChildProcess } from 'node:child_process';
import { fork, spawn } from 'node:child_process';
import { once } from 'node:events';
import http from 'node:http';
import path from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import type { Collector, Mode } from './collector.ts';
import { startCollector } from './collector.ts';

const APPS = path.join(import.meta.dirname, 'fixtures/apps');
const REGISTER = path.resolve(import.meta.dirname, '../../src/telemetry/register.ts');
const open: (() => unknown)[] = [];

afterEach(async () => {
  for (const close of open.splice(0)) await close();
});

async function collector(mode: Mode = 'ok'): Promise<Collector> {
  const made = await startCollector(mode);
  open.push(() => made.close());
  return made;
}

const environment = (url: string): NodeJS.ProcessEnv => ({
  PATH: process.env['PATH'],
  OTEL_EXPORTER_OTLP_ENDPOINT: url,
  OTEL_EXPORTER_OTLP_PROTOCOL: 'http/json',
  OTEL_BSP_SCHEDULE_DELAY: '50',
  OTEL_BLRP_SCHEDULE_DELAY: '50',
});

interface Service {
  readonly child: ChildProcess;
  readonly port: number;
}

async function serve(app: string, url: string, env: NodeJS.ProcessEnv = {}): Promise<Service> {
  const options = { env: { ...environment(url), ...env }, execArgv: ['--import', REGISTER], stdio: 'pipe' as const };
  const child = fork(path.join(APPS, app), [], { ...options, stdio: ['ignore', 'pipe', 'pipe', 'ipc'] });
  open.push(() => child.kill('SIGKILL'));
  const [{ port }] = (await once(child, 'message')) as [{ port: number }];
  return { child, port };
}

interface Span {
  readonly name: string;
  readonly kind: number;
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId?: string;
  readonly status: { readonly code?: number };
  readonly attributes: Record<string, unknown>;
}

type Pair = { readonly key: string; readonly value: Readonly<Record<string, unknown>> };
const plain = (pairs: readonly Pair[]): Record<string, unknown> =>
  Object.fromEntries(pairs.map(({ key, value }) => [key, Object.values(value)[0]]));

function spansOf({ bodies }: Collector): Span[] {
  const found: Span[] = [];
  for (const { body } of bodies.filter((each) => each.path === '/v1/traces')) {
    const parsed = JSON.parse(body.toString()) as {
      resourceSpans: { scopeSpans: { spans: (Span & { attributes: Pair[] })[] }[] }[];
    };
    for (const { scopeSpans } of parsed.resourceSpans) {
      for (const { spans } of scopeSpans)
        for (const span of spans) found.push({ ...span, attributes: plain(span.attributes) });
    }
  }
  return found;
}

/** Name, unit and label sets of the HTTP histograms. */
function seriesOf({ bodies }: Collector): string[] {
  const found = new Set<string>();
  for (const { body } of bodies.filter((each) => each.path === '/v1/metrics')) {
    const text = body.toString();
    const parsed = JSON.parse(text) as {
      resourceMetrics: {
        scopeMetrics: {
          metrics: { name: string; unit: string; histogram?: { dataPoints: { attributes: Pair[] }[] } }[];
        }[];
      }[];
    };
    for (const { scopeMetrics } of parsed.resourceMetrics) {
      for (const { name, unit, histogram } of scopeMetrics.flatMap((scope) => scope.metrics)) {
        if (!name.startsWith('http.')) continue;
        for (const { attributes } of histogram?.dataPoints ?? []) {
          const labels = Object.entries(withoutPorts(withoutRoute(plain(attributes))))
            .map(([key, value]) => `${key}=${String(value)}`)
            .sort();
          found.add(`${name}[${unit}] ${labels.join(' ')}`);
        }
      }
    }
  }
  return [...found].sort();
}

/** A service without a framework has routes by the shape of its paths here, and none with the standard instrumentation. */
function withoutRoute({ 'http.route': _route, ...attributes }: Record<string, unknown>): Record<string, unknown> {
  return attributes;
}

/** Ports are free ones and differ from run to run. */
function withoutPorts(attributes: Record<string, unknown>): Record<string, unknown> {
  const blank = (value: unknown): unknown =>
    typeof value === 'string' ? value.replace(/127\.0\.0\.1:\d+/, '127.0.0.1:PORT') : value;
  return Object.fromEntries(
    Object.entries(attributes).map(([key, value]) => {
      const isFree = key === 'network.peer.port' || (key === 'server.port' && Number(value) > 1_024);
      return [key, isFree ? 'PORT' : blank(value)];
    }),
  );
}

async function runToEnd(preload: string): Promise<Collector> {
  const made = await collector();
  const env = { ...environment(made.url), OTEL_METRICS_EXPORTER: 'otlp', OTEL_LOGS_EXPORTER: 'none' };
  const child = spawn(process.execPath, ['--import', preload, path.join(APPS, 'plain.cjs')], { env, stdio: 'inherit' });
  const [code] = (await once(child, 'exit')) as [number];
  expect(code).toBe(0);
  return made;
}

const get = (port: number, target: string, options: http.RequestOptions = {}, body?: string): Promise<string> =>
  new Promise((resolve, reject) => {
    const request = http.request({ host: '127.0.0.1', port, path: target, ...options }, (response) => {
      let text = '';
      response.on('data', (chunk: Buffer) => (text += chunk.toString()));
      response.on('end', () => resolve(text));
    });
    request.on('error', reject);
    request.end(body);
  });

const spansWithin = (made: Collector, names: readonly string[]): Promise<unknown> =>
  expect
    .poll(() => spansOf(made).map(({ name }) => name), { timeout: 10_000 })
    .toEqual(expect.arrayContaining([...names]));

describe('register', () => {
  it('makes the same spans and metrics as the standard instrumentation of node:http', async () => {
    const [ours, standard] = await Promise.all([runToEnd(REGISTER), runToEnd(path.join(APPS, 'standard-http.mjs'))]);
    const shape = (made: Collector): unknown[] =>
      spansOf(made).map(({ name, kind, status, attributes }) => ({
        // The conventions say HTTP for an unknown method; the standard instrumentation writes the method itself.
        name: (name === 'PROPFIND' ? 'HTTP' : name).replace(/ \/.*/, ''),
        kind,
        code: status.code ?? 0,
        attributes: withoutPorts(withoutRoute(attributes)),
      }));
    const sorted = (list: unknown[]): string[] => list.map((each) => stable(each)).sort();
    expect(sorted(shape(ours))).toEqual(sorted(shape(standard)));
    expect(seriesOf(ours)).toEqual(seriesOf(standard));
    const remote = spansOf(ours).find(({ kind, attributes }) => kind === 2 && attributes['url.path'] === '/plain');
    expect(remote).toMatchObject({ attributes: { 'url.query': 'x=1&sig=REDACTED' } });
  });

  it('records the routes and logs of a Koa service, and keeps the context in events of a body', async () => {
    const made = await collector();
    const { port, child } = await serve('koa.mjs', made.url);
    let printed = '';
    child.stderr!.on('data', (chunk: Buffer) => (printed += chunk.toString()));
    const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
    const ids = await Promise.all([
      get(port, '/users/1', { agent }),
      get(port, '/users/2', { agent }),
      get(port, '/nothing', { agent }),
    ]);
    const posted = await get(port, '/upload', { method: 'POST', agent }, 'x'.repeat(100_000));
    agent.destroy();
    await spansWithin(made, ['GET /users/:id', 'POST /upload', 'GET']);
    const spans = spansOf(made);
    for (const id of [ids[0], ids[1], posted]) expect(spans.map(({ traceId }) => traceId)).toContain(id);
    expect(new Set([ids[0], ids[1], posted]).size).toBe(3);
    expect(spans.filter(({ name }) => name.includes('middleware'))).toEqual([]);
    const line = await made.received('/v1/logs', (text) => text.includes('looked up'));
    expect(line).toContain(ids[0]);
    const [stdout] = (await once(child.stdout!, 'data')) as [Buffer];
    expect(stdout.toString()).toContain('"trace_id"');
    expect(printed).toBe('');
  });

  it('records the routes of an Express service in CommonJS', async () => {
    const made = await collector();
    const { port } = await serve('express.cjs', made.url, { PORT: '0' });
    const id = await get(port, '/orders/7');
    const headers = { 'content-type': 'application/json' };
    const posted = await get(port, '/orders', { method: 'POST', headers }, '{"a":1}');
    await spansWithin(made, ['GET /orders/:id', 'POST /orders']);
    const spans = spansOf(made);
    expect(spans.find(({ traceId }) => traceId === id)?.name).toBe('GET /orders/:id');
    expect(spans.find(({ traceId }) => traceId === posted)?.name).toBe('POST /orders');
  });

  it('sees a Fastify service and its fetch calls in one trace, flushes and lets it end by itself', async () => {
    const made = await collector();
    const { port, child } = await serve('fastify.mjs', made.url, { OTEL_BSP_SCHEDULE_DELAY: '60000' });
    const id = await get(port, '/through');
    child.kill('SIGTERM');
    expect(await once(child, 'exit')).toEqual([0, null]);
    const spans = spansOf(made).filter(({ traceId }) => traceId === id);
    expect(spans.map(({ name, kind }) => `${kind} ${name}`).sort()).toEqual([
      '2 GET /items/:id',
      '2 GET /through',
      '3 GET',
    ]);
    const client = spans.find(({ kind }) => kind === 3);
    expect(spans.find(({ name }) => name === 'GET /items/:id')?.parentSpanId).toBe(client?.spanId);
  });

  it.each(['hang', '503'] as const)(
    'with a collector that answers %s, SIGTERM still ends the service in time',
    async (mode) => {
      const made = await collector(mode);
      const { port, child } = await serve('express.cjs', made.url);
      for (let i = 0; i < 20; i += 1) expect(await get(port, `/orders/${i}`)).toMatch(/^[0-9a-f]{32}$/);
      const before = performance.now();
      child.kill('SIGTERM');
      expect(await once(child, 'exit')).toEqual([null, 'SIGTERM']);
      expect(performance.now() - before).toBeLessThan(5_000);
    },
  );

  it('sends all telemetry to the monitor that started it, also signals that OTEL_* turns off, with console lines in their trace', async () => {
    const made = await collector();
    const { port, child } = await serve('console.mjs', 'http://127.0.0.1:9', {
      VITRINE_TELEMETRY__MONITOR: made.url,
      VITRINE_TOKEN: 'secret',
      OTEL_TRACES_EXPORTER: 'none',
      OTEL_TRACES_SAMPLER: 'always_off',
    });
    let printed = '';
    child.stdout!.on('data', (chunk: Buffer) => (printed += chunk.toString()));
    const id = await get(port, '/greet');
    const text = await made.received('/v1/logs', (body) => body.includes('hello 7 { a: 1 }'));
    expect(text).toContain(Buffer.from(id, 'hex').toString('latin1'));
    expect(text).toContain('RangeError');
    expect(await made.received('/v1/traces')).toContain(Buffer.from(id, 'hex').toString('latin1'));
    await made.received('/v1/metrics', (body) => body.includes('http.server.request.duration'));
    await made.received(
      '/v1/metrics',
      (body) => body.includes('process.cpu.time') && body.includes('process.memory.usage'),
    );
    expect(printed.trim()).toBe('hello 7 { a: 1 }');
    expect(made.bodies.every(({ headers }) => headers.authorization === 'Bearer secret')).toBe(true);
  });

  it('still sends the spans of requests that end while the service drains', async () => {
    const made = await collector();
    const { port, child } = await serve('console.mjs', made.url, { VITRINE_TELEMETRY__MONITOR: made.url });
    const slow = get(port, '/slow');
    await new Promise<void>((resolve) => child.once('message', () => resolve()));
    child.kill('SIGTERM');
    const [id] = await Promise.all([slow, once(child, 'exit')]);
    const spans = made.bodies.filter(({ path: at }) => at === '/v1/traces').map(({ body }) => body.toString('latin1'));
    expect(spans.join('')).toContain(Buffer.from(id, 'hex').toString('latin1'));
  });

  it('ends the process when a named exporter cannot be loaded, and for no other reason', async () => {
    const run = async (env: NodeJS.ProcessEnv): Promise<{ code: number; text: string }> => {
      const child = spawn(process.execPath, ['--import', REGISTER, '--eval', '0'], {
        env: { PATH: process.env['PATH'], ...env },
      });
      let text = '';
      child.stderr.on('data', (chunk: Buffer) => (text += chunk.toString()));
      const [code] = (await once(child, 'close')) as [number];
      return { code, text };
    };
    const unknown = await run({ OTEL_TRACES_EXPORTER: 'no-such-thing' });
    expect(unknown.code).toBe(3);
    expect(unknown.text).toContain('npm install no-such-thing');
    expect(await run({ OTEL_SDK_DISABLED: 'true' })).toEqual({ code: 0, text: '' });
  });
});

/** JSON with sorted keys. */
function stable(value: unknown): string {
  return JSON.stringify(value, (_key, inner: unknown) =>
    typeof inner === 'object' && inner !== null && !Array.isArray(inner)
      ? Object.fromEntries(Object.entries(inner).sort(([a], [b]) => (a < b ? -1 : 1)))
      : inner,
  );
}
