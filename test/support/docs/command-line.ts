/** The `vitrine` command as a user calls it: a process, its exit code, and what it printed. */
import type { LoadResult } from '../../../src/loadtest/result.ts';
import { runToEnd, type Finished, type RunOptions } from '../program.ts';
import { MAIN } from '../programs/vitrine-process.ts';

/** Runs `vitrine ARGS` to its end, at most a minute. */
export function vitrine(args: readonly string[], options: RunOptions = {}): Promise<Finished> {
  return runToEnd(process.execPath, [MAIN, ...args], options);
}

/** `vitrine load` to its end: the result. */
export async function load(flags: Readonly<Record<string, string | number>>): Promise<LoadResult> {
  const args = Object.entries(flags).flatMap(([name, value]) => [`--${name}`, String(value)]);
  const { code, stdout, stderr } = await vitrine(['load', ...args]);
  if (code !== 0) throw new Error(`vitrine load ended with ${code}: ${stderr}`);
  return JSON.parse(stdout) as LoadResult;
}
