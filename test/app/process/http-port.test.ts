/** The ports of the server kit and of the monitor refuse requests that are not valid HTTP/1.1, and accept valid ones. */
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openHttpPort } from '../../../src/app/process/http-port.ts';
import { systemClock } from '../../../src/base/clock.ts';
import { HealthRegistry } from '../../../src/stack/server/health.ts';
import { SERVER_LIMITS, SERVER_TIMEOUTS } from '../../../src/stack/server/options.ts';
import { createServer } from '../../../src/stack/server/server.ts';
import { readBody } from '../../../src/stack/server/body.ts';
import { MALFORMED, PROXY_ONLY, SOUND } from '../../support/http/hostile-requests.ts';
import { recordingLogger } from '../../support/recording-logger.ts';
import { raw } from '../../stack/balancer/rig.ts';

interface Port {
  readonly at: number;
  /** Requests whose handler got a whole body. */
  served(): number;
  close(): Promise<void>;
}

async function monitorPort(): Promise<Port> {
  let served = 0;
  const server: Server = await openHttpPort({ host: '127.0.0.1', port: 0 }, 'monitor.listen', (request, response) => {
    request.resume().on('end', () => {
      served += 1;
      response.end('ok');
    });
  });
  return {
    at: (server.address() as AddressInfo).port,
    served: () => served,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

async function kitPort(): Promise<Port> {
  let served = 0;
  const server = createServer({
    host: '127.0.0.1',
    port: 0,
    telemetry: 'own',
    logger: recordingLogger(),
    clock: systemClock,
    health: new HealthRegistry(systemClock),
    routes: (router) =>
      void router.all('/', async (ctx) => {
        await readBody(ctx.req, { maxBytes: 1_000, idleMs: 500 });
        served += 1;
        ctx.body = 'ok';
      }),
    healthPrefix: '',
    accessLog: false,
    limits: SERVER_LIMITS,
    timeouts: SERVER_TIMEOUTS,
  });
  const { port } = await server.listen();
  return { at: port, served: () => served, close: () => server.close() };
}

describe('an upgrade', () => {
  it('is checked as any request, and refused before a handler is called', async () => {
    let upgrades = 0;
    const server = await openHttpPort(
      { host: '127.0.0.1', port: 0 },
      'monitor.listen',
      (_request, response) => void response.end(),
      (_request, socket) => {
        upgrades += 1;
        socket.end('HTTP/1.1 101 Switching Protocols\r\n\r\n');
      },
    );
    const { port } = server.address() as AddressInfo;
    const ask = (fields: string): string =>
      `GET /ws HTTP/1.1\r\nHost: a\r\n${fields}Connection: Upgrade\r\nUpgrade: websocket\r\n\r\n`;
    expect((await raw(port, ask('Host: b\r\n'))).status).toBe(400);
    expect((await raw(port, ask('A: b\r\n'.repeat(2_001)))).status).toBe(431);
    expect(
      (await raw(port, 'GET http://evil/ws HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n')).status,
    ).toBe(400);
    expect(upgrades).toBe(0);
    expect((await raw(port, ask(''))).status).toBe(101);
    expect((await raw(port, 'CONNECT a:80 HTTP/1.1\r\nHost: a:80\r\n\r\n')).status).toBe(405);
    server.close();
  });
});

describe.each([
  ['the monitor', monitorPort],
  ['the server kit', kitPort],
])('a port of %s', (_name, open) => {
  let port: Port;
  beforeAll(async () => {
    port = await open();
  });
  afterAll(() => port.close());

  it.each(MALFORMED.filter(([name]) => !PROXY_ONLY.has(name)))('refuses %s', async (_what, bytes) => {
    const before = port.served();
    const answer = await raw(port.at, bytes);
    expect(answer.status).toBeGreaterThanOrEqual(400);
    expect(answer.status === 500).toBe(false);
    expect(answer.closed).toBe(true);
    expect(answer.text.match(/HTTP\/1\.1 \d/g)).toHaveLength(1);
    expect(answer.text).toMatch(/content-type: application\/problem\+json/i);
    expect(answer.text).toMatch(/x-content-type-options: nosniff/i);
    expect(port.served()).toBe(before);
  });

  it.each(SOUND)('serves %s', async (_what, bytes, answers) => {
    const before = port.served();
    await raw(port.at, bytes, new RegExp(`(?:HTTP/1\\.1 200[^]*){${answers}}`));
    expect(port.served() - before).toBe(answers);
  });
});
