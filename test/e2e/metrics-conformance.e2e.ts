/**
 * Prometheus' PromQL scripts against a monitor over HTTP: remote write in, query and query_range out, a fresh process for
 * every block. VITRINE_PROMQL_CASES names the folder of scripts; the black-box runner lies in the folder above it.
 */
import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, readdirSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { expect, it } from 'vitest';
import { shortfalls, summary, type CaseOutcome } from '../conformance/promql-floor.ts';
import { REPOSITORY } from '../support/vitrine-process.ts';

const folder = process.env['VITRINE_PROMQL_CASES'];
if (folder === undefined) console.log('skipped: VITRINE_PROMQL_CASES names no folder of PromQL scripts');

/** Remote write 2.0 alone carries start timestamps. */
const LOADER_OF = (file: string): string => (file.startsWith('start_timestamps') ? 'remote-write-v2' : 'remote-write');

const main = path.join(REPOSITORY, 'src/main.ts');
const SPAWN = `${process.execPath} ${main} start --role monitor --test-mode --listen 127.0.0.1:{port} --data {dir}`;

async function run(cases: string, loader: string, files: readonly string[], into: string): Promise<CaseOutcome[]> {
  if (files.length === 0) return [];
  const args = [path.join(cases, '../runner.mjs'), '--spawn', SPAWN, '--ready-path', '/health', '--loader', loader];
  const child = spawn(
    process.execPath,
    [...args, '--quiet', '--json', into, ...files.map((file) => path.join(cases, file))],
    {
      stdio: ['ignore', 'ignore', 'inherit'],
      env: { ...process.env, NODE_OPTIONS: '' },
    },
  );
  await new Promise((resolve, reject) => child.once('exit', resolve).once('error', reject));
  return JSON.parse(readFileSync(into, 'utf8')) as CaseOutcome[];
}

it.skipIf(folder === undefined)(
  'no fewer cases pass than are recorded',
  async () => {
    const cases = folder ?? '';
    const dir = mkdtempSync(path.join(tmpdir(), 'vitrine-conformance-'));
    try {
      const files = readdirSync(cases).filter((name) => name.endsWith('.test'));
      const bySize = files.sort((a, b) => statSync(path.join(cases, b)).size - statSync(path.join(cases, a)).size);
      const isV1 = (file: string): boolean => LOADER_OF(file) === 'remote-write';
      const lanes = [0, 1].map((lane) => bySize.filter((file, i) => i % 2 === lane && isV1(file)));
      const runs = lanes.map((lane, i) => run(cases, 'remote-write', lane, path.join(dir, `${i}.json`)));
      const outcomes = (await Promise.all(runs)).flat();
      const v2 = bySize.filter((file) => !isV1(file));
      outcomes.push(...(await run(cases, 'remote-write-v2', v2, path.join(dir, 'v2.json'))));
      console.log(summary(outcomes));
      expect(shortfalls(outcomes)).toEqual([]);
    } finally {
      rmSync(dir, { recursive: true, force: true });
    }
  },
  1_500_000,
);
