/** A Redis or Valkey server of our own on a free port, when one is installed. */
import { freshDir, missingPrograms, programPath, startProgram } from '../program.ts';
import { accepts } from '../http/raw-http.ts';
import { until } from '../until.ts';
import { freePort } from './vitrine-process.ts';

const PROGRAM = programPath('redis-server', 'valkey-server');
/** Why tests against Redis are skipped; undefined where they can run. */
export const NO_REDIS =
  PROGRAM === undefined
    ? missingPrograms('what is tested against Redis', ['redis-server', 'valkey-server']).join()
    : undefined;

export interface RedisServer extends AsyncDisposable {
  readonly url: string;
  readonly port: number;
  signal(signal: NodeJS.Signals): void;
  kill(): Promise<void>;
}

export async function startRedis(port?: number): Promise<RedisServer> {
  const chosen = port ?? (await freePort());
  const dir = freshDir('redis');
  const flags = ['--port', String(chosen), '--bind', '127.0.0.1', '--save', '', '--dir', dir];
  const program = startProgram(PROGRAM ?? '', flags, { ownDir: dir });
  await until(() => accepts(chosen));
  return {
    url: `redis://127.0.0.1:${chosen}`,
    port: chosen,
    signal: (signal) => program.child.kill(signal),
    kill: async () => void (await program.stop('SIGKILL')),
    async [Symbol.asyncDispose]() {
      await program.stop('SIGKILL');
      await program[Symbol.asyncDispose]();
    },
  };
}
