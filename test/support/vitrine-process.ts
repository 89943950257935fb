/** A whole Vitrine in processes of its own, on free ports and a fresh data directory, for tests that use it as a user does. */
import { spawn, type ChildProcess } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';

export const REPOSITORY = path.resolve(import.meta.dirname, '../..');
const MAIN = path.join(REPOSITORY, 'src/main.ts');

export async function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const at = server.address();
      const port = typeof at === 'object' && at !== null ? at.port : 0;
      server.close(() => resolve(port));
    });
  });
}

/** Polls until `look` gives a value; fails with what `describe` says after `limitMs`. Waiting for a condition, never for a time. */
export async function until<T>(
  look: () => Promise<T | undefined> | T | undefined,
  limitMs: number,
  describe: () => string,
): Promise<T> {
  const end = performance.now() + limitMs;
  let last: unknown;
  for (;;) {
    try {
      const value = await look();
      if (value !== undefined && value !== false) return value;
    } catch (error) {
      last = error;
    }
    if (performance.now() > end)
      throw new Error(
        `${describe()}${last === undefined ? '' : `: ${last instanceof Error ? last.message : JSON.stringify(last)}`}`,
      );
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

export interface Vitrine {
  readonly child: ChildProcess;
  readonly balancer: string;
  readonly monitor: string;
  readonly otlpHttp: string;
  readonly otlpGrpc: string;
  readonly ports: Readonly<Record<'balancer' | 'monitor' | 'otlpHttp' | 'otlpGrpc' | 'sample1' | 'sample2', number>>;
  readonly dataDir: string;
  output(): string;
  /** SIGTERM, then the exit code. */
  stop(): Promise<number | null>;
  [Symbol.asyncDispose](): Promise<void>;
}

export interface VitrineOptions {
  readonly command?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** Wait until both ports answer; true unless told otherwise. */
  readonly ready?: boolean;
  readonly cwd?: string;
}

export async function startVitrine(options: VitrineOptions = {}): Promise<Vitrine> {
  const [balancer, monitor, otlpHttp, otlpGrpc, sample1, sample2] = await Promise.all(
    Array.from({ length: 6 }, freePort),
  );
  const ports = { balancer, monitor, otlpHttp, otlpGrpc, sample1, sample2 };
  const dataDir = mkdtempSync(path.join(tmpdir(), 'vitrine-'));
  const at = (port: number): string => `127.0.0.1:${port}`;
  const [command = 'start', ...rest] = options.command ?? [];
  const child = spawn(process.execPath, [MAIN, command, '--data', dataDir, ...rest], {
    cwd: options.cwd ?? dataDir,
    env: {
      ...process.env,
      NODE_OPTIONS: '',
      VITRINE_BALANCER__LISTEN: at(balancer),
      VITRINE_MONITOR__LISTEN: at(monitor),
      VITRINE_MONITOR__OTLP_HTTP: at(otlpHttp),
      VITRINE_MONITOR__OTLP_GRPC: at(otlpGrpc),
      VITRINE_SAMPLE__LISTEN: `${at(sample1)},${at(sample2)}`,
      ...options.env,
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (chunk: Buffer) => (output = (output + chunk.toString()).slice(-200_000)));
  const exited = new Promise<number | null>((resolve) => child.once('exit', (code) => resolve(code)));
  const stop = async (): Promise<number | null> => {
    if (child.exitCode === null && child.signalCode === null) child.kill('SIGTERM');
    const timer = setTimeout(() => child.kill('SIGKILL'), 15_000);
    const code = await exited;
    clearTimeout(timer);
    return code;
  };
  const vitrine: Vitrine = {
    child,
    balancer: `http://${at(balancer)}`,
    monitor: `http://${at(monitor)}`,
    otlpHttp: `http://${at(otlpHttp)}`,
    otlpGrpc: `http://${at(otlpGrpc)}`,
    ports,
    dataDir,
    output: () => output,
    stop,
    async [Symbol.asyncDispose]() {
      await stop();
      rmSync(dataDir, { recursive: true, force: true });
    },
  };
  if (options.ready ?? true) {
    try {
      await until(
        async () => {
          if (child.exitCode !== null) throw new Error(`ended with code ${child.exitCode}`);
          const answers = await Promise.all([fetch(`${vitrine.balancer}/readyz`), fetch(`${vitrine.monitor}/readyz`)]);
          return answers.every(({ ok }) => ok) || undefined;
        },
        30_000,
        () => `Vitrine is not ready\n${output}`,
      );
    } catch (error) {
      child.kill('SIGKILL');
      throw error;
    }
  }
  return vitrine;
}

/** The JSON of a URL; fails on any status but those of success. */
export async function json<T>(url: string, init?: RequestInit): Promise<T> {
  const response = await fetch(url, init);
  const text = await response.text();
  if (!response.ok) throw new Error(`${url} answered ${response.status}: ${text.slice(0, 300)}`);
  return JSON.parse(text) as T;
}
