/**
 * `vitrine run -- CMD`: starts the monitor and the balancer, then CMD under the `register` preload with PORT set. Requests
 * go to the port on which CMD listens; a command that opens no port is still observed. CMD's exit code is passed on, signals
 * are passed to CMD, and no process that CMD started outlives CMD.
 */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { constants, tmpdir } from 'node:os';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { systemClock } from '../base/clock.ts';
import { randomHex } from '../base/random.ts';
import { openBridge, type Bridge } from '../app/command/bridge.ts';
import { Command } from '../app/command/command.ts';
import { ListenerWatch, type Listener } from '../app/command/listener-watch.ts';
import { RUN_DEFAULTS } from '../app/command/run-defaults.ts';
import { childEnvironment } from '../app/process/child-environment.ts';
import { whenLauncherEnds } from '../app/process/launcher-watch.ts';
import { REGISTER_PRELOAD } from '../app/process/program-paths.ts';
import type { RoleOptions, Running } from '../app/roles.ts';
import { startWithMonitor, type MonitorHandle, type UpstreamSource } from '../app/stack-roles.ts';
import { configFile, readSettings } from '../app/process/settings.ts';
import type { Settings } from '../app/process/settings-schema.ts';
import { tell } from './output.ts';
import { banner, monitorFlags, settingsFlags } from './start.ts';

const HANDED_ON = ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGQUIT', 'SIGUSR1', 'SIGUSR2'] as const;
/** A terminal sends these to all processes of its foreground group. */
const OF_TERMINALS: ReadonlySet<string> = new Set(['SIGINT', 'SIGQUIT']);

const PRELOAD = `--import=${pathToFileURL(REGISTER_PRELOAD).href}`;

type Flags = Readonly<Record<string, unknown>>;

export async function run(command: readonly string[], flags: Flags): Promise<number> {
  const file = configFile(flags['config'] as string | undefined);
  const sources = { file, env: process.env, flags: settingsFlags(flags), defaults: RUN_DEFAULTS };
  const settings = readSettings(sources, (sentence) => tell(`warning: ${sentence}`));
  const runDir = mkdtempSync(path.join(tmpdir(), 'vitrine-run-'));
  const observed = new ObservedCommand(command, runDir, await portFor(flags, settings), flags, settings);
  for (const signal of HANDED_ON) process.on(signal, () => observed.handOn(signal));
  whenLauncherEnds(process.env, () => observed.handOn('SIGTERM'));
  const startedAt = systemClock.monotonic();
  try {
    const options: RoleOptions = {
      settings: { ...settings, balancer: { ...settings.balancer, routes: [], transparent: true } },
      dataDir: settings.store.path,
      env: ownEnvironment(process.env),
      testMode: false,
      quiet: flags['logLevel'] === undefined,
      monitorArgs: monitorFlags(flags, file),
    };
    const running = await startWithMonitor(options, (monitor) => observed.source(monitor));
    banner(forPeople(running, settings), systemClock.monotonic() - startedAt, file);
    observed.start();
    const code = await observed.exited;
    for (const trouble of await running.close()) tell(trouble);
    return code;
  } finally {
    rmSync(runDir, { recursive: true, force: true });
  }
}

/** The name and the attributes in the environment are those of the command, not of the balancer in front of it. */
function ownEnvironment(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  const { OTEL_SERVICE_NAME: _name, OTEL_RESOURCE_ATTRIBUTES: _attributes, ...own } = env;
  return own;
}

/** The addresses as people write them: cookies and callbacks of an application are made for `localhost`. */
function forPeople({ addresses }: Running, { balancer }: Settings): Pick<Running, 'addresses'> {
  const local = (where: string): string => where.replace('http://127.0.0.1:', 'http://localhost:');
  const [[, app], ...others] = addresses;
  const bound = balancer.listen.port === 0 ? app : (app.split(' ')[0] ?? app);
  return { addresses: [['Your app', local(bound)], ...others.map(([name, where]) => [name, local(where)] as const)] };
}

/**
 * PORT for the command: the one of the flag, the one of the user's environment unless the balancer listens there, or a free
 * one.
 */
