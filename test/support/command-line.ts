/** The `vitrine` command as a user calls it: a process, its exit code, and what it printed. */
import path from 'node:path';
import type { LoadResult } from '../../src/loadtest/result.ts';
import type { ProgramOptions } from './programs.ts';
import { REPOSITORY } from './vitrine-process.ts';
import { spawn } from 'node:child_process';

export const MAIN = path.join(REPOSITORY, 'src/main.ts');
const LIMIT_MS = 60_000;

export interface Outcome {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs `vitrine ARGS` to its end, at most a minute. */
export function vitrine(args: readonly string[], options: ProgramOptions = {}): Promise<Outcome> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [MAIN, ...args], {
      cwd: options.cwd ?? '/tmp',
      env: { ...process.env, NODE_OPTIONS: '', ...options.env },
      stdio: ['ignore', 'pipe', 'pipe'],
      timeout: LIMIT_MS,
    });
    let stdout = '';
    let stderr = '';
    child.stdout.on('data', (chunk: Buffer) => (stdout += chunk.toString()));
    child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()));
    child.once('error', reject);
    child.once('close', (code) => resolve({ code, stdout, stderr }));
  });
}

/** `vitrine load` to its end: the result. */
export async function load(flags: Readonly<Record<string, string | number>>): Promise<LoadResult> {
  const args = Object.entries(flags).flatMap(([name, value]) => [`--${name}`, String(value)]);
  const { code, stdout, stderr } = await vitrine(['load', ...args]);
  if (code !== 0) throw new Error(`vitrine load ended with ${code}: ${stderr}`);
  return JSON.parse(stdout) as LoadResult;
}
