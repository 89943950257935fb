/**
 * Prometheus' PromQL scripts against a monitor over HTTP: remote write in, query and query_range out, an empty monitor for
 * every block. Two monitors are emptied in their process; the smallest script runs on the built program, started anew for each
 * block, so that its command line is proven too.
 * VITRINE_PROMQL_CASES names the folder of scripts; the black-box runner lies in the folder above it.
 */
import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, readdirSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { expect, it } from 'vitest';
import { shortfalls, summary, type CaseOutcome } from '../../conformance/promql-floor.ts';
import { BUILT } from '../../support/programs/vitrine-process.ts';
import { resettableMonitor } from '../../support/promql/resettable-monitor.ts';

const folder = process.env['VITRINE_PROMQL_CASES'];
if (folder === undefined) console.log('skipped: VITRINE_PROMQL_CASES names no folder of PromQL scripts');

const SPAWN = `${process.execPath} ${BUILT} start --role monitor --test-mode --listen 127.0.0.1:{port} --data {dir}`;
const PROGRAM = ['--spawn', SPAWN, '--ready-path', '/health'];

/** Remote write 2.0 alone carries start timestamps. */
const loaderOf = (file: string): string => (file.startsWith('start_timestamps') ? 'remote-write-v2' : 'remote-write');

/** One file; again when the runner itself gave up, as it does when a program takes longer than 10 s to start. */
async function run(file: string, server: readonly string[], dir: string, attempts = 3): Promise<CaseOutcome[]> {
  const cases = folder ?? '';
  const into = path.join(dir, `${file}.json`);
  const args = [path.join(cases, '../runner.mjs'), ...server, '--loader', loaderOf(file), '--quiet', '--json', into];
  const child = spawn(process.execPath, [...args, path.join(cases, file)], {
    stdio: ['ignore', 'ignore', 'inherit'],
    env: { ...process.env, NODE_OPTIONS: '' },
  });
  await new Promise((resolve, reject) => child.once('exit', resolve).once('error', reject));
  if (existsSync(into)) return JSON.parse(readFileSync(into, 'utf8')) as CaseOutcome[];
  if (attempts <= 1) throw new Error(`${file} could not be run`);
  return run(file, server, dir, attempts - 1);
}

it.skipIf(folder === undefined)(
  'no fewer cases pass than are recorded',
  async () => {
    const cases = folder ?? '';
    const dir = mkdtempSync(path.join(tmpdir(), 'vitrine-conformance-'));
    try {
      const files = readdirSync(cases).filter((name) => name.endsWith('.test'));
      const bySize = files.sort((a, b) => statSync(path.join(cases, b)).size - statSync(path.join(cases, a)).size);
      const smallest = bySize.pop() ?? '';
      const outcomes: CaseOutcome[] = [];
      const lane = async (): Promise<void> => {
        await using monitor = await resettableMonitor();
        const server = ['--url', monitor.url, '--reset-url', monitor.resetUrl];
        for (let file = bySize.shift(); file !== undefined; file = bySize.shift())
          outcomes.push(...(await run(file, server, dir)));
      };
      await Promise.all([lane(), lane(), run(smallest, PROGRAM, dir).then((more) => outcomes.push(...more))]);
      console.log(summary(outcomes));
      expect(shortfalls(outcomes)).toEqual([]);
    } finally {
      rmSync(dir, { recursive: true, force: true });
    }
  },
  600_000,
);
