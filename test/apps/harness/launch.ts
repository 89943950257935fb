/** Starts an application in one of its modes, and ends it. */
import { spawn, type ChildProcess } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { freshDir } from '../../support/program.ts';
import { until } from '../../support/until.ts';
import { BUILT, freePorts, portsEnvironment, type Ports } from '../../support/programs/vitrine-process.ts';
import { ask, type Target } from './answers.ts';
import type { Application, Place } from './application.ts';

/** `bundle`: under `@opentelemetry/auto-instrumentations-node/register`. */
export type Mode = 'bare' | 'run' | 'bundle';

const MARK = 'VITRINE_APPS_MARK';
const END_LIMIT_MS = 30_000;
const require = createRequire(import.meta.url);

export interface Launched extends AsyncDisposable {
  readonly child: ChildProcess;
  readonly target: Target;
  readonly url: string;
  readonly ports: Ports | undefined;
  /** What it wrote on stdout and stderr. */
  readonly output: () => string;
  /** Exit code; 128 and the number of the signal after a signal, as a shell has it. */
  readonly exited: Promise<number>;
  /** Processes of it that still run. */
  readonly left: () => string[];
}

const SIGNAL_NUMBERS: Readonly<Record<string, number>> = { SIGHUP: 1, SIGINT: 2, SIGQUIT: 3, SIGKILL: 9, SIGTERM: 15 };

/** Processes with this entry in their environment. */
function processesWith(entry: string): string[] {
  return (
    readdirSync('/proc')
      .filter((name) => /^\d+$/.test(name))
      .flatMap((pid) => {
        try {
          const has = readFileSync(`/proc/${pid}/environ`, 'latin1').split('\0').includes(entry);
          return has ? [`${pid} ${readFileSync(`/proc/${pid}/cmdline`, 'latin1').replaceAll('\0', ' ')}`] : [];
        } catch {
          return [];
        }
      })
      // A zombie has ended and waits for its parent to read its code.
      .filter((line) => !line.endsWith(' '.repeat(2)) && line.trim().includes(' '))
  );
}

export function prepareFolder({ files = {} }: Application, { dir, packages }: Place): void {
  rmSync(dir, { recursive: true, force: true });
  mkdirSync(dir, { recursive: true });
  for (const [name, text] of Object.entries({ 'package.json': '{"name":"app","private":true}', ...files })) {
    mkdirSync(path.dirname(path.join(dir, name)), { recursive: true });
    writeFileSync(path.join(dir, name), text);
  }
  if (packages !== '') symlinkSync(packages, path.join(dir, 'node_modules'));
}

/** `collector`: OTLP/HTTP address for the spans of the modes that have some. */
export async function launch(app: Application, mode: Mode, at: Place, collector: string): Promise<Launched> {
  prepareFolder(app, at);
  const data = freshDir('vitrine-apps');
  const mark = `${process.pid}-${mode}-${path.basename(data)}`;
  const ports = mode === 'run' ? await freePorts() : undefined;
  const command = app.command(at);
  const words =
    mode === 'run'
      ? [
          process.execPath,
          BUILT,
          'run',
          '--data',
          data,
          '--port',
          String(at.port),
          ...(app.flags?.(at) ?? []),
          '--',
          ...command,
        ]
      : command;
  const child = spawn(words[0], words.slice(1), {
    cwd: at.dir,
    env: { ...environmentOf(app, mode, at, collector), ...(ports && portsEnvironment(ports)), [MARK]: mark },
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => (output += chunk.toString()));
  const exited = new Promise<number>((resolve) => {
    child.once('exit', (code, signal) => resolve(code ?? 128 + (SIGNAL_NUMBERS[signal ?? ''] ?? 0)));
    child.once('error', () => resolve(127));
  });
  const own = app.own?.(at) ?? at.port;
  const host = `localhost:${at.port}`;
  const target: Target =
    ports === undefined
      ? { speech: app.speech ?? 'http', at: own, address: app.name.includes('::1') ? '::1' : '127.0.0.1', host }
      : { speech: 'http', at: ports.balancer, address: '127.0.0.1', host };
  const left = (): string[] => processesWith(`${MARK}=${mark}`);
  return {
    child,
    target,
    ports,
    url: `http://127.0.0.1:${ports?.balancer ?? own}`,
    output: () => output,
    exited,
    left,
    async [Symbol.asyncDispose]() {
      if (child.exitCode === null && child.signalCode === null) child.kill('SIGKILL');
      for (const line of left()) {
        try {
          process.kill(Number(line.split(' ')[0]), 'SIGKILL');
        } catch {
          // It has ended.
        }
      }
      rmSync(data, { recursive: true, force: true });
    },
  };
}

function environmentOf(app: Application, mode: Mode, at: Place, collector: string): Record<string, string> {
  const { PATH = '', HOME = '' } = process.env;
  const node = path.dirname(process.execPath);
  const telemetry = {
    OTEL_TRACES_EXPORTER: 'otlp',
    OTEL_EXPORTER_OTLP_ENDPOINT: collector,
    OTEL_EXPORTER_OTLP_PROTOCOL: 'http/json',
    OTEL_BSP_SCHEDULE_DELAY: '100',
    OTEL_SERVICE_NAME: 'app',
  };
  return {
    PATH: [node, at.packages === '' ? '' : path.join(at.packages, '.bin'), PATH].filter(Boolean).join(path.delimiter),
    HOME,
    TMPDIR: process.env['TMPDIR'] ?? '/tmp',
    PORT: String(at.port),
    ...(mode === 'bare' ? {} : telemetry),
    ...(mode === 'bundle'
      ? {
          NODE_OPTIONS: `--require=${require.resolve('@opentelemetry/auto-instrumentations-node/register')}`,
          // Others ask the metadata services of clouds.
          OTEL_NODE_RESOURCE_DETECTORS: 'env',
          OTEL_METRICS_EXPORTER: 'none',
          OTEL_LOGS_EXPORTER: 'none',
        }
      : {}),
    ...app.env?.(at),
  };
}

/** Resolves when it is up. */
export async function untilUp(app: Application, launched: Launched): Promise<void> {
  const { ready, printed, startLimitMs = 60_000 } = app;
  await until(
    async () => {
      if (launched.child.exitCode !== null && app.end !== 'itself') throw new Error(`it ended\n${launched.output()}`);
      if (printed !== undefined && !printed.test(launched.output())) return undefined;
      if (ready === undefined) return true;
      const { status, body } = await ask(launched.target, { path: ready });
      return status > 0 && status < 500 && !body.includes('urn:vitrine:error');
    },
    startLimitMs,
    () => `${app.name} does not come up\n${launched.output()}`,
  );
}

export interface Ended {
  readonly code: number;
  /** Processes that are left of it. */
  readonly left: readonly string[];
}

export async function end(app: Application, launched: Launched): Promise<Ended> {
  const { end: how = 'SIGTERM' } = app;
  if (how.startsWith('/')) await ask(launched.target, { path: how });
  else if (how !== 'itself') launched.child.kill(how as NodeJS.Signals);
  await until(
    () => launched.child.exitCode !== null || launched.child.signalCode !== null,
    END_LIMIT_MS,
    () => `${app.name} does not end\n${launched.output()}`,
  );
  const code = await launched.exited;
  let left = launched.left();
  // A process that was told to end needs a moment.
  await until(() => (left = launched.left()).length === 0, 3_000).catch(() => {});
  return { code, left };
}
