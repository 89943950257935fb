/** The program is replaced twice while it serves: nothing fails, connections and a WebSocket live on, the pid stays. */
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { Agent, createServer, request as httpRequest } from 'node:http';
import { connect, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { accepts } from '../../support/http/raw-http.ts';
import { freePort } from '../../support/programs/vitrine-process.ts';
import { until } from '../../support/until.ts';

const MAIN = path.join(import.meta.dirname, '../../../src/main.ts');
const GUID = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11';

async function startUpstream(): Promise<string> {
  const server = createServer((_request, response) => response.end('ok'));
  server.on('upgrade', (request, socket) => {
    const accept = createHash('sha1').update(`${request.headers['sec-websocket-key']}${GUID}`).digest('base64');
    socket.write(
      `HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: ${accept}\r\n\r\n`,
    );
    socket.on('data', (bytes: Buffer) => socket.write(bytes));
    socket.on('error', () => {});
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => {
    server.close();
    server.closeAllConnections();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

it('loses no request and no tunnel, keeps its pid, and ends as a whole', async () => {
  const directory = mkdtempSync(path.join(tmpdir(), 'replacement-'));
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
  const [upstream, port] = [await startUpstream(), await freePort()];
  const [file, control] = [path.join(directory, 'vitrine.yaml'), path.join(directory, 'control.sock')];
  writeFileSync(
    file,
    `balancer:\n  listen: 127.0.0.1:${port}\n  control: ${control}\n  health_check: { interval: 0s }\n  drain: { announce: 0s }\n  upstreams: [${upstream}]\n`,
  );
  const child = spawn(
    process.execPath,
    [
      MAIN,
      'start',
      '--role',
      'balancer',
      '--config',
      file,
      '--data',
      path.join(directory, 'data'),
      '--log-level',
      'info',
    ],
    {
      stdio: ['ignore', 'pipe', 'pipe'],
    },
  );
  let output = '';
  child.stdout.on('data', (bytes: Buffer) => (output += bytes.toString()));
  child.stderr.on('data', (bytes: Buffer) => (output += bytes.toString()));
  onTestFinished(() => void child.kill('SIGKILL'));
  await until(() => accepts(port));

  const tunnel = connect(port, '127.0.0.1');
  onTestFinished(() => void tunnel.destroy());
  let echoed = '';
  tunnel.on('data', (bytes: Buffer) => (echoed += bytes.toString('latin1')));
  tunnel.on('error', () => {});
  tunnel.write(
    'GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n',
  );
  await until(() => echoed.includes('101 '));

  const agent = new Agent({ keepAlive: true, maxSockets: 8 });
  onTestFinished(() => agent.destroy());
  const results: string[] = [];
  const stop = new AbortController();
  const ask = (own: Agent | false): Promise<void> =>
    new Promise((resolve) => {
      const done = (result: string): void => {
        results.push(result);
        resolve();
      };
      const request = httpRequest({ host: '127.0.0.1', port, agent: own }, (response) => {
        response.resume();
        response.on('end', () => done(String(response.statusCode)));
        response.on('error', (error) => done(error.message));
      });
      request.on('error', (error) => done(error.message));
      request.end();
    });
  const users = Array.from({ length: 8 }, async (_, at) => {
    while (!stop.signal.aborted) await ask(at % 2 === 0 ? agent : false);
  });

  for (let round = 1; round <= 2; round += 1) {
    const before = results.length;
    child.kill('SIGUSR2');
    await until(
      () => output.split('the replacement serves').length > round,
      30_000,
      () => output,
    );
    await until(() => results.length > before + 300, 30_000);
    await until(
      () => existsSync(control),
      10_000,
      () => output,
    );
  }
  stop.abort();
  await Promise.all(users);
  expect(results.filter((result) => result !== '200')).toEqual([]);
  const frame = Buffer.from([0x81, 0x85, 1, 2, 3, 4, 0x69, 0x67, 0x6f, 0x68, 0x6e]);
  tunnel.write(frame);
  await until(() => echoed.includes(frame.toString('latin1')));
  expect(child.exitCode).toBeNull();
  tunnel.destroy();
  agent.destroy();
  child.kill('SIGTERM');
  const [code] = (await once(child, 'exit')) as [number | null];
  expect(code).toBe(0);
  await until(async () => !(await accepts(port).catch(() => false)));
  expect(readFileSync(file, 'utf8')).toContain('listen');
}, 120_000);
