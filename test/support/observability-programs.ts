/**
 * The programs that a team has beside Vitrine, as real processes on free ports: Collector, Prometheus, Alertmanager. They run
 * the files of this repository; only addresses and folders, which compose gives by host name, are written over.
 */
import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { homedir, tmpdir } from 'node:os';
import path from 'node:path';
import { freePort, REPOSITORY, until } from './vitrine-process.ts';

const BUILT = process.env['VITRINE_PROGRAMS_BIN'] ?? path.join(homedir(), '.cache/vitrine-programs/bin');

/** The path of a program, or undefined where it is not installed. */
export function programPath(name: string): string | undefined {
  return [path.join(BUILT, name), `/usr/bin/${name}`, `/usr/sbin/${name}`].find((file) => existsSync(file));
}

/** Programs that are missing; says so once for the suite that is skipped then. */
export function missingPrograms(suite: string, ...names: readonly string[]): string[] {
  const missing = names.filter((name) => programPath(name) === undefined);
  if (missing.length > 0) console.log(`skipped: ${suite} needs ${missing.join(', ')}`);
  return missing;
}

export interface Running extends AsyncDisposable {
  readonly pid: number;
  /** The exit code, once there is one. */
  readonly exited: Promise<number | null>;
  output(): string;
  stop(signal?: NodeJS.Signals): Promise<number | null>;
}

export interface ProgramOptions {
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
  /** Answers with success once the program is ready. */
  readonly readyUrl?: string;
}

