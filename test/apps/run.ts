/**
 * `npm run apps [-- NAME…]`: compares the applications in all their modes and writes the table of docs/applications.md. With names
 * it runs those that contain one of them, and prints the result without writing.
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
const chosen = APPLICATIONS.filter(({ name }) => names.length === 0 || names.some((each) => name.includes(each)));
const packages = chosen.some(({ needsPackages }) => needsPackages === true) ? await installPackages() : '';

const results: (Comparison | { readonly name: string; readonly failed: string })[] = [];
const cell = (text: string): string => text.replaceAll('|', '\\|').replaceAll('\n', ' ').slice(0, 200);

const rowOf = (result: (typeof results)[number]): string[] =>
  'failed' in result
    ? [result.name, 'did not run', cell(result.failed), '', '']
    : [
        result.name,
        result.probes === 0 ? 'no port' : `${result.probes}`,
        result.differences.length === 0 ? 'none' : cell(result.differences.join('; ')),
        `${result.routes}${result.missedRoutes.length === 0 ? '' : `, missed: ${cell(result.missedRoutes.join(', '))}`}`,
        `${result.code}`,
      ];

/** After each application: a run that is interrupted leaves the rows that it has. */
function writeTable(): void {
  const head = ['application', 'probes', 'differences from bare', 'routes seen', 'exit code'];
  const rows = [head, head.map(() => '---'), ...results.map(rowOf)];
  const table = rows.map((cells) => `| ${cells.join(' | ')} |`).join('\n');
  const text = readFileSync(DOCUMENT, 'utf8');
  const [before, rest] = text.split(BEGIN);
  writeFileSync(DOCUMENT, `${before}${BEGIN}\n${table}\n${END}${rest.split(END)[1]}`);
}

for (const app of chosen) {
  const startedAt = performance.now();
  const result = await compare(app, packages).catch((error: unknown) => ({
    name: app.name,
    failed: error instanceof Error ? error.message : String(error),
  }));
  results.push(result);
  if (names.length === 0) writeTable();
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
