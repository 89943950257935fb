/**
 * `npm run apps [-- NAME…]`: compares the applications in all their modes and writes the table of docs/applications.md. With names
 * it runs the applications of exactly these names, or else those that contain one of them, and writes their rows; `--list` prints all names.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { compare, type Comparison } from './harness/compare.ts';
import { installPackages } from './harness/packages.ts';
import { APPLICATIONS } from './list/all.ts';

const DOCUMENT = path.join(import.meta.dirname, '../../docs/applications.md');
const [BEGIN, END] = ['<!-- begin of the table -->', '<!-- end of the table -->'];

/** Differences of one application that are printed. */
const SHOWN = 12;

const names = process.argv.slice(2);
if (names.includes('--list')) {
  console.log(APPLICATIONS.map(({ name }) => name).join('\n'));
  process.exit(0);
}
const exact = APPLICATIONS.filter(({ name }) => names.includes(name));
const chosen =
  exact.length > 0
    ? exact
    : APPLICATIONS.filter(({ name }) => names.length === 0 || names.some((each) => name.includes(each)));

const results: (Comparison | { readonly name: string; readonly failed: string })[] = [];
const cell = (text: string): string => text.replaceAll('|', '\\|').replaceAll('\n', ' ').slice(0, 200);

const rowOf = (result: (typeof results)[number]): string[] =>
  'failed' in result
    ? [result.name, 'did not run', cell(result.failed), '', '', '']
    : [
        cell(result.name),
        result.probes === 0 ? 'no port' : `${result.probes}`,
        result.differences.length === 0 ? 'none' : cell(result.differences.join('; ')),
        `${result.bundleRoutes}`,
        `${result.routes}${result.missedRoutes.length === 0 ? '' : `, missed: ${cell(result.missedRoutes.join(', '))}`}`,
        `${result.code}`,
      ];

const rowText = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`;
const nameIn = (row: string): string => row.split(' | ')[0].slice(2);

/** After each application: a run that is interrupted leaves the rows that it has. Applications that did not run keep theirs. */
function writeTable(): void {
  const head = [
    'application',
    'probes',
    'differences from bare',
    "routes under the bundle's register",
    'routes under `run`',
    'exit code',
  ];
  const text = readFileSync(DOCUMENT, 'utf8');
  const [before, rest] = text.split(BEGIN);
  const [old, after] = rest.split(END);
  const rows = new Map(old.split('\n').flatMap((row) => (row.startsWith('| ') ? [[nameIn(row), row] as const] : [])));
  for (const result of results) rows.set(cell(result.name), rowText(rowOf(result)));
  const body = APPLICATIONS.flatMap(({ name }) => rows.get(cell(name)) ?? []);
  const table = [rowText(head), rowText(head.map(() => '---')), ...body].join('\n');
  writeFileSync(DOCUMENT, `${before}${BEGIN}\n${table}\n${END}${after}`);
}

for (const app of chosen) {
  const startedAt = performance.now();
  const packages = app.packages === undefined ? '' : await installPackages(app.packages);
  const result = await compare(app, packages).catch((error: unknown) => ({
    name: app.name,
    failed: error instanceof Error ? error.message : String(error),
  }));
  results.push(result);
  writeTable();
  const lines =
    'failed' in result
      ? [result.failed]
      : [...result.differences, ...result.missedRoutes.map((route) => `route missed: ${route}`)];
  const seconds = ((performance.now() - startedAt) / 1000).toFixed(1);
  console.log(
    `${lines.length === 0 ? 'same' : 'DIFFERS'}  ${app.name}  (${seconds} s)${lines
      .slice(0, SHOWN)
      .map((line) => `\n    ${line}`)
      .join('')}`,
  );
}

const isSame = (result: (typeof results)[number]): boolean =>
  !('failed' in result) && result.differences.length === 0 && result.missedRoutes.length === 0;
process.exitCode = results.every(isSame) ? 0 : 1;
