import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import { createServer } from 'node:http';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer as createTcpServer } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, afterEach, describe, expect, it } from 'vitest';
import { systemClock } from '../../src/base/clock.ts';
import { silentLogger } from '../../src/base/logger.ts';
import type { LoadOptionsInput } from '../../src/loadtest/options.ts';
import { loadOptions } from '../../src/loadtest/options.ts';
import type { LoadControl } from '../../src/loadtest/run.ts';
import { runLoad } from '../../src/loadtest/run.ts';
import { DEMO_PASSWORD, demoAccount, demoUser } from '../../src/sample/demo-data.ts';
import { startPayments } from '../../src/sample/service.ts';

const servers: Server[] = [];
afterEach(async () => {
  for (const server of servers.splice(0)) {
    server.closeAllConnections();
    server.close();
  }
});
const dataDir = mkdtempSync(path.join(tmpdir(), 'vitrine-load-'));
afterAll(() => rmSync(dataDir, { recursive: true }));

async function serve(handle: (req: IncomingMessage, res: ServerResponse) => void): Promise<string> {
  const server = createServer(handle).listen(0, '127.0.0.1');
  servers.push(server);
  await once(server, 'listening');
  const address = server.address();
  return `http://127.0.0.1:${typeof address === 'object' && address ? address.port : 0}`;
}
const load = (options: LoadOptionsInput, control?: LoadControl) => runLoad(loadOptions.parse(options), control);
const people = (index: number) => ({ user: demoUser(index), password: DEMO_PASSWORD, account: demoAccount(index) });

describe('a load test of a URL', () => {
  it('sends as many as it was told, and counts them right', async () => {
    const seen: string[] = [];
    const url = await serve((req, res) => {
      seen.push(String(req.headers.traceparent));
      res.end('x'.repeat(100));
    });
    const result = await load({ url: `${url}/a?b`, scenario: 'get', users: 5, maxRequests: 200 });
    expect(seen).toHaveLength(200);
    expect(new Set(seen).size).toBe(200);
    expect(seen.every((value) => /^00-[0-9a-f]{32}-[0-9a-f]{16}-01$/.test(value))).toBe(true);
    expect(result.totals).toMatchObject({ requests: 200, succeeded: 200, failed: 0, not_sent: 0 });
    expect(result).toMatchObject({ mode: 'closed', error_ratio: 0, aborted: false, breaking_point: null });
    expect(result.latency_ms?.p50).toBeGreaterThan(0);
    expect(result.latency_ms?.max).toBeGreaterThanOrEqual(result.latency_ms?.p99 ?? Infinity);
    expect(result.samples.first).toHaveLength(10);
    expect(seen.some((value) => value.includes(result.samples.slowest[0].trace_id))).toBe(true);
    expect(JSON.parse(JSON.stringify(result))).toEqual(result);
  });

  it('tells errors by kind and status', async () => {
    let number = 0;
    const url = await serve((_req, res) => {
      number += 1;
      if (number % 4 === 0) res.socket?.destroy();
      else res.writeHead([200, 500, 404][number % 3]).end();
    });
    const result = await load({ url, scenario: 'get', users: 1, maxRequests: 24 });
    expect(result.errors).toEqual({
      by_kind: { http_5xx: 6, http_4xx: 6, reset: 6 },
      by_status: { '500': 6, '404': 6 },
    });
    expect(result.totals).toMatchObject({ requests: 24, failed: 18 });
    expect(result.samples.failed).toHaveLength(10);
    expect(result.samples.failed[0].outcome).toBeTypeOf('number');
  });

  it('gives up what is not answered, and what is no HTTP', async () => {
    const hung = await serve(() => {});
    const timedOut = await load({ url: hung, scenario: 'get', users: 2, maxRequests: 2, timeoutMs: 60 });
    expect(timedOut.errors.by_kind).toEqual({ timeout: 2 });
    const tcp = createTcpServer((socket) => socket.end('hello\r\n\r\n')).listen(0, '127.0.0.1');
    await once(tcp, 'listening');
    const address = tcp.address();
    const port = typeof address === 'object' && address ? address.port : 0;
    const odd = await load({ url: `http://127.0.0.1:${port}`, scenario: 'get', users: 1, maxRequests: 1 });
    expect(odd.errors.by_kind).toEqual({ malformed: 1 });
    tcp.close();
    const refused = await load({ url: 'http://127.0.0.1:1', scenario: 'get', users: 1, maxRequests: 2 });
    expect(refused.errors.by_kind).toEqual({ refused: 2 });
    const secure = await load({
      url: (await serve((_req, res) => res.end())).replace('http:', 'https:'),
      scenario: 'get',
      users: 1,
      maxRequests: 1,
    });
    expect(secure.totals.failed).toBe(1);
  });

  it('ends by its time, and by its signal with what it has', async () => {
    const url = await serve((_req, res) => res.end('x'));
    const timed = await load({ url, scenario: 'get', users: 2, durationMs: 150, thinkMs: 5 });
    expect(timed.duration_seconds).toBeGreaterThanOrEqual(0.145);
    expect(timed.aborted).toBe(false);
    expect(timed.series).toHaveLength(1);
    const stop = new AbortController();
    const running = load(
      { url, scenario: 'get', users: 2, durationMs: 60_000 },
      { signal: stop.signal, onSecond: () => stop.abort() },
    );
    expect(await running).toMatchObject({ aborted: true });
    expect(await load({ url, scenario: 'get' }, { signal: AbortSignal.abort() })).toMatchObject({
      aborted: true,
      latency_ms: null,
    });
  });
});