export async function startProgram(
  file: string,
  args: readonly string[],
  options: ProgramOptions = {},
): Promise<Running> {
  const child = spawn(file, args, {
    cwd: options.cwd ?? REPOSITORY,
    env: { ...process.env, NODE_OPTIONS: '', ...options.env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (chunk: Buffer) => (output = (output + chunk.toString()).slice(-100_000)));
  const ended = new Promise<number | null>((resolve) => {
    child.once('exit', (code) => resolve(code));
    child.once('error', (error) => {
      output += String(error);
      resolve(null);
    });
  });
  const stop = async (signal: NodeJS.Signals = 'SIGTERM'): Promise<number | null> => {
    if (child.exitCode === null && child.signalCode === null) child.kill(signal);
    const timer = setTimeout(() => child.kill('SIGKILL'), 10_000);
    const code = await ended;
    clearTimeout(timer);
    return code;
  };
  const { readyUrl } = options;
  if (readyUrl !== undefined) {
    try {
      await until(
        async () => {
          if (child.exitCode !== null) throw new Error(`ended with code ${child.exitCode}`);
          return (await fetch(readyUrl)).ok || undefined;
        },
        30_000,
        () => `${path.basename(file)} is not ready\n${output}`,
      );
    } catch (error) {
      await stop('SIGKILL');
      throw error;
    }
  }
  return {
    pid: child.pid ?? 0,
    exited: ended,
    output: () => output,
    stop,
    [Symbol.asyncDispose]: async () => void (await stop()),
  };
}

const needed = (name: string): string => {
  const file = programPath(name);
  if (file === undefined) throw new Error(`${name} is not installed`);
  return file;
};

export interface Collector extends Running {
  readonly otlpHttp: string;
  readonly otlpGrpc: string;
  /** host:port of its page for Prometheus. */
  readonly prometheus: string;
}

/** The Collector with `otel-collector/config.yaml`; `overlays` are YAML texts that it merges over that file. */
export async function startCollector(overlays: readonly string[] = [], jaeger?: string): Promise<Collector> {
  const [health, grpc, http, prometheus, nobody] = await Promise.all(Array.from({ length: 5 }, freePort));
  const dir = mkdtempSync(path.join(tmpdir(), 'collector-'));
  const files = overlays.map((text, index) => {
    const file = path.join(dir, `overlay-${index}.yaml`);
    writeFileSync(file, text);
    return file;
  });
  const configs = [path.join(REPOSITORY, 'otel-collector/config.yaml'), ...files];
  const running = await startProgram(
    needed('otelcol'),
    configs.flatMap((file) => ['--config', file]),
    {
      cwd: dir,
      readyUrl: `http://127.0.0.1:${health}/`,
      env: {
        COLLECTOR_HEALTH: `127.0.0.1:${health}`,
        COLLECTOR_OTLP_GRPC: `127.0.0.1:${grpc}`,
        COLLECTOR_OTLP_HTTP: `127.0.0.1:${http}`,
        COLLECTOR_PROMETHEUS: `127.0.0.1:${prometheus}`,
        JAEGER_OTLP: jaeger ?? `127.0.0.1:${nobody}`,
      },
    },
  );
  return {
    ...running,
    otlpHttp: `http://127.0.0.1:${http}`,
    otlpGrpc: `127.0.0.1:${grpc}`,
    prometheus: `127.0.0.1:${prometheus}`,
    async [Symbol.asyncDispose]() {
      await running.stop();
      rmSync(dir, { recursive: true, force: true });
    },
  };
}

export interface PrometheusOptions {
  readonly program?: string;
  /** host:port of the Collector's page, the monitor and Alertmanager. */
  readonly collector: string;
  readonly monitor: string;
  readonly alertmanager: string;
  /** A folder of rule files; ours unless told otherwise. */
  readonly rules?: string;
  readonly token?: string;
}

export interface Prometheus extends Running {
  readonly url: string;
}

/** Prometheus with `deploy/prometheus/prometheus.yml`, scraping each second. */
export async function startPrometheus(options: PrometheusOptions): Promise<Prometheus> {
  const port = await freePort();
  const dir = mkdtempSync(path.join(tmpdir(), 'prometheus-'));
  const token = path.join(dir, 'token');
  writeFileSync(token, options.token ?? 'none');
  const text = readFileSync(path.join(REPOSITORY, 'deploy/prometheus/prometheus.yml'), 'utf8')
    .replaceAll('collector:8889', options.collector)
    .replaceAll('monitor:4000', options.monitor)
    .replaceAll('alertmanager:9093', options.alertmanager)
    .replaceAll('/run/secrets/vitrine_token', token)
    .replaceAll('/etc/prometheus/rules', options.rules ?? path.join(REPOSITORY, 'rules'))
    .replace(/(scrape|evaluation)_interval: 5s/g, '$1_interval: 1s');
  const config = path.join(dir, 'prometheus.yml');
  writeFileSync(config, text);
  const url = `http://127.0.0.1:${port}`;
  const running = await startProgram(
    options.program ?? needed('prometheus'),
    [
      `--config.file=${config}`,
      `--storage.tsdb.path=${path.join(dir, 'data')}`,
      `--web.listen-address=127.0.0.1:${port}`,
      '--log.level=warn',
    ],
    { cwd: dir, readyUrl: `${url}/-/ready` },
  );
  return {
    ...running,
    url,
    async [Symbol.asyncDispose]() {
      await running.stop();
      rmSync(dir, { recursive: true, force: true });
    },
  };
}

export interface Alertmanager extends Running {
  readonly address: string;
}

/** Alertmanager with `deploy/alertmanager/alertmanager.yml`. */
export async function startAlertmanager(): Promise<Alertmanager> {
  const port = await freePort();
  const dir = mkdtempSync(path.join(tmpdir(), 'alertmanager-'));
  const address = `127.0.0.1:${port}`;
  const running = await startProgram(
    needed('prometheus-alertmanager'),
    [
      `--config.file=${path.join(REPOSITORY, 'deploy/alertmanager/alertmanager.yml')}`,
      `--storage.path=${dir}`,
      `--web.listen-address=${address}`,
      '--cluster.listen-address=',
    ],
    { cwd: dir, readyUrl: `http://${address}/-/ready` },
  );
  return {
    ...running,
    address,
    async [Symbol.asyncDispose]() {
      await running.stop();
      rmSync(dir, { recursive: true, force: true });
    },
  };
}
