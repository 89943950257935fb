/** The preload changes nothing of its host: signals, listeners, codes and `beforeExit` are as without it. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { startCollector } from './collector.ts';

const REGISTER = path.resolve(import.meta.dirname, '../../src/telemetry/register.ts');

interface End {
  readonly code: number | null;
  readonly signal: string | null;
  readonly output: string;
}

async function run(script: string, url: string | undefined, signal?: NodeJS.Signals): Promise<End> {
  const preload = url === undefined ? [] : ['--import', REGISTER];
  const child = spawn(process.execPath, [...preload, '--eval', script], {
    env: { PATH: process.env['PATH'], ...(url === undefined ? {} : { OTEL_EXPORTER_OTLP_ENDPOINT: url }) },
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => (output += chunk.toString()));
  if (signal !== undefined) {
    await once(child.stdout, 'data');
    child.kill(signal);
  }
  const [code, by] = (await once(child, 'close')) as [number | null, string | null];
  return { code, signal: by, output };
}

const SERVER = "require('http').createServer().listen(0, '127.0.0.1', () => console.log('up'));";
/** As `signal-exit` does it: it counts the listeners, and sends the signal again when all are its own. */
const SIGNAL_EXIT = `${SERVER} const on = () => { if (process.listenerCount('SIGTERM') === 1) { process.off('SIGTERM', on); console.log('cleanup'); process.kill(process.pid, 'SIGTERM'); } }; process.on('SIGTERM', on);`;

describe('under the preload as without it', () => {
  it.each([
    ['SIGTERM without a listener', SERVER, 'SIGTERM'],
    ['SIGINT without a listener', SERVER, 'SIGINT'],
    ['a library that counts the listeners', SIGNAL_EXIT, 'SIGTERM'],
    ['a listener that ends with a code', `${SERVER} process.on('SIGTERM', () => process.exit(42));`, 'SIGTERM'],
    ['an uncaught error', "setTimeout(() => { throw 'on purpose'; }, 20)", undefined],
    ['an exit code that is set', "process.exitCode = 3; process.on('exit', (c) => console.log('exit', c));", undefined],
    [
      'beforeExit, each time that work has ended',
      "let n = 0; process.on('beforeExit', () => { console.log('before', ++n); if (n < 3) setTimeout(() => {}, 10); });",
      undefined,
    ],
    [
      'work that beforeExit starts a turn later',
      "let n = 0; process.on('beforeExit', () => { console.log('before', ++n); if (n < 2) setImmediate(() => setTimeout(() => {}, 10)); });",
      undefined,
    ],
    [
      'the counts of listeners',
      "console.log(['SIGTERM', 'SIGINT', 'exit', 'uncaughtException', 'unhandledRejection'].map((e) => process.listenerCount(e)));",
      undefined,
    ],
  ] as const)('%s', async (_name, script, signal) => {
    const collector = await startCollector();
    try {
      const [bare, observed] = await Promise.all([run(script, undefined, signal), run(script, collector.url, signal)]);
      expect(observed).toEqual(bare);
    } finally {
      await collector.close();
    }
  });

  it.each(['hang', '503'] as const)('it ends within its 500 ms when the collector answers %s', async (mode) => {
    const collector = await startCollector(mode);
    try {
      // A job with something to send. Its own clock leaves out the start of the process, which a busy machine makes long.
      const script =
        "let end; setTimeout(() => { console.log('job'); end = performance.now(); }, 300); process.on('exit', () => console.log('held', performance.now() - end))";
      const { code, output } = await run(script, collector.url);
      expect(code).toBe(0);
      expect(Number(/held ([\d.]+)/.exec(output)?.[1])).toBeLessThan(1_000);
    } finally {
      await collector.close();
    }
  });
});
