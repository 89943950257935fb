/**
 * The promises of the data path as commands: `npm run rel -- ID|NAME …`, `npm run rel -- --all [--report FILE]`. Each row
 * starts all that it needs and prints one line of JSON, `{id, name, figure, goal, pass, seconds}`. Exit code 1 when a
 * promise does not hold, 2 for an unknown row. Nightly form: `--all`.
 */
import { writeFileSync } from 'node:fs';
import type { Row } from './row.ts';
import { ACCESS_ROWS } from './rows/access.ts';
import { CACHE_ROWS } from './rows/caches.ts';
import { CARE_ROWS } from './rows/care.ts';
import { CLIENT_ROWS } from './rows/clients.ts';
import { MATRIX_ROWS } from './rows/matrix.ts';
import { MESSAGE_ROWS } from './rows/messages.ts';
import { SYNTAX_ROWS } from './rows/syntax.ts';
import { UPSTREAM_ROWS } from './rows/upstreams.ts';

const ROWS: readonly Row[] = [
  ...UPSTREAM_ROWS,
  ...MESSAGE_ROWS,
  ...SYNTAX_ROWS,
  ...CLIENT_ROWS,
  ...CARE_ROWS,
  ...CACHE_ROWS,
  ...ACCESS_ROWS,
  ...MATRIX_ROWS,
].toSorted((a, b) => a.id[0].localeCompare(b.id[0]) || Number(a.id.slice(1)) - Number(b.id.slice(1)));

interface Line {
  readonly id: string;
  readonly name: string;
  readonly figure: Readonly<Record<string, number | string>>;
  readonly goal: string;
  readonly pass: boolean;
  readonly seconds: number;
}

/** The slowest row takes two minutes on a quiet machine. A row that never ends must not keep the others from running. */
const ROW_LIMIT_MS = 600_000;

async function measured(row: Row): Promise<Line> {
  const began = performance.now();
  const { id, name, goal } = row;
  const late = new Promise<never>((_, reject) => {
    setTimeout(() => reject(new Error(`no figure within ${ROW_LIMIT_MS / 1_000} s`)), ROW_LIMIT_MS).unref();
  });
  const outcome = await Promise.race([row.run(), late]).catch((error: unknown) => ({
    figure: { error: String(error) },
    pass: false,
  }));
  return {
    id,
    name,
    figure: outcome.figure,
    goal,
    pass: outcome.pass,
    seconds: Math.round((performance.now() - began) / 1_000),
  };
}

const [all, report] = [process.argv.includes('--all'), process.argv.indexOf('--report')];
const wanted = process.argv
  .slice(2)
  .filter((word, at, words) => !word.startsWith('--') && words[at - 1] !== '--report');
const rows = all ? ROWS : ROWS.filter(({ id, name }) => wanted.includes(id) || wanted.includes(name));
const unknown = wanted.filter((word) => !ROWS.some(({ id, name }) => id === word || name === word));
if (rows.length === 0 || unknown.length > 0) {
  console.error(`Rows: ${ROWS.map(({ id, name }) => `${id} ${name}`).join(', ')}. Or --all.`);
  process.exit(2);
}
const lines: Line[] = [];
for (const row of rows) {
  const line = await measured(row);
  lines.push(line);
  console.log(JSON.stringify(line));
}
if (report > 0) writeFileSync(process.argv[report + 1], `${JSON.stringify(lines, undefined, 2)}\n`);
process.exit(lines.every(({ pass }) => pass) ? 0 : 1);
