/**
 * Prometheus' PromQL scripts against a monitor over HTTP: remote write in, query and query_range out, a fresh process for
 * every block. VITRINE_PROMQL_CASES names the folder of scripts; the black-box runner lies in the folder above it.
 */
import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, readdirSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { expect, it } from 'vitest';
import { shortfalls, summary, type CaseOutcome } from '../../conformance/promql-floor.ts';
import { REPOSITORY } from '../../support/programs/vitrine-process.ts';

const folder = process.env['VITRINE_PROMQL_CASES'];
if (folder === undefined) console.log('skipped: VITRINE_PROMQL_CASES names no folder of PromQL scripts');

/** Remote write 2.0 alone carries start timestamps. */
const loaderOf = (file: string): string => (file.startsWith('start_timestamps') ? 'remote-write-v2' : 'remote-write');

/** The built program: each of the many starts would strip the types of all sources. */
const main = path.join(REPOSITORY, 'dist/main.js');
const SPAWN = `${process.execPath} ${main} start --role monitor --test-mode --listen 127.0.0.1:{port} --data {dir}`;

/** One file; once more when the runner itself gave up, as it does when a server takes longer than 10 s to start. */
async function run(cases: string, file: string, dir: string, attempts = 3): Promise<CaseOutcome[]> {
  const into = path.join(dir, `${file}.json`);
  const args = [path.join(cases, '../runner.mjs'), '--spawn', SPAWN, '--ready-path', '/health'];
  args.push('--loader', loaderOf(file), '--quiet', '--json', into, path.join(cases, file));
  const child = spawn(process.execPath, args, {
    stdio: ['ignore', 'ignore', 'inherit'],
    env: { ...process.env, NODE_OPTIONS: '' },
  });
  await new Promise((resolve, reject) => child.once('exit', resolve).once('error', reject));
  if (existsSync(into)) return JSON.parse(readFileSync(into, 'utf8')) as CaseOutcome[];
  if (attempts <= 1) throw new Error(`${file} could not be run`);
  return run(cases, file, dir, attempts - 1);
}

it.skipIf(folder === undefined)(
  'no fewer cases pass than are recorded',
  async () => {
    const cases = folder ?? '';
    const dir = mkdtempSync(path.join(tmpdir(), 'vitrine-conformance-'));
    try {
      const files = readdirSync(cases).filter((name) => name.endsWith('.test'));
      const bySize = files.sort((a, b) => statSync(path.join(cases, b)).size - statSync(path.join(cases, a)).size);
      const outcomes: CaseOutcome[] = [];
      // Two at a time: most of a case is the start of its server.
      const lane = async (): Promise<void> => {
        for (let file = bySize.shift(); file !== undefined; file = bySize.shift())
          outcomes.push(...(await run(cases, file, dir)));
      };
      await Promise.all([lane(), lane()]);
      console.log(summary(outcomes));
      expect(shortfalls(outcomes)).toEqual([]);
    } finally {
      rmSync(dir, { recursive: true, force: true });
    }
  },
  1_500_000,
);
