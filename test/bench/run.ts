/**
 * All benchmarks in turn, each in a process of its own: `npm run bench [-- name …]`. A benchmark is a file of this folder or below it whose
 * doc comment says `node test/bench/<name>.ts`; processes that benchmarks start are not. Ends with a table of what took how long.
 */
import { spawnSync } from 'node:child_process';
import { readFileSync, readdirSync } from 'node:fs';
import path from 'node:path';

const folder = import.meta.dirname;
const names = readdirSync(folder, { recursive: true, encoding: 'utf8' })
  .filter((file) => file.endsWith('.ts') && file !== 'run.ts')
  .map((file) => file.replace(/\.ts$/, ''))
  .filter((name) => readFileSync(path.join(folder, `${name}.ts`), 'utf8').includes(`test/bench/${name}.ts`));
const wanted = process.argv.slice(2);
const unknown = wanted.filter((name) => !names.includes(name));
if (unknown.length > 0) {
  console.error(`no benchmark ${unknown.join(', ')}; there are ${names.join(', ')}`);
  process.exit(2);
}
const rows: { name: string; seconds: string; result: string }[] = [];
for (const name of wanted.length === 0 ? names : wanted) {
  console.log(`\n== ${name}`);
  const before = performance.now();
  const { status } = spawnSync(process.execPath, [path.join(folder, `${name}.ts`)], { stdio: 'inherit' });
  const seconds = ((performance.now() - before) / 1_000).toFixed(0);
  rows.push({ name, seconds, result: status === 0 ? 'done' : `failed (${status ?? 'killed'})` });
}
console.log('');
console.table(rows);
process.exitCode = rows.every(({ result }) => result === 'done') ? 0 : 1;
