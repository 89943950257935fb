/**
 * Hostile clients, or very many clients: slow heads, slow bodies, readers that do not read, oversize heads, ten thousand idle
 * connections, a thousand tunnels, odd methods and paths. The balancer runs in its own process before one service; a normal
 * client sends requests during every attack and must not notice it. Each figure is printed.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { Agent, createServer, request as httpRequest, type Server } from 'node:http';
import { connect, type AddressInfo, type Socket } from 'node:net';
import path from 'node:path';
import { setTimeout as time } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { WebSocket, WebSocketServer } from 'ws';
import type { Health } from '../../../src/model/health.ts';
import { familiesOf } from '../../support/telemetry/exposition-text.ts';
import { freshDir, startServer, type Server as Started } from '../../support/program.ts';
import { until } from '../../support/until.ts';
import { raw } from '../../stack/balancer/rig.ts';
import { freePort, json, MAIN } from '../../support/programs/vitrine-process.ts';
import { quantile } from '../../support/quantile.ts';

const MEBIBYTE = 1024 * 1024;
const BIG_BYTES = 10 * MEBIBYTE;
const LIMITS = /open files\s+\d+\s+(\d+)/.exec(readFileSync('/proc/self/limits', 'utf8'));
const FILES = Number(LIMITS?.[1] ?? 0);
/** The upstream's and the clients' ends are in this process. */
const IDLE = Math.min(10_000, FILES - 2_000);

const BATCH = 250;
const READER_MS = 4_000;

interface Probe {
  readonly requests: number;
  readonly failed: number;
  readonly p99: number;
}

/** `rate` requests a second until `over` resolves. */
async function probe(url: string, rate: number, over: Promise<unknown>): Promise<Probe> {
  const agent = new Agent({ keepAlive: true });
  const latencies: number[] = [];
  let failed = 0;
  const asked: Promise<void>[] = [];
  const ask = (): Promise<void> =>
    new Promise((resolve) => {
      const began = performance.now();
      const done = (good: boolean): void => {
        if (good) latencies.push(performance.now() - began);
        else failed += 1;
        resolve();
      };
      const request = httpRequest(url, { agent, timeout: 5_000 }, (response) => {
        response.resume();
        response.on('end', () => done(response.statusCode === 200));
        response.on('error', () => done(false));
      });
      request.on('timeout', () => request.destroy());
      request.on('error', () => done(false));
      request.end();
    });
  const state = { over: false };
  void over.finally(() => (state.over = true));
  const began = performance.now();
  while (!state.over) {
    while (asked.length < ((performance.now() - began) / 1000) * rate) asked.push(ask());
    await time(5);
  }
  await Promise.all(asked);
  agent.destroy();
  return { requests: asked.length, failed, p99: Math.round(quantile(latencies, 0.99) * 10) / 10 };
}

interface Client {
  readonly socket: Socket;
  readonly openedMs: number;
  text: string;
  closedMs: number | undefined;
}

/** Connections that say `first` and take what comes; each batch has its `answer` before the next begins. */
async function clients(port: number, count: number, first: string, answer = ''): Promise<Client[]> {
  const all: Client[] = [];
  const open = (): Promise<void> =>
    new Promise((resolve, reject) => {
      const socket = connect(port, '127.0.0.1');
      const client: Client = { socket, openedMs: performance.now(), text: '', closedMs: undefined };
      socket.on('data', (bytes) => (client.text += bytes.toString('latin1')));
      socket.on('close', () => (client.closedMs = performance.now()));
      socket.on('error', (error) => (client.text === '' && socket.connecting ? reject(error) : undefined));
      socket.on('connect', () => socket.write(first, () => resolve()));
      all.push(client);
    });
  for (let at = 0; at < count; at += BATCH) {
    await Promise.all(Array.from({ length: Math.min(BATCH, count - at) }, () => open()));
    const those = all.slice(at);
    await until(
      () => those.every(({ text }) => text.endsWith(answer)) || undefined,
      5_000,
      () => those[0].text,
    );
  }
  return all;
}

const close = (all: readonly Client[]): void => all.forEach(({ socket }) => socket.destroy());
const statuses = (all: readonly Client[]): Record<string, number> =>
  Object.fromEntries(
    Map.groupBy(all, ({ text }) => /^HTTP\/1\.1 (\d{3})/.exec(text)?.[1] ?? 'none')
      .entries()
      .map(([status, those]) => [status, those.length]),
  );

/** Writes a little to each of those that are open, until all are closed. */
async function drip(all: readonly Client[], everyMs: number, limitMs: number): Promise<number> {
  const began = performance.now();
  while (all.some(({ closedMs }) => closedMs === undefined) && performance.now() - began < limitMs) {
    for (const { socket, closedMs } of all) if (closedMs === undefined && socket.writable) socket.write('a');
    await time(everyMs);
  }
  return Math.max(...all.map(({ openedMs, closedMs = Infinity }) => closedMs - openedMs));
}

