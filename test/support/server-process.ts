/** Servers in processes of their own: a monitor alone and Prometheus, with what they cost as the kernel counts it. */
import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { homedir, tmpdir } from 'node:os';
import path from 'node:path';
import { REPOSITORY, freePort, until } from './vitrine-process.ts';

export interface ServerProcess {
  readonly url: string;
  readonly dir: string;
  readonly child: ChildProcess;
  output(): string;
  /** User and system time of the process so far. */
  cpuSeconds(): number;
  rssBytes(): number;
  /** Ends the process by `signal` and waits for its end. The directory stays. */
  end(signal?: NodeJS.Signals): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}

export interface ServerOptions {
  readonly command: readonly string[];
  readonly url: string;
  readonly readyPath: string;
  readonly dir: string;
  readonly env?: Readonly<Record<string, string>> | undefined;
  /** CPU to keep it on. */
  readonly cpu?: number | undefined;
  readonly keepDir?: boolean | undefined;
}

/** Of the kernel's clock ticks; 100 a second on every Linux that Node runs on. */
const TICKS_PER_SECOND = 100;

export function freshDir(): string {
  return mkdtempSync(path.join(tmpdir(), 'vitrine-server-'));
}

export async function startServer(options: ServerOptions): Promise<ServerProcess> {
  const { url, dir, cpu, env } = options;
  const pin = cpu === undefined ? [] : ['taskset', '-c', String(cpu)];
  const [command, ...args] = [...pin, ...options.command];
  const child = spawn(command, args, {
    cwd: dir,
    env: { ...process.env, NODE_OPTIONS: '', ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (chunk: Buffer) => (output = (output + chunk.toString()).slice(-100_000)));
  const exited = new Promise<void>((resolve) => {
    child.once('exit', () => resolve());
    child.once('error', (error) => {
      output += String(error);
      resolve();
    });
  });
  const stat = (file: string): string => readFileSync(`/proc/${child.pid}/${file}`, 'utf8');
  const end = async (signal: NodeJS.Signals = 'SIGTERM'): Promise<void> => {
    if (child.pid !== undefined && child.exitCode === null && child.signalCode === null) child.kill(signal);
    const timer = setTimeout(() => child.kill('SIGKILL'), 15_000);
    await exited;
    clearTimeout(timer);
  };
  const server: ServerProcess = {
    url,
    dir,
    child,
    output: () => output,
    cpuSeconds() {
      const fields = stat('stat').split(') ')[1].split(' ');
      return (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND;
    },
    rssBytes: () => Number(/VmRSS:\s+(\d+)/.exec(stat('status'))?.[1]) * 1024,
    end,
    async [Symbol.asyncDispose]() {
      await end();
      if (options.keepDir !== true) rmSync(dir, { recursive: true, force: true });
    },
  };
  try {
    await until(
      async () => {
        if (child.exitCode !== null || child.pid === undefined) throw new Error('it ended');
        return (await fetch(url + options.readyPath)).ok || undefined;
      },
      60_000,
      () => `${options.command[0]} is not ready\n${output}`,
    );
  } catch (error) {
    await server[Symbol.asyncDispose]();
    throw error;
  }
  return server;
}

export interface MonitorProcessOptions {
  /** Takes samples of any time; opens the one port only and evaluates no rules. */
  readonly testMode?: boolean | undefined;
  readonly dir?: string | undefined;
  readonly keepDir?: boolean | undefined;
  readonly cpu?: number | undefined;
  readonly env?: Readonly<Record<string, string>> | undefined;
  /** YAML. */
  readonly config?: string | undefined;
  /** As it is installed (`dist/`, to be built before) instead of from the sources: what a measurement should run. */
  readonly built?: boolean | undefined;
}

export interface MonitorProcess extends ServerProcess {
  /** Base URL of OTLP over HTTP; nothing listens there in test mode. */
  readonly otlpHttp: string;
}

/** A monitor without a stack. */
export async function startMonitorProcess(options: MonitorProcessOptions = {}): Promise<MonitorProcess> {
  const [port, otlpHttp, otlpGrpc] = await Promise.all([freePort(), freePort(), freePort()]);
  const { dir = freshDir(), cpu, env, keepDir } = options;
  const flags = options.testMode === true ? ['--test-mode'] : [];
  if (options.config !== undefined) {
    const file = path.join(dir, 'vitrine.yaml');
    writeFileSync(file, options.config);
    flags.push('--config', file);
  }
  const main = path.join(REPOSITORY, process.env['VP'] ?? 'src/main.ts');
  const listen = `127.0.0.1:${port}`;
  const command = [main, 'start', '--role', 'monitor', '--listen', listen, '--data', path.join(dir, 'data')];
  const server = await startServer({
    command: [process.execPath, ...command, ...flags],
    url: `http://${listen}`,
    readyPath: '/readyz',
    dir,
    cpu,
    keepDir,
    env: {
      VITRINE_MONITOR__OTLP_HTTP: `127.0.0.1:${otlpHttp}`,
      VITRINE_MONITOR__OTLP_GRPC: `127.0.0.1:${otlpGrpc}`,
      ...env,
    },
  });
  return { ...server, otlpHttp: `http://127.0.0.1:${otlpHttp}` };
}

/** Prometheus 3 where the suites' programs are, or the system's own; undefined when there is none. */
export function prometheusProgram(which: 'newest' | 'system' = 'newest'): string | undefined {
  const bin = process.env['VITRINE_PROGRAMS_BIN'] ?? path.join(homedir(), '.cache/vitrine-programs/bin');
  const [newest, system] = [path.join(bin, 'prometheus3'), '/usr/bin/prometheus'];
  return (which === 'newest' ? [newest, system] : [system]).find(existsSync);
}

export function prometheusVersion(program: string): string {
  const { stdout } = spawnSync(program, ['--version'], { encoding: 'utf8' });
  // Built from the Go module, it does not know its own number; the module's is in the name of the file.
  const built = /\(version: .*|version (\d\S*)/.exec(stdout)?.[1];
  return (
    built ?? `3 (${spawnSync('readlink', [program], { encoding: 'utf8' }).stdout.trim().replace('prometheus3-', '')})`
  );
}

export interface PrometheusOptions {
  readonly program: string;
  /** The rest of prometheus.yml. */
  readonly config?: string | undefined;
  readonly flags?: readonly string[] | undefined;
  /** Scrapes and sends on, keeps nothing. */
  readonly agent?: boolean | undefined;
  readonly cpu?: number | undefined;
  readonly env?: Readonly<Record<string, string>> | undefined;
}

/** Prometheus that takes remote write and scrapes nothing. */
export async function startPrometheus(options: PrometheusOptions): Promise<ServerProcess> {
  const port = await freePort();
  const dir = freshDir();
  const config = path.join(dir, 'prometheus.yml');
  writeFileSync(config, options.config ?? 'global: { scrape_interval: 1h }\n');
  return startServer({
    command: [
      options.program,
      `--config.file=${config}`,
      `--web.listen-address=127.0.0.1:${port}`,
      ...(options.agent === true
        ? ['--agent', `--storage.agent.path=${path.join(dir, 'data')}`]
        : [
            `--storage.tsdb.path=${path.join(dir, 'data')}`,
            '--web.enable-remote-write-receiver',
            '--web.enable-admin-api',
          ]),
      ...(options.flags ?? []),
    ],
    url: `http://127.0.0.1:${port}`,
    readyPath: '/-/ready',
    dir,
    cpu: options.cpu,
    env: options.env,
  });
}
