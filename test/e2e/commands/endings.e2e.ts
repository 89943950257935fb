/** However Vitrine ends, none of its processes stay, and no stack trace is printed. */
import { spawn } from 'node:child_process';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { freshDir } from '../../support/program.ts';
import { until } from '../../support/until.ts';
import {
  freePorts,
  MAIN,
  portsEnvironment,
  startVitrine,
  type Vitrine,
} from '../../support/programs/vitrine-process.ts';

/** Processes whose arguments contain `mark`, such as a data directory. */
function processesWith(mark: string): string[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map((pid) => {
      try {
        return `${pid} ${readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ')}`;
      } catch {
        // It has ended meanwhile.
        return '';
      }
    })
    .filter((line) => line.includes(mark));
}

const allGone = (mark: string): Promise<true> =>
  until(
    () => processesWith(mark).length === 0 || undefined,
    20_000,
    () => processesWith(mark).join('\n'),
  );

async function environment(): Promise<Record<string, string>> {
  return { NODE_OPTIONS: '', ...portsEnvironment(await freePorts()) };
}

describe('nothing is left', () => {
  test.each([
    ['SIGKILL', 1],
    ['SIGKILL', 2],
    ['SIGKILL', 3],
    ['SIGTERM', 3],
  ] as const)('of a start that ends by %s when it has %i processes', async (signal, count) => {
    const dir = path.join(freshDir(), 'data');
    const child = spawn(process.execPath, [MAIN, 'start', '--data', dir], {
      env: { ...process.env, ...(await environment()) },
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    let said = '';
    child.stderr.on('data', (bytes: Buffer) => (said += bytes.toString()));
    await until(
      () => processesWith(dir).length >= count || undefined,
      20_000,
      () => said,
    );
    child.kill(signal);
    await allGone(dir);
    expect(said).not.toMatch(/\n {4}at /);
    // A start that is asked to end takes back what it has begun, and does not end by the signal.
    if (signal !== 'SIGTERM') return;
    expect(await until(() => child.exitCode ?? child.signalCode ?? undefined)).toBe(0);
    expect(readdirSync(dir)).not.toContain('run.json');
  });

  test('of one that runs and is killed', async () => {
    const it: Vitrine = await startVitrine();
    expect(processesWith(it.dataDir).length).toBeGreaterThanOrEqual(4);
    it.child.kill('SIGKILL');
    await allGone(it.dataDir);
  });

  test('of a command that `run` watches, when `run` is told to end before it listens', async () => {
    const dir = freshDir();
    const app = path.join(dir, 'app.mjs');
    writeFileSync(app, 'setInterval(() => {}, 1000);\n');
    const child = spawn(
      process.execPath,
      [MAIN, 'run', '--data', path.join(dir, 'data'), '--', process.execPath, app],
      {
        env: { ...process.env, ...(await environment()) },
        stdio: 'ignore',
      },
    );
    const ended = new Promise<number | null>((resolve) => child.once('exit', resolve));
    const isApp = (line: string): boolean => !line.includes(' run ') && line.includes(app);
    await until(
      () => processesWith(dir).some(isApp) || undefined,
      20_000,
      () => 'the command does not run',
    );
    child.kill('SIGTERM');
    expect(await ended).toBe(143);
    await allGone(dir);
  });
});

describe('Ctrl-C in a terminal, which reaches all processes,', () => {
  test('ends them in order: nothing is restarted, and the code is 0', async () => {
    const dir = path.join(freshDir(), 'data');
    const child = spawn(process.execPath, [MAIN, 'start', '--data', dir], {
      env: { ...process.env, ...(await environment()) },
      stdio: ['ignore', 'ignore', 'pipe'],
      detached: true,
    });
    const ended = new Promise<number | null>((resolve) => child.once('exit', resolve));
    let said = '';
    child.stderr.on('data', (bytes: Buffer) => (said += bytes.toString()));
    await until(
      () => said.includes('ready in') || undefined,
      30_000,
      () => said,
    );
    process.kill(-(child.pid ?? 0), 'SIGINT');
    expect(await ended).toBe(0);
    expect(said).not.toContain('is started again');
    await allGone(dir);
  });
});

describe('a reader that closes the pipe', () => {
  test('ends a command with 0', async () => {
    const child = spawn(process.execPath, [MAIN, 'check', '--schema'], { stdio: ['ignore', 'pipe', 'pipe'] });
    let said = '';
    child.stderr.on('data', (bytes: Buffer) => (said += bytes.toString()));
    child.stdout.destroy();
    expect(await new Promise((resolve) => child.once('exit', resolve))).toBe(0);
    expect(said).toBe('');
  });
});