function service(): Server {
  const body = Buffer.alloc(BIG_BYTES, 'x');
  const server = createServer((request, response) => {
    request.resume().on('end', () => response.end(request.url === '/big' ? body : 'ok'));
  });
  const sockets = new WebSocketServer({ server, path: '/ws' });
  sockets.on('connection', (socket) => socket.on('message', (data) => socket.send(data)));
  return server;
}

describe('the balancer', () => {
  let upstream: Server;
  let it: Started;
  let port = 0;
  let page = '';
  let alone: Probe;

  beforeAll(async () => {
    upstream = service();
    await new Promise<void>((resolve) => void upstream.listen(0, '127.0.0.1', resolve));
    const [listen, scrape] = [await freePort(), await freePort()];
    port = listen;
    page = `http://127.0.0.1:${scrape}/metrics`;
    const dir = freshDir();
    const config = path.join(dir, 'vitrine.yaml');
    writeFileSync(
      config,
      `balancer: { upstreams: ['http://127.0.0.1:${(upstream.address() as AddressInfo).port}'], timeouts: { client_stall: ${READER_MS}ms } }\n`,
    );
    const flags = ['--role', 'balancer', '--config', config, '--listen', `127.0.0.1:${port}`];
    it = await startServer(process.execPath, [MAIN, 'start', ...flags, '--data', path.join(dir, 'data')], {
      readyUrl: `http://127.0.0.1:${port}/-/readyz`,
      ownDir: dir,
      env: { OTEL_METRICS_EXPORTER: 'prometheus', OTEL_EXPORTER_PROMETHEUS_PORT: String(scrape) },
    });
    await probe(it.url, 200, time(1_000));
    alone = await probe(it.url, 50, time(3_000));
    console.log(`alone: ${JSON.stringify(alone)}`);
  });
  afterAll(async () => {
    await it?.[Symbol.asyncDispose]();
    upstream?.closeAllConnections();
    upstream?.close();
  });

  /** Twice what it was alone, or what two shared cores make of that. */
  const unnoticed = (beside: Probe): void => {
    expect(beside.requests).toBeGreaterThan(50);
    expect(beside.failed).toBe(0);
    expect(beside.p99).toBeLessThanOrEqual(Math.max(alone.p99 * 2, 250));
  };

  test('ends a thousand slow heads with 408 within ten seconds', async () => {
    const all = await clients(port, 1_000, 'GET / HTTP/1.1\r\nHost: a\r\nX: ');
    const dripping = drip(all, 2_000, 14_000);
    const beside = await probe(it.url, 50, dripping);
    const slowestMs = await dripping;
    console.log(
      `slow heads: ${JSON.stringify(statuses(all))}, last ended after ${Math.round(slowestMs)} ms; beside: ${JSON.stringify(beside)}`,
    );
    close(all);
    expect(statuses(all)).toEqual({ 408: 1_000 });
    expect(slowestMs).toBeLessThanOrEqual(10_500);
    unnoticed(beside);
  });

  test('ends five hundred slow bodies with 408', async () => {
    const all = await clients(port, 500, 'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 100000\r\n\r\n');
    const dripping = drip(all, 500, 30_000);
    const beside = await probe(it.url, 50, dripping);
    const slowestMs = await dripping;
    console.log(
      `slow bodies: ${JSON.stringify(statuses(all))}, last ended after ${Math.round(slowestMs)} ms; beside: ${JSON.stringify(beside)}`,
    );
    close(all);
    expect(statuses(all)).toEqual({ 408: 500 });
    unnoticed(beside);
  });

  test('stops reading from the upstream for two hundred clients that do not read, and closes them', async () => {
    const before = it.rssBytes();
    const began = performance.now();
    const all = await clients(port, 200, '');
    for (const { socket } of all) {
      socket.pause();
      socket.write('GET /big HTTP/1.1\r\nHost: a\r\n\r\n');
    }
    let most = 0;
    for (let at = 0; at < 30; at += 1) {
      most = Math.max(most, it.rssBytes());
      await time(100);
    }
    await until(
      async () =>
        (await json<Health>(`${it.url}/-/health`)).components['balancer']?.['active_requests'] === 0 || undefined,
      30_000,
      () => 'some are still served',
    );
    const endedMs = performance.now() - began;
    const grown = (most - before) / MEBIBYTE;
    console.log(`slow readers: RSS +${grown.toFixed(1)} MiB, given up after ${Math.round(endedMs)} ms`);
    close(all);
    expect(grown).toBeLessThanOrEqual(64);
  });

  test.each([
    [431, 'a head of 17 KiB', `GET / HTTP/1.1\r\nHost: a\r\nX: ${'a'.repeat(17 * 1024)}\r\n\r\n`],
    [431, '101 fields', `GET / HTTP/1.1\r\nHost: a\r\n${'X: 1\r\n'.repeat(100)}\r\n`],
    [431, 'a hundred thousand spaces', `GET / HTTP/1.1\r\nHost: a\r\nX-Forwarded-Host:${' '.repeat(100_000)}a\r\n\r\n`],
    [414, 'a target of 9 KiB', `GET /${'a'.repeat(9 * 1024)} HTTP/1.1\r\nHost: a\r\n\r\n`],
    [413, 'a body over the limit', `POST / HTTP/1.1\r\nHost: a\r\nContent-Length: ${11 * MEBIBYTE}\r\n\r\n`],
  ])('answers %i to %s at once', async (status, _what, bytes) => {
    const took: number[] = [];
    for (let at = 0; at < 10; at += 1) {
      const answer = await raw(port, bytes, /^HTTP\/1\.1 \d{3}/);
      expect(answer.status).toBe(status);
      took.push(answer.ms);
    }
    console.log(`${status}: median ${quantile(took, 0.5).toFixed(1)} ms, slowest ${Math.max(...took).toFixed(1)} ms`);
    expect(quantile(took, 0.5)).toBeLessThanOrEqual(100);
    expect((await fetch(it.url)).status).toBe(200);
  });

  test.skipIf(IDLE < 1_000)(`holds ${IDLE} idle connections`, async () => {
    if (IDLE < 10_000) console.log(`only ${IDLE} connections: this process may open ${FILES} files`);
    const all = await clients(port, IDLE, 'GET / HTTP/1.1\r\nHost: a\r\n\r\n', 'ok');
    const beside = await probe(it.url, 200, time(30_000));
    const rss = it.rssBytes() / MEBIBYTE;
    const open = all.filter(({ closedMs }) => closedMs === undefined).length;
    console.log(
      `idle: ${open} of ${IDLE} open after 30 s, RSS ${rss.toFixed(0)} MiB; beside: ${JSON.stringify(beside)}`,
    );
    close(all);
    expect(open).toBe(IDLE);
    expect(rss).toBeLessThanOrEqual(400);
    unnoticed(beside);
  });

  test('grows by two series a metric at most for ten thousand odd methods and paths', async () => {
    const series = async (): Promise<Map<string, Set<string>>> => {
      const families = familiesOf(await (await fetch(page)).text());
      return new Map(
        [...families].map(([name, { samples }]) => [
          name,
          new Set([...samples.keys()].map((sample) => sample.replace(/^\w+|le="[^"]*",?/g, ''))),
        ]),
      );
    };
    // Figures of the machine come when they come.
    const ofTraffic = ([name]: readonly [string, number]): boolean => !/^(system|process)_/.test(name);
    const before = await series();
    const odd = ['PROPFIND', 'PURGE', 'MKCOL', 'SEARCH', 'LOCK', 'REPORT', 'SUBSCRIBE', 'LINK'];
    let answered = 0;
    for (let at = 0; at < 100; at += 1) {
      const lines = Array.from(
        { length: 100 },
        (_, each) => `${odd[each % odd.length]} /${at}-${each}/x${Math.random()} HTTP/1.1\r\nHost: a\r\n\r\n`,
      );
      const [client] = await clients(port, 1, lines.join(''));
      await until(
        () => client.text.split('HTTP/1.1 200').length > 100 || undefined,
        5_000,
        () => client.text.slice(-300),
      );
      answered += client.text.split('HTTP/1.1 200').length - 1;
      client.socket.destroy();
    }
    await clients(port, 500, 'X9Q7 / HTTP/1.1\r\nHost: a\r\n\r\n').then(close);
    await time(1_500);
    const after = await series();
    const grown = [...after]
      .map(([name, labels]) => [name, labels.size - (before.get(name)?.size ?? 0)] as const)
      .filter(ofTraffic);
    console.log(
      `odd methods and paths: ${answered} answered, new series ${JSON.stringify(grown.filter(([, by]) => by > 0))}`,
    );
    expect(answered).toBe(10_000);
    expect(grown.filter(([, by]) => by > 2)).toEqual([]);
  });

  test('carries a thousand tunnels and sends a close frame on each when it ends', async () => {
    const codes: number[] = [];
    let errors = 0;
    const sockets = await Promise.all(
      Array.from(
        { length: 1_000 },
        () =>
          new Promise<WebSocket>((resolve, reject) => {
            const socket = new WebSocket(`ws://127.0.0.1:${port}/ws`);
            socket.once('error', reject);
            socket.on('close', (code) => codes.push(code));
            socket.once('open', () => resolve(socket));
          }),
      ),
    );
    for (let round = 0; round < 5; round += 1) {
      await Promise.all(
        sockets.map(
          (socket, at) =>
            new Promise<void>((resolve) => {
              const sent = `${round}-${at}-${'x'.repeat(at)}`;
              socket.once('message', (data: Buffer) => {
                if (data.toString() !== sent) errors += 1;
                resolve();
              });
              socket.send(sent);
            }),
        ),
      );
    }
    const began = performance.now();
    const ending = it.stop();
    await until(
      () => codes.length === 1_000 || undefined,
      8_000,
      () => `${codes.length} are closed`,
    );
    const goodbyeMs = performance.now() - began;
    const code = await ending;
    console.log(
      `tunnels: ${errors} of 5000 echoes wrong, closed with ${[...new Set(codes)].join(', ')} within ${Math.round(goodbyeMs)} ms of SIGTERM`,
    );
    expect(errors).toBe(0);
    expect(codes.filter((code) => code !== 1001 && code !== 1012)).toEqual([]);
    expect(goodbyeMs).toBeLessThanOrEqual(5_000);
    expect(code).toBe(0);
  });
});
