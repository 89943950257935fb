/**
 * `vitrine run -- CMD`: the monitor first, then CMD under the `register` preload with PORT set, then the balancer in front of
 * the port on which CMD listens. CMD's exit code is passed on, and CMD receives the signals.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { createServer } from 'node:net';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { constants } from 'node:os';
import { pathToFileURL } from 'node:url';
import { systemClock, wait } from '../base/clock.ts';
import { VitrineError } from '../base/errors.ts';
import { childEnvironment } from '../app/process/child-environment.ts';
import { listeningPort } from '../app/stack/listening-port.ts';
import { REGISTER_PRELOAD } from '../app/process/program-paths.ts';
import type { RoleOptions } from '../app/roles.ts';
import { startWithMonitor } from '../app/stack-roles.ts';
import { configFile, readSettings } from '../app/process/settings.ts';
import { tell } from './output.ts';
import { banner, monitorFlags, settingsFlags } from './start.ts';

const LISTEN_LIMIT_MS = 60_000;
const LOOK_EVERY_MS = 50;

export async function run(command: readonly string[], flags: Readonly<Record<string, unknown>>): Promise<number> {
  const file = configFile(flags['config'] as string | undefined);
  const settings = readSettings({ file, env: process.env, flags: settingsFlags(flags) }, (sentence) =>
    tell(`warning: ${sentence}`),
  );
  const options: RoleOptions = {
    settings,
    dataDir: settings.store.path,
    env: process.env,
    testMode: false,
    monitorArgs: monitorFlags(flags, file),
  };
  const port = (flags['port'] as number | undefined) ?? (await freePort());
  const service = new Service();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => handOn(signal, service));
  const startedAt = systemClock.monotonic();
  const starting = startWithMonitor(
    { ...options, settings: { ...settings, balancer: { ...settings.balancer, routes: [] } } },
    async ({ ready, url }) => {
      await ready;
      service.start(command, serviceEnvironment(process.env, port, url, settings.telemetry.interval));
      const found = await service.listens(port);
      return {
        endpoints: [{ host: '127.0.0.1', port: found }],
        drillToken: undefined,
        list: () => [{ name: service.name, url: `http://127.0.0.1:${found}`, pid: service.pid }],
        onChange() {},
        stop: () => service.stop(),
      };
    },
  );
  let running: Awaited<typeof starting>;
  try {
    running = await starting;
  } catch (error) {
    if (!service.ended) throw error;
    // CMD ended before it listened. It has printed the reason; its exit code is passed on unless it is 0.
    tell(error instanceof VitrineError ? error.message : String(error));
    return (await service.exited) || new VitrineError('check_failed', '').exitCode;
  }
  banner(running, systemClock.monotonic() - startedAt, file);
  const code = await service.exited;
  for (const trouble of await running.close()) tell(trouble);
  return code;
}

/** A signal goes to CMD, which decides when to end. Before CMD runs, this process exits at once, and its children end with it. */
function handOn(signal: NodeJS.Signals, service: Service): void {
  if (service.pid === 0) process.exit(128 + constants.signals[signal]);
  // A terminal has sent it to CMD too. Many programs end at once on a second signal.
  if (signal === 'SIGINT' && process.stdin.isTTY) return;
  service.signal(signal);
}

function serviceEnvironment(
  env: NodeJS.ProcessEnv,
  port: number,
  monitorUrl: string,
  intervalMs: number,
): NodeJS.ProcessEnv {
  const preload = `--import=${pathToFileURL(REGISTER_PRELOAD).href}`;
  return childEnvironment(env, {
    NODE_OPTIONS: env['NODE_OPTIONS'] === undefined ? preload : `${env['NODE_OPTIONS']} ${preload}`,
    PORT: String(port),
    OTEL_SERVICE_NAME: env['OTEL_SERVICE_NAME'] ?? serviceName(process.cwd()),
    OTEL_METRIC_EXPORT_INTERVAL: env['OTEL_METRIC_EXPORT_INTERVAL'] ?? '1000',
    VITRINE_TELEMETRY__MONITOR: monitorUrl,
    VITRINE_TELEMETRY__INTERVAL: `${intervalMs}ms`,
  });
}

/** The name in package.json, else that of the folder. */
function serviceName(folder: string): string {
  try {
    const { name } = JSON.parse(readFileSync(path.join(folder, 'package.json'), 'utf8')) as { name?: unknown };
    if (typeof name === 'string' && name !== '') return name;
  } catch {
    // There is no package.json: the folder's name is used.
  }
  return path.basename(folder) || 'service';
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const at = server.address();
      server.close(() => resolve(typeof at === 'object' && at !== null ? at.port : 0));
    });
  });
}

/** The process of CMD. */
class Service {
  #child: ChildProcess | undefined;
  #command = '';
  #exit: (code: number) => void = () => {};
  #ended = false;
  readonly exited = new Promise<number>((resolve) => {
    this.#exit = resolve;
  });

  get ended(): boolean {
    return this.#ended;
  }

  get name(): string {
    return this.#command;
  }

  get pid(): number {
    return this.#child?.pid ?? 0;
  }

  start([command, ...args]: readonly string[], env: NodeJS.ProcessEnv): void {
    this.#command = [command, ...args].join(' ');
    const child = spawn(command, args, { env, stdio: 'inherit' });
    this.#child = child;
    child.once('error', (error: NodeJS.ErrnoException) => {
      tell(`${command}: ${error.code === 'ENOENT' ? 'command not found' : error.message}`);
      this.#finish(error.code === 'ENOENT' ? 127 : 126);
    });
    child.once('exit', (code, signal) => this.#finish(code ?? 128 + constants.signals[signal ?? 'SIGTERM']));
  }

  #finish(code: number): void {
    this.#ended = true;
    this.#exit(code);
  }

  /** The port on which CMD listens. Throws VitrineError `check_failed` when CMD ends first or opens no port within a minute. */
  async listens(preferred: number): Promise<number> {
    const limit = systemClock.monotonic() + LISTEN_LIMIT_MS;
    while (!this.#ended && systemClock.monotonic() < limit) {
      const port = listeningPort(this.pid, preferred);
      if (port !== undefined) return port;
      await wait({ ...systemClock, after: keepAlive }, LOOK_EVERY_MS);
    }
    if (this.#ended)
      throw new VitrineError(
        'check_failed',
        `"${this.#command}" ended (code ${await this.exited}) before it listened on a port.`,
      );
    throw new VitrineError(
      'check_failed',
      `"${this.#command}" has not listened on a port for ${LISTEN_LIMIT_MS / 1000} s.`,
      {
        hint: `PORT is set to ${preferred} for it; does it read it?`,
      },
    );
  }

  signal(signal: NodeJS.Signals): void {
    if (!this.#ended) this.#child?.kill(signal);
  }

  async stop(): Promise<void> {
    this.signal('SIGTERM');
    const cancel = systemClock.after(10_000, () => this.signal('SIGKILL'));
    if (this.#child !== undefined) await this.exited;
    cancel();
  }
}

/** Keeps the process alive by a timer while it waits for CMD. */
function keepAlive(delayMs: number, callback: () => void): () => void {
  const timer = setTimeout(callback, delayMs);
  return () => clearTimeout(timer);
}
