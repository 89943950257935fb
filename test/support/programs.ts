/** Real programs beside Vitrine (Collector, Jaeger, Prometheus, redis-server) as processes on free ports, and why a test skips where one is absent. */
import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { homedir, tmpdir } from 'node:os';
import path from 'node:path';
import { freePort, REPOSITORY, until } from './vitrine-process.ts';

const BIN =
  process.env['VITRINE_PROGRAMS_BIN'] ??
  path.join(process.env['XDG_CACHE_HOME'] ?? path.join(homedir(), '.cache'), 'vitrine-programs/bin');

/** Path of a program in the folder of built ones or on PATH; undefined when it is absent. */
export function programPath(...names: readonly string[]): string | undefined {
  for (const name of names) {
    const built = path.join(BIN, name);
    if (existsSync(built)) return built;
    const found = spawnSync('which', [name], { encoding: 'utf8' }).stdout.trim();
    if (found !== '') return found;
  }
  return undefined;
}

/** What is absent of `names`, said on the console, as the reason to skip; undefined when all is there. */
export function absent(...names: readonly string[]): string | undefined {
  const missing = names.filter((name) => programPath(name) === undefined);
  if (missing.length === 0) return undefined;
  const reason = `${missing.join(', ')} not installed (test/support/programs/install.sh)`;
  console.warn(`skipped: ${reason}`);
  return reason;
}

export interface Program extends AsyncDisposable {
  readonly child: ChildProcess;
  output(): string;
  /** Ends it and waits until it has gone. */
  end(signal?: NodeJS.Signals): Promise<number | null>;
}

export interface ProgramOptions {
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
}

export function startProgram(command: string, args: readonly string[], options: ProgramOptions = {}): Program {
  const child = spawn(command, args, {
    cwd: options.cwd ?? tmpdir(),
    env: { ...process.env, ...options.env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (chunk: Buffer) => (output = (output + chunk.toString()).slice(-200_000)));
  const exited = new Promise<number | null>((resolve) => {
    child.once('error', () => resolve(null));
    child.once('exit', (code) => resolve(code));
  });
  const end = async (signal: NodeJS.Signals = 'SIGTERM'): Promise<number | null> => {
    if (child.exitCode === null && child.signalCode === null) child.kill(signal);
    const timer = setTimeout(() => child.kill('SIGKILL'), 5_000);
    const code = await exited;
    clearTimeout(timer);
    return code;
  };
  return {
    child,
    output: () => output,
    end,
    async [Symbol.asyncDispose]() {
      await end();
    },
  };
}

async function answers(url: string, program: Program): Promise<void> {
  await until(
    async () => (await fetch(url)).ok || undefined,
    20_000,
    () => `${url} does not answer\n${program.output()}`,
  );
}

function needed(...names: readonly string[]): string {
  const found = programPath(...names);
  if (found === undefined) throw new Error(`${names.join(' or ')} is not installed`);
  return found;
}

export interface Jaeger extends Program {
  readonly otlpGrpc: string;
  readonly query: string;
}

export async function startJaeger(): Promise<Jaeger> {
  const flags = [
    'admin.http.host-port',
    'collector.grpc-server.host-port',
    'collector.http-server.host-port',
    'collector.otlp.http.host-port',
    'http-server.host-port',
    'processor.jaeger-binary.server-host-port',
    'processor.jaeger-compact.server-host-port',
    'processor.zipkin-compact.server-host-port',
    'query.grpc-server.host-port',
  ];
  const [otlp, query, ...others] = await Promise.all(Array.from({ length: flags.length + 2 }, freePort));
  const program = startProgram(
    needed('jaeger'),
    [
      `--collector.otlp.grpc.host-port=127.0.0.1:${otlp}`,
      `--query.http-server.host-port=127.0.0.1:${query}`,
      ...flags.map((flag, at) => `--${flag}=127.0.0.1:${others[at]}`),
    ],
    { env: { SPAN_STORAGE_TYPE: 'memory' } },
  );
  await answers(`http://127.0.0.1:${query}/api/services`, program);
  return { ...program, otlpGrpc: `127.0.0.1:${otlp}`, query: `http://127.0.0.1:${query}` };
}

export interface Collector extends Program {
  readonly otlpHttp: string;
  readonly otlpGrpc: string;
  /** The page that Prometheus scrapes. */
  readonly metrics: string;
}

/** The project's own Collector configuration in a real Collector. */
export async function startCollector(jaegerOtlp = '127.0.0.1:9'): Promise<Collector> {
  const [http, grpc, metrics, health] = await Promise.all(Array.from({ length: 4 }, freePort));
  const at = (port: number): string => `127.0.0.1:${port}`;
  const program = startProgram(needed('otelcol'), ['--config', path.join(REPOSITORY, 'otel-collector/config.yaml')], {
    env: {
      COLLECTOR_OTLP_HTTP: at(http),
      COLLECTOR_OTLP_GRPC: at(grpc),
      COLLECTOR_PROMETHEUS: at(metrics),
      COLLECTOR_HEALTH: at(health),
      JAEGER_OTLP: jaegerOtlp,
    },
  });
  await answers(`http://${at(health)}/`, program);
  return {
    ...program,
    otlpHttp: `http://${at(http)}`,
    otlpGrpc: `http://${at(grpc)}`,
    metrics: `http://${at(metrics)}/metrics`,
  };
}

export interface Prometheus extends Program {
  readonly url: string;
}

/** Scrapes the targets (name → URL of a metrics page) each second, their own `job` and `instance` kept. */
export async function startPrometheus(targets: Readonly<Record<string, string>>): Promise<Prometheus> {
  const port = await freePort();
  const dir = mkdtempSync(path.join(tmpdir(), 'prometheus-'));
  const file = path.join(dir, 'prometheus.yml');
  const jobs = Object.entries(targets).map(([name, url]) => {
    const { host, pathname } = new URL(url);
    return {
      job_name: name,
      honor_labels: true,
      metrics_path: pathname,
      static_configs: [{ targets: [host], labels: { road: name } }],
    };
  });
  // JSON is YAML.
  writeFileSync(
    file,
    JSON.stringify({ global: { scrape_interval: '1s', scrape_timeout: '1s' }, scrape_configs: jobs }),
  );
  const program = startProgram(needed('prometheus'), [
    `--config.file=${file}`,
    `--storage.tsdb.path=${path.join(dir, 'data')}`,
    `--web.listen-address=127.0.0.1:${port}`,
  ]);
  await answers(`http://127.0.0.1:${port}/-/ready`, program);
  const end = async (signal?: NodeJS.Signals): Promise<number | null> => {
    const code = await program.end(signal);
    rmSync(dir, { recursive: true, force: true });
    return code;
  };
  return {
    ...program,
    url: `http://127.0.0.1:${port}`,
    end,
    async [Symbol.asyncDispose]() {
      await end();
    },
  };
}
