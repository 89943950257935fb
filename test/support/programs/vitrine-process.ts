/** A whole Vitrine in processes of its own, on free ports and a fresh data directory, for tests that use it as a user does. */
import { createServer } from 'node:net';
import path from 'node:path';
import { freshDir, startProgram, untilReady, type Program } from '../program.ts';

export const REPOSITORY = path.resolve(import.meta.dirname, '../../..');
export const MAIN = path.join(REPOSITORY, 'src/main.ts');
/** The built program starts about a second of processor time sooner than the sources; `pretest:e2e` builds it. */
export const BUILT = path.join(REPOSITORY, 'dist/main.js');

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

/** Of everything that `start` listens on. */
export type Ports = Readonly<Record<'balancer' | 'monitor' | 'otlpHttp' | 'otlpGrpc' | 'sample1' | 'sample2', number>>;

export async function freePorts(): Promise<Ports> {
  const [balancer, monitor, otlpHttp, otlpGrpc, sample1, sample2] = await Promise.all(
    Array.from({ length: 6 }, freePort),
  );
  return { balancer, monitor, otlpHttp, otlpGrpc, sample1, sample2 };
}

const at = (port: number): string => `127.0.0.1:${port}`;

/** Listens there, as the environment says it. */
export const portsEnvironment = ({ balancer, monitor, otlpHttp, otlpGrpc, sample1, sample2 }: Ports) => ({
  VITRINE_BALANCER__LISTEN: at(balancer),
  VITRINE_MONITOR__LISTEN: at(monitor),
  VITRINE_MONITOR__OTLP_HTTP: at(otlpHttp),
  VITRINE_MONITOR__OTLP_GRPC: at(otlpGrpc),
  VITRINE_SAMPLE__LISTEN: `${at(sample1)},${at(sample2)}`,
});

/** The same as a configuration file says it. */
export const portsConfiguration = ({ balancer, monitor, otlpHttp, otlpGrpc, sample1, sample2 }: Ports) => ({
  balancer: { listen: at(balancer) },
  monitor: { listen: at(monitor), otlp_http: at(otlpHttp), otlp_grpc: at(otlpGrpc) },
  sample: { listen: [at(sample1), at(sample2)] },
});

export interface Vitrine extends Program {
  readonly balancer: string;
  readonly monitor: string;
  readonly otlpHttp: string;
  readonly otlpGrpc: string;
  readonly ports: Ports;
  readonly dataDir: string;
}

export interface VitrineOptions {
  readonly command?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** Wait until both ports answer; true unless told otherwise. */
  readonly ready?: boolean;
  readonly cwd?: string;
  /** As it is installed (`dist/`, to be built before) instead of from the sources. */
  readonly built?: boolean;
}

export async function startVitrine(options: VitrineOptions = {}): Promise<Vitrine> {
  const ports = await freePorts();
  const dataDir = freshDir();
  const [command = 'start', ...rest] = options.command ?? [];
  await using started = new AsyncDisposableStack();
  const program = started.use(
    startProgram(process.execPath, [options.built === true ? BUILT : MAIN, command, '--data', dataDir, ...rest], {
      cwd: options.cwd,
      ownDir: dataDir,
      env: {
        ...portsEnvironment(ports),
        // Tests count requests; those of the first minute switch it on.
        VITRINE_SAMPLE__TRAFFIC: 'false',
        ...options.env,
      },
    }),
  );
  const addresses = {
    balancer: `http://${at(ports.balancer)}`,
    monitor: `http://${at(ports.monitor)}`,
    otlpHttp: `http://${at(ports.otlpHttp)}`,
    otlpGrpc: `http://${at(ports.otlpGrpc)}`,
  };
  if (options.ready ?? true)
    await untilReady(program, [`${addresses.balancer}/-/readyz`, `${addresses.monitor}/readyz`]);
  started.move();
  return { ...program, ...addresses, ports, dataDir };
}

/** The JSON of a URL; fails on any status but those of success. */
export async function json<T>(url: string, init?: RequestInit): Promise<T> {
  const response = await fetch(url, init);
  const text = await response.text();
  if (!response.ok) throw new Error(`${url} answered ${response.status}: ${text.slice(0, 300)}`);
  return JSON.parse(text) as T;
}
