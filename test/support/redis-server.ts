/** A Redis or Valkey server of our own on a free port, when one is installed. */
import type { ChildProcess } from 'node:child_process';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { connect } from 'node:net';
import { until } from './raw-http.ts';

const PROGRAM = ['redis-server', 'valkey-server'].find((name) => spawnSync(name, ['--version']).status === 0);
/** Why Redis tests are skipped, or undefined when they can run. */
export const NO_REDIS = PROGRAM === undefined ? 'neither redis-server nor valkey-server is installed' : undefined;
if (NO_REDIS !== undefined) console.warn(`skipped: tests against Redis (${NO_REDIS})`);

export interface RedisServer extends AsyncDisposable {
  readonly url: string;
  readonly port: number;
  signal(signal: NodeJS.Signals): void;
  kill(): Promise<void>;
}

export async function startRedis(port?: number): Promise<RedisServer> {
  const chosen = port ?? (await freePort());
  const child = spawn(
    PROGRAM as string,
    ['--port', String(chosen), '--bind', '127.0.0.1', '--save', '', '--dir', '/tmp'],
    {
      stdio: 'ignore',
    },
  );
  await until(() => accepts(chosen));
  const kill = async (): Promise<void> => end(child);
  return {
    url: `redis://127.0.0.1:${chosen}`,
    port: chosen,
    signal: (signal) => child.kill(signal),
    kill,
    [Symbol.asyncDispose]: kill,
  };
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const gone = once(child, 'exit');
  child.kill('SIGKILL');
  await gone;
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  return typeof address === 'object' && address !== null ? address.port : 0;
}

function accepts(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });
}
