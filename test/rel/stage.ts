/**
 * The balancer in its own process in front of upstreams in their own processes, for one row. All of them end with the stage.
 */
import { fork, type ChildProcess } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { freshDir, startServer, type Server } from '../support/program.ts';
import { freePort, MAIN } from '../support/programs/vitrine-process.ts';

export class Origin {
  readonly port: number;
  readonly name: string;
  /** Ids of the POSTs that any process on this port has received; an id occurs as often as it was received. */
  readonly posts: string[] = [];
  #child: ChildProcess | undefined;

  constructor(port: number, name: string) {
    this.port = port;
    this.name = name;
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  async start(): Promise<void> {
    const child = fork(path.join(import.meta.dirname, 'origin-process.ts'), [String(this.port), this.name], {
      execArgv: [],
    });
    this.#child = child;
    child.on('message', (message: { post?: string }) => {
      if (message.post !== undefined) this.posts.push(message.post);
    });
    await new Promise<void>((resolve, reject) => {
      child.once('message', () => resolve());
      child.once('exit', () => reject(new Error(`origin ${this.name} ended`)));
    });
  }

  set(behaviour: Readonly<Record<string, number>>): void {
    this.#child?.send(behaviour);
  }

  async requests(): Promise<number> {
    const child = this.#child;
    if (child === undefined) return 0;
    return new Promise((resolve) => {
      const listen = (message: { stats?: { requests: number } }): void => {
        if (message.stats === undefined) return;
        child.off('message', listen);
        resolve(message.stats.requests);
      };
      child.on('message', listen);
      child.send({ stats: true });
    });
  }

  signal(signal: NodeJS.Signals): void {
    this.#child?.kill(signal);
  }

  /** Resolves when the process has ended. */
  async stop(signal: NodeJS.Signals = 'SIGKILL'): Promise<void> {
    const child = this.#child;
    this.#child = undefined;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const ended = new Promise<void>((resolve) => void child.once('exit', () => resolve()));
    child.kill(signal);
    if (signal !== 'SIGKILL') child.kill('SIGCONT');
    await ended;
  }
}

export interface Stage extends AsyncDisposable {
  readonly origins: readonly Origin[];
  readonly balancer: Server;
  readonly url: string;
  readonly port: number;
  /** Writes another section into the configuration and lets the balancer read it. */
  reload(balancer: Readonly<Record<string, unknown>>): void;
}

/** `balancer`: the section of the configuration without its upstreams, which are `count` origins. */
export async function stage(
  count: number,
  balancer: Readonly<Record<string, unknown>> = {},
  more: Readonly<Record<string, unknown>> = {},
  env: Readonly<Record<string, string>> = {},
): Promise<Stage> {
  await using stack = new AsyncDisposableStack();
  const origins: Origin[] = [];
  for (let at = 0; at < count; at += 1) {
    const origin = new Origin(await freePort(), String.fromCharCode(97 + at));
    stack.defer(() => origin.stop());
    await origin.start();
    origins.push(origin);
  }
  const [dir, port] = [freshDir('rel'), await freePort()];
  const config = path.join(dir, 'vitrine.json');
  const write = (section: Readonly<Record<string, unknown>>): void =>
    writeFileSync(
      config,
      JSON.stringify({ balancer: { upstreams: origins.map(({ url }) => url), ...section }, ...more }),
    );
  write(balancer);
  const args = ['start', '--role', 'balancer', '--config', config, '--listen', `127.0.0.1:${port}`];
  const server = stack.use(
    await startServer(process.execPath, [MAIN, ...args, '--data', path.join(dir, 'data')], {
      readyUrl: `http://127.0.0.1:${port}/-/readyz`,
      ownDir: dir,
      env,
    }),
  );
  const owned = stack.move();
  return {
    origins,
    balancer: server,
    url: server.url,
    port,
    reload(section) {
      write({ ...balancer, ...section });
      server.child.kill('SIGHUP');
    },
    [Symbol.asyncDispose]: () => owned[Symbol.asyncDispose](),
  };
}
