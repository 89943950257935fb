/** Which scripts of the built page a browser needs before it can draw, by their static imports, and their size over the wire. */
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { gzipSync } from 'node:zlib';

const STATIC_IMPORT = /(?:\bfrom|\bimport)\s*["']\.\/([\w.-]+\.js)["']/g;

/** The scripts that `first` loads before it runs, itself included; those behind `import()` are not among them. */
export function staticGraph(assets: string, first: readonly string[]): ReadonlySet<string> {
  const found = new Set(first);
  for (const name of found) {
    for (const [, next] of readFileSync(path.join(assets, name), 'utf8').matchAll(STATIC_IMPORT)) found.add(next);
  }
  return found;
}

/** The scripts that the document itself names, and all that they need. */
export function initialScripts(pageDir: string): ReadonlySet<string> {
  const html = readFileSync(path.join(pageDir, 'index.html'), 'utf8');
  const named = [...html.matchAll(/assets\/([\w.-]+\.js)/g)].map(([, name]) => name);
  return staticGraph(path.join(pageDir, 'assets'), named);
}

/** The chunk of a room, such as `overview`, and all that it needs. */
export function scriptsOf(pageDir: string, room: string): ReadonlySet<string> {
  const assets = path.join(pageDir, 'assets');
  const own = readdirSync(assets).filter((name) => name.startsWith(`${room}-`) && name.endsWith('.js'));
  return staticGraph(assets, own);
}

/** With level 9, as the server compresses them. */
export function gzippedBytes(pageDir: string, names: Iterable<string>): number {
  let total = 0;
  for (const name of names) {
    total += gzipSync(readFileSync(path.join(pageDir, 'assets', name)), { level: 9 }).length;
  }
  return total;
}
