/** Holds the layers of docs/architecture.md: imports go to a lower layer or stay in their folder, never in circles. */
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';

const SRC = path.resolve(import.meta.dirname, '../src');

const LAYERS: readonly (readonly string[])[] = [
  ['base'],
  ['model'],
  ['config', 'telemetry', 'dashboards'],
  ['stack/server', 'stack/cache', 'monitor/store', 'loadtest'],
  ['stack/balancer', 'sample', 'monitor/ingest', 'monitor/promql'],
  ['monitor/alerts'],
  ['monitor/api'],
  ['app'],
  ['cli'],
  ['main.ts'],
];
/** The page may import types from these and nothing else of the house. */
const PAGE_MAY_IMPORT = ['monitor/api/contract.ts', 'dashboards'];
/** Longer than 300 lines for a reason. */
const LONG_FILES: Readonly<Record<string, string>> = {};

type Sources = ReadonlyMap<string, string>;

function readSources(): Sources {
  const files = readdirSync(SRC, { recursive: true, encoding: 'utf8' }).filter((file) => /\.tsx?$/.test(file));
  return new Map(files.map((file) => [file.split(path.sep).join('/'), readFileSync(path.join(SRC, file), 'utf8')]));
}

function folderOf(file: string): string {
  const known = LAYERS.flat().filter((folder) => file === folder || file.startsWith(`${folder}/`));
  return known.sort((a, b) => b.length - a.length)[0] ?? file.split('/')[0];
}

/** The two wings meet only in app. */
const wingOf = (folder: string): string | undefined => (/^(stack|monitor)\//.exec(folder) ?? [])[1];

function importsOf(file: string, text: string): string[] {
  const found = text.matchAll(/(?:from|import)\s*\(?\s*['"](\.{1,2}\/[^'"]+)['"]/g);
  return [...found].map(([, target]) => path.posix.normalize(path.posix.join(path.posix.dirname(file), target)));
}

function layerViolations(sources: Sources): string[] {
  const layerOf = (folder: string): number => LAYERS.findIndex((layer) => layer.includes(folder));
  const violations: string[] = [];
  for (const [file, text] of sources) {
    const from = folderOf(file);
    for (const target of importsOf(file, text)) {
      const to = folderOf(target);
      if (from === to) continue;
      if (wingOf(from) !== undefined && wingOf(to) !== undefined && wingOf(from) !== wingOf(to)) {
        violations.push(`${file} -> ${target}`);
      } else if (from === 'page') {
        if (!PAGE_MAY_IMPORT.some((allowed) => target.startsWith(allowed))) violations.push(`${file} -> ${target}`);
      } else if (layerOf(from) < 0 || layerOf(to) < 0 || layerOf(to) >= layerOf(from)) {
        violations.push(`${file} -> ${target}`);
      }
    }
  }
  return violations;
}

function circles(sources: Sources): string[] {
  const state = new Map<string, 'open' | 'done'>();
  const found: string[] = [];
  const visit = (file: string, trail: readonly string[]): void => {
    if (state.get(file) === 'done' || !sources.has(file)) return;
    if (state.get(file) === 'open') {
      found.push([...trail.slice(trail.indexOf(file)), file].join(' -> '));
      return;
    }
    state.set(file, 'open');
    for (const target of importsOf(file, sources.get(file) ?? '')) visit(target, [...trail, file]);
    state.set(file, 'done');
  };
  for (const file of sources.keys()) visit(file, []);
  return found;
}

const tooLong = (sources: Sources): string[] =>
  [...sources].filter(([file, text]) => text.split('\n').length > 300 && !(file in LONG_FILES)).map(([file]) => file);

describe('the house', () => {
  const sources = readSources();

  it('has read the sources', () => expect(sources.size).toBeGreaterThan(15));
  it('is drawn with no room that is not there', () =>
    expect(LAYERS.flat().filter((folder) => ![...sources.keys()].some((file) => folderOf(file) === folder))).toEqual(
      [],
    ));
  it('imports only downwards', () => expect(layerViolations(sources)).toEqual([]));
  it('has no circles', () => expect(circles(sources)).toEqual([]));
  it('keeps files short', () => expect(tooLong(sources)).toEqual([]));
  it('has seven files in base at most', () =>
    expect([...sources.keys()].filter((file) => file.startsWith('base/')).length).toBeLessThanOrEqual(7));
  it('exports nothing by default', () =>
    expect(
      [...sources]
        .filter(([file, text]) => /^export default/m.test(text) && !file.endsWith('vite.config.ts'))
        .map(([file]) => file),
    ).toEqual([]));
  it('reads the environment only in app, cli, telemetry and config', () => {
    const readers = [...sources].filter(([, text]) => /process\.env/.test(text)).map(([file]) => folderOf(file));
    expect(readers.filter((folder) => !['app', 'cli', 'telemetry', 'main.ts'].includes(folder))).toEqual([]);
  });

  it('would notice each kind of violation', () => {
    const seeded = new Map([
      ['base/a.ts', "import { b } from '../model/b.ts';"],
      ['model/b.ts', "import type { c } from './c.ts';"],
      ['model/c.ts', "import type { b } from './b.ts';"],
      [
        'stack/balancer/d.ts',
        "import { e } from '../../monitor/store/e.ts';\nimport { f } from '../../monitor/promql/f.ts';",
      ],
      ['page/g.ts', "import { h } from '../monitor/api/server.ts';"],
      ['app/long.ts', '\n'.repeat(301)],
    ]);
    expect(layerViolations(seeded)).toEqual([
      'base/a.ts -> model/b.ts',
      'stack/balancer/d.ts -> monitor/store/e.ts',
      'stack/balancer/d.ts -> monitor/promql/f.ts',
      'page/g.ts -> monitor/api/server.ts',
    ]);
    expect(circles(seeded)).toEqual(['model/b.ts -> model/c.ts -> model/b.ts']);
    expect(tooLong(seeded)).toEqual(['app/long.ts']);
  });
});
