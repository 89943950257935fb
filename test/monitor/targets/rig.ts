/** Servers, specifications and one check for tests of the kinds. */
import http from 'node:http';
import net from 'node:net';
import type { AddressInfo } from 'node:net';
import { systemClock } from '../../../src/base/clock.ts';
import { OutboundGuard } from '../../../src/monitor/outbound/guard.ts';
import type { CheckResult, CheckSpec, HttpSpec, NameResolver } from '../../../src/monitor/targets/check.ts';
import { runCheck } from '../../../src/monitor/targets/kinds/table.ts';

export const FAMILY = { prefer: 4, fallback: true } as const;
export const TLS = { insecure: false } as const;
export const NO_EXPECT = { statuses: [], versions: [], body: [], headers: [], json: [] } as const;

export const httpSpec = (url: string, more: Partial<HttpSpec> = {}): HttpSpec => ({
  kind: 'http',
  url,
  method: 'GET',
  headers: {},
  followRedirects: true,
  family: FAMILY,
  tls: TLS,
  http2: true,
  maxBodyBytes: 1024 * 1024,
  expect: NO_EXPECT,
  traced: true,
  ...more,
});

/** Names that a test knows; others have no address. */
export const namesOf = (known: Readonly<Record<string, string>>): NameResolver => ({
  resolve(name, family) {
    const address = known[name];
    if (address !== undefined && net.isIP(address) === family) return Promise.resolve([address]);
    return Promise.reject(Object.assign(new Error('no address'), { code: 'ENOTFOUND' }));
  },
});

export const check = (
  spec: CheckSpec,
  more: { timeoutMs?: number; names?: NameResolver; origin?: 'file' | 'api'; guard?: OutboundGuard } = {},
): Promise<CheckResult> =>
  runCheck(spec, {
    guard: new OutboundGuard(),
    origin: 'file',
    names: namesOf({ localhost: '127.0.0.1' }),
    clock: systemClock,
    timeoutMs: 20_000,
    tracePrefix: 'abcdef0123',
    ...more,
  });

export async function listening(server: net.Server): Promise<number> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return (server.address() as AddressInfo).port;
}

const servers = new Set<net.Server>();
const sockets = new Set<net.Socket>();

/** A server that `closeServers` ends with its connections. */
export async function serve(server: net.Server): Promise<number> {
  servers.add(server);
  server.on('connection', (socket: net.Socket) => {
    sockets.add(socket);
    socket.on('error', () => {});
    socket.on('close', () => sockets.delete(socket));
  });
  return listening(server);
}

export const serveHttp = (handler: http.RequestListener): Promise<number> => serve(http.createServer(handler));

export async function closeServers(): Promise<void> {
  for (const socket of sockets) socket.destroy();
  await Promise.all([...servers].map((server) => new Promise((resolve) => server.close(resolve))));
  servers.clear();
}

export const valueOf = (result: CheckResult, name: string, labels: Readonly<Record<string, string>> = {}): number => {
  const found = result.series.find(
    (one) => one.name === name && Object.entries(labels).every(([key, value]) => one.labels?.[key] === value),
  );
  return found?.value ?? Number.NaN;
};