async function portFor(flags: Flags, { balancer }: Settings): Promise<number> {
  const named = (flags['port'] as number | undefined) ?? Number(process.env['PORT'] ?? 0);
  return named > 0 && named !== balancer.listen.port ? named : freePort();
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

/** The command, and the address behind the balancer, which follows the ports that the command opens. */
class ObservedCommand {
  readonly #words: readonly string[];
  readonly #runDir: string;
  readonly #port: number;
  readonly #only: number | undefined;
  readonly #intervalMs: number;
  /** The balancer reads this address at each new connection. */
  readonly #endpoint: { host: string; port: number };
  #command: Command | undefined;
  #watch: ListenerWatch | undefined;
  #bridge: Bridge | undefined;
  #monitorUrl = '';
  #note = (): void => {};
  #ended: (code: number) => void = () => {};
  readonly exited = new Promise<number>((resolve) => {
    this.#ended = resolve;
  });

  constructor(words: readonly string[], runDir: string, port: number, flags: Flags, settings: Settings) {
    this.#words = words;
    this.#runDir = runDir;
    this.#port = port;
    this.#only = flags['upstreamPort'] as number | undefined;
    this.#intervalMs = settings.telemetry.interval;
    this.#endpoint = { host: '127.0.0.1', port: this.#only ?? port };
  }

  /** The command as the upstream of the stack, once the monitor can receive its telemetry. */
  async source({ ready, url }: MonitorHandle): Promise<UpstreamSource> {
    await ready;
    this.#monitorUrl = url;
    return {
      endpoints: [this.#endpoint],
      drillToken: undefined,
      list: () => {
        const { host, port } = this.#endpoint;
        const url = `http://${host.includes(':') ? `[${host}]` : host}:${port}`;
        return [{ name: this.#words.join(' '), url, pid: this.#command?.pid ?? 0 }];
      },
      onChange: (note) => {
        this.#note = note;
      },
      stop: async () => {
        this.#watch?.close();
        await this.#command?.stop();
        this.#bridge?.close();
      },
    };
  }

  start(): void {
    const id = randomHex(16);
    const [words, dir] = [this.#words, this.#runDir];
    const command = new Command({ command: words, env: this.#environment(), id, dir, say: tell });
    this.#command = command;
    this.#watch = new ListenerWatch({
      runDir: this.#runDir,
      pid: () => command.pid,
      preload: PRELOAD,
      preferred: this.#port,
      only: this.#only,
      onChosen: (listener) => this.#take(listener),
      onOther: (port) =>
        tell(`vitrine: The command also listens on port ${port}. "--upstream-port ${port}" sends the requests there.`),
    });
    command.start();
    this.#note();
    void command.exited.then(this.#ended);
  }

  async #take({ kind, place }: Listener): Promise<void> {
    const before = this.#bridge;
    this.#bridge = await openBridge(kind, place);
    const { endpoint = this.#endpoint } = this.#bridge ?? {};
    Object.assign(this.#endpoint, 'path' in place || this.#bridge !== undefined ? endpoint : place);
    before?.close();
    this.#note();
  }

  /** CMD decides when to end. Before CMD runs this process exits at once, and its children end with it. */
  handOn(signal: NodeJS.Signals): void {
    if (this.#command === undefined) {
      rmSync(this.#runDir, { recursive: true, force: true });
      process.exit(128 + constants.signals[signal]);
    }
    this.#command.signal(signal, !(process.stdin.isTTY && OF_TERMINALS.has(signal)));
  }

  #environment(): NodeJS.ProcessEnv {
    const { env } = process;
    return childEnvironment(env, {
      NODE_OPTIONS: env['NODE_OPTIONS'] === undefined ? PRELOAD : `${env['NODE_OPTIONS']} ${PRELOAD}`,
      PORT: String(this.#port),
      OTEL_SERVICE_NAME: env['OTEL_SERVICE_NAME'] ?? serviceName(process.cwd()),
      OTEL_METRIC_EXPORT_INTERVAL: env['OTEL_METRIC_EXPORT_INTERVAL'] ?? '1000',
      VITRINE_TELEMETRY__MONITOR: this.#monitorUrl,
      VITRINE_TELEMETRY__INTERVAL: `${this.#intervalMs}ms`,
      VITRINE_RUN_DIR: this.#runDir,
    });
  }
}
