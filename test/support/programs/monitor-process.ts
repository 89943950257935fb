/** A monitor without a stack, in a process of its own on free ports. */
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { freshDir, startServer, type Server } from '../program.ts';
import { BUILT, freePort, MAIN } from './vitrine-process.ts';

export interface MonitorProcessOptions {
  /** Takes samples of any time; opens the one port only and evaluates no rules. */
  readonly testMode?: boolean | undefined;
  /** Holds its data; a fresh one unless told otherwise. */
  readonly dir?: string | undefined;
  readonly keepDir?: boolean | undefined;
  readonly cpu?: number | undefined;
  readonly env?: Readonly<Record<string, string>> | undefined;
  /** YAML. */
  readonly config?: string | undefined;
  /** As it is installed (`dist/`, to be built before) instead of from the sources: what a measurement should run. */
  readonly built?: boolean | undefined;
}

export interface MonitorProcess extends Server {
  /** Base URL of OTLP over HTTP; nothing listens there in test mode. */
  readonly otlpHttp: string;
}

export async function startMonitorProcess(options: MonitorProcessOptions = {}): Promise<MonitorProcess> {
  const [port, otlpHttp, otlpGrpc] = await Promise.all([freePort(), freePort(), freePort()]);
  const { dir = freshDir(), cpu, env, keepDir } = options;
  const flags = options.testMode === true ? ['--test-mode'] : [];
  if (options.config !== undefined) {
    const file = path.join(dir, 'vitrine.yaml');
    writeFileSync(file, options.config);
    flags.push('--config', file);
  }
  const listen = `127.0.0.1:${port}`;
  const main = options.built === true ? BUILT : MAIN;
  const command = [main, 'start', '--role', 'monitor', '--listen', listen, '--data', path.join(dir, 'data')];
  const server = await startServer(process.execPath, [...command, ...flags], {
    readyUrl: `http://${listen}/readyz`,
    cwd: dir,
    ownDir: keepDir === true ? undefined : dir,
    cpu,
    env: {
      VITRINE_MONITOR__OTLP_HTTP: `127.0.0.1:${otlpHttp}`,
      VITRINE_MONITOR__OTLP_GRPC: `127.0.0.1:${otlpGrpc}`,
      ...env,
    },
  });
  return { ...server, otlpHttp: `http://127.0.0.1:${otlpHttp}` };
}