describe('an open loop', () => {
  it('keeps its rate', async () => {
    const url = await serve((_req, res) => res.end('x'));
    const result = await load({ url, scenario: 'get', users: 20, rate: 200, durationMs: 1_050 });
    expect(result.mode).toBe('open');
    expect(result.totals.requests + result.totals.not_sent).toBeGreaterThan(150);
    expect(result.totals.requests).toBeLessThan(215);
  });

  it('counts waiting from when a request was due', async () => {
    let free = true;
    const url = await serve((_req, res) => {
      // One request in the whole test takes 400 ms; all that were due meanwhile have waited too.
      setTimeout(() => res.end(), free ? 400 : 0);
      free = false;
    });
    const result = await load({ url, scenario: 'get', users: 1, rate: 100, durationMs: 700 });
    expect(result.latency_ms?.p50).toBeGreaterThan(20);
    const closed = await load({ url, scenario: 'get', users: 1, durationMs: 100 });
    expect(closed.latency_ms?.p50).toBeLessThan(result.latency_ms?.p50 ?? 0);
  });

  it('counts what it could not send', async () => {
    const hung = await serve(() => {});
    const result = await load({ url: hung, scenario: 'get', users: 1, rate: 500, durationMs: 200 });
    // The one on its way waits for its own limit, and is counted.
    expect(result.totals).toMatchObject({ requests: 1, failed: 1 });
    expect(result.totals.not_sent).toBeGreaterThan(50);
  });
});

describe('a load test of the payments service', () => {
  it('is people who sign in and send money, and whose transfers can be found again', async () => {
    await using service = await startPayments({
      host: '127.0.0.1',
      port: 0,
      dataDir,
      cacheUrl: 'memory://',
      drillToken: undefined,
      telemetry: 'own',
      clock: systemClock,
      logger: silentLogger,
    });
    const url = `http://127.0.0.1:${service.port}`;
    const result = await load({ url, users: 10, maxRequests: 600, rampMs: 50 }, { people });
    expect(result.totals).toMatchObject({ requests: 600, failed: 0 });
    expect(Object.keys(result.operations).sort()).toEqual(['accounts', 'balance', 'history', 'sign_in', 'transfer']);
    expect(result.operations.sign_in.requests).toBe(10);
    const transfer = [...result.samples.first, ...result.samples.slowest].find(
      ({ operation }) => operation === 'transfer',
    );
    if (transfer !== undefined) expect(transfer.transaction_id).toMatch(/^tx_/);
    expect(result.samples.first[0].request_id).toMatch(/^[0-9a-f-]{36}$/);
    const check = await fetch(`${url}/api/ledger/check`);
    expect(await check.json()).toMatchObject({ ok: true, transfers: result.operations.transfer.requests });
    await expect(load({ url })).rejects.toMatchObject({ code: 'usage' });
  });
});
