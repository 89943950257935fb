/** Holds the layers of docs/architecture.md: imports go to a lower layer or stay in their folder, never in circles. */
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { LAYERS, LONG_FILES, PAGE_MAY_IMPORT, ROOMS, ROOM_SIZE } from './support/house.ts';

const SRC = path.resolve(import.meta.dirname, '../src');
const DOCS = path.resolve(import.meta.dirname, '../docs/architecture.md');

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

/** The row of ROOMS[folder] that a file of the folder belongs to. */
function roomOf(folder: string, file: string): string {
  const [first] = file.slice(folder.length + 1).split('/');
  return first in ROOMS[folder] ? first : '.';
}

function importsBetweenRooms(sources: Sources): { folder: string; from: string; to: string; text: string }[] {
  const found: { folder: string; from: string; to: string; text: string }[] = [];
  for (const [file, text] of sources) {
    const folder = folderOf(file);
    if (!(folder in ROOMS)) continue;
    for (const target of importsOf(file, text)) {
      if (folderOf(target) !== folder || !target.startsWith(`${folder}/`)) continue;
      const [from, to] = [roomOf(folder, file), roomOf(folder, target)];
      if (from !== to) found.push({ folder, from, to, text: `${file} -> ${target}` });
    }
  }
  return found;
}

const roomViolations = (sources: Sources): string[] =>
  importsBetweenRooms(sources).flatMap(({ folder, from, to, text }) =>
    ROOMS[folder][from].includes(to) ? [] : [text],
  );

function unusedPermissions(sources: Sources): string[] {
  const used = new Set(importsBetweenRooms(sources).map(({ folder, from, to }) => `${folder}: ${from} -> ${to}`));
  return Object.entries(ROOMS).flatMap(([folder, rooms]) =>
    arrowsOf(rooms)
      .map((arrow) => `${folder}: ${arrow}`)
      .filter((row) => !used.has(row)),
  );
}

function roomCircles(table: typeof ROOMS): string[] {
  const found: string[] = [];
  for (const [folder, rooms] of Object.entries(table)) {
    const visit = (room: string, trail: readonly string[]): void => {
      if (trail.includes(room)) found.push(`${folder}: ${[...trail.slice(trail.indexOf(room)), room].join(' -> ')}`);
      else for (const next of rooms[room] ?? []) visit(next, [...trail, room]);
    };
    for (const room of Object.keys(rooms)) visit(room, []);
  }
  return found;
}

const arrowsOf = (rooms: Readonly<Record<string, readonly string[]>>): string[] =>
  Object.entries(rooms)
    .flatMap(([from, to]) => to.map((room) => `${from} -> ${room}`))
    .toSorted();

/** The arrows of the Mermaid diagram under the heading `### Rooms of FOLDER/`. The folder's own files are drawn as `join`. */
function drawnRooms(folder: string): string[] {
  const section = readFileSync(DOCS, 'utf8').split(`### Rooms of \`${folder}/\``)[1]?.split('\n### ')[0] ?? '';
  const diagram = /```mermaid\n([^`]*)```/.exec(section)?.[1] ?? '';
  const name = (text: string): string => (text === 'join' ? '.' : text);
  return [...diagram.matchAll(/^ *([\w.-]+) --> (.+)$/gm)]
    .flatMap(([, from, to]) => to.split(' & ').map((room) => `${name(from)} -> ${name(room.trim())}`))
    .toSorted();
}

function tooFull(sources: Sources): string[] {
  const count = new Map<string, number>();
  for (const file of sources.keys())
    count.set(path.posix.dirname(file), (count.get(path.posix.dirname(file)) ?? 0) + 1);
  return [...count].filter(([, files]) => files > ROOM_SIZE).map(([folder]) => folder);
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

/** The one file that may make OpenTelemetry instruments. */
const INSTRUMENTS = 'telemetry/metrics/meters.ts';

/** Calls on a meter; oxlint has no rule that could name them. */
const rawInstruments = (sources: Sources): string[] =>
  [...sources]
    .filter(([file]) => file !== INSTRUMENTS)
    .filter(([, text]) => /\.create(?:Observable)?(?:Counter|UpDownCounter|Gauge|Histogram)\(/.test(text))
    .map(([file]) => file);

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
  it('makes instruments in one place, from the table of names', () => {
    expect(sources.get(INSTRUMENTS)).toMatch(/meter\.createCounter\(/);
    expect(rawInstruments(sources)).toEqual([]);
  });
  it('keeps files short', () => expect(tooLong(sources)).toEqual([]));
  it('has seven files in base at most', () =>
    expect([...sources.keys()].filter((file) => file.startsWith('base/')).length).toBeLessThanOrEqual(7));
  it('imports between rooms only as the table says', () => expect(roomViolations(sources)).toEqual([]));
  it('allows no circle between rooms', () => expect(roomCircles(ROOMS)).toEqual([]));
  it('has no unused row or permission in the table of rooms', () => expect(unusedPermissions(sources)).toEqual([]));
  it('keeps rooms small, those of the tests too', () => {
    expect(tooFull(sources)).toEqual([]);
    const tests = readdirSync(import.meta.dirname, { recursive: true, encoding: 'utf8' });
    expect(tooFull(new Map(tests.filter((file) => file.endsWith('.ts')).map((file) => [file, ''])))).toEqual([]);
  });
  it('describes every folder in docs/architecture.md, and no other', () => {
    const described = [...readFileSync(DOCS, 'utf8').matchAll(/^\| `([^`]+)\/` \|/gm)].map(([, folder]) => folder);
    const entries = readdirSync(SRC, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
    const folders = new Set(
      entries.map((entry) => path.relative(SRC, entry.parentPath)).filter((folder) => folder !== ''),
    );
    expect(described.toSorted()).toEqual([...folders].toSorted());
  });
  it('draws the rooms in docs/architecture.md as the table has them', () => {
    for (const [folder, rooms] of Object.entries(ROOMS))
      expect([folder, drawnRooms(folder)]).toEqual([folder, arrowsOf(rooms)]);
  });
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
    const rooms = new Map([
      ['monitor/store/codec/a.ts', "import { b } from '../disk/b.ts';"],
      ['monitor/store/disk/b.ts', "import { c } from '../codec/c.ts';"],
      ['monitor/store/d.ts', "import { e } from './recent/e.ts';"],
    ]);
    expect(roomViolations(rooms)).toEqual([
      'monitor/store/codec/a.ts -> monitor/store/disk/b.ts',
      'monitor/store/d.ts -> monitor/store/recent/e.ts',
    ]);
    expect(roomCircles({ x: { a: ['b'], b: ['a'] } })).toEqual(['x: a -> b -> a', 'x: b -> a -> b']);
    expect(tooFull(new Map(Array.from({ length: 26 }, (_, at) => [`cli/f${at}.ts`, ''])))).toEqual(['cli']);
    const raw = ['Counter', 'Histogram', 'UpDownCounter', 'Gauge', 'ObservableCounter', 'ObservableGauge'].map(
      (kind) => [`app/${kind}.ts`, `metrics.getMeter('a').create${kind}('b');`] as const,
    );
    expect(rawInstruments(new Map(raw))).toHaveLength(raw.length);
    expect(circles(seeded)).toEqual(['model/b.ts -> model/c.ts -> model/b.ts']);
    expect(tooLong(seeded)).toEqual(['app/long.ts']);
  });
});
