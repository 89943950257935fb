/** A style sheet stays when another page is opened, so of two sheets with one selector the order of the visit decides. */
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { expect, it } from 'vitest';

const STYLES = path.resolve(import.meta.dirname, '../../src/page/styles');

/** The selectors outside of `@media` and its like, each once. */
function selectorsOf(css: string): Set<string> {
  const found = new Set<string>();
  const open: string[] = [];
  for (const [, before, brace] of css.replaceAll(/\/\*.*?\*\//gs, '').matchAll(/([^{}]*)([{}])/g)) {
    if (brace === '}') {
      open.pop();
      continue;
    }
    open.push(before.split(';').at(-1)?.trim() ?? '');
    if (open.some((one) => one.startsWith('@'))) continue;
    for (const one of open.at(-1)?.split(',') ?? []) found.add(one.trim());
  }
  return found;
}

/** `selector: first, second` for each that is in two sheets. */
function clashes(sheets: Readonly<Record<string, string>>): string[] {
  const places = new Map<string, string[]>();
  for (const [name, css] of Object.entries(sheets))
    for (const one of selectorsOf(css)) places.set(one, [...(places.get(one) ?? []), name]);
  return [...places].filter(([, names]) => names.length > 1).map(([one, names]) => `${one}: ${names.join(', ')}`);
}

it('no selector is in two style sheets', () => {
  const sheets = readdirSync(STYLES).map((name) => [name, readFileSync(path.join(STYLES, name), 'utf8')] as const);
  expect(sheets.length).toBeGreaterThan(8);
  expect(clashes(Object.fromEntries(sheets))).toEqual([]);
});

it('a clash is found, and what a media query adds is none', () => {
  const [first, second] = [
    '.a,\n.b { color: red; }',
    '/* .b {} */ .b { color: blue; } @media print { .a { color: red; } }',
  ];
  expect(clashes({ first, second })).toEqual(['.b: first, second']);
});

const PAGE = path.resolve(STYLES, '..');
/** Imports of a file that are loaded with it, and those that are loaded when something is first drawn. */
interface Parts {
  readonly files: readonly string[];
  readonly sheets: readonly string[];
  readonly later: readonly string[];
  readonly classes: ReadonlySet<string>;
}

const CLASS = /class(?:Name)?=(?:"([^"]*)"|\{((?:[^{}]|\{[^{}]*\})*)\})/g;
const QUOTED = /'([^']*)'|"([^"]*)"|`([^`]*)`/g;

function classesOf(source: string): Set<string> {
  const found = new Set<string>();
  for (const [, plain, code] of source.matchAll(CLASS)) {
    const texts = plain === undefined ? [...code.matchAll(QUOTED)].map((one) => one.slice(1).join('')) : [plain];
    for (const text of texts) for (const one of text.split(/[\s${}?:'`]+/)) found.add(one);
  }
  return found;
}

function partsOf(file: string): Parts {
  const source = readFileSync(file, 'utf8');
  const at = (name: string): string => path.resolve(path.dirname(file), name);
  const named = [...source.matchAll(/^import(?! type)[^;]*?'(\.[^']+)';/gm)].map(([, name]) => at(name));
  return {
    files: named.filter((one) => /\.tsx?$/.test(one) && one.startsWith(PAGE)),
    sheets: named.filter((one) => one.endsWith('.css')).map((one) => path.basename(one)),
    later: [...source.matchAll(/\bimport\('(\.[^']+)'\)/g)].map(([, name]) => at(name)),
    classes: classesOf(source),
  };
}

/** The file and all that is loaded with it. */
function loadedWith(first: string): Map<string, Parts> {
  const found = new Map<string, Parts>();
  const open = [first];
  for (let file = open.pop(); file !== undefined; file = open.pop()) {
    if (found.has(file)) continue;
    const parts = partsOf(file);
    found.set(file, parts);
    open.push(...parts.files);
  }
  return found;
}

/** Classes that a page uses while no sheet that has them is loaded, when the page is the first one opened. */
function unstyled(
  entry: string,
  before: ReadonlySet<string>,
  sheetsOf: ReadonlyMap<string, readonly string[]>,
): string[] {
  const parts = loadedWith(entry);
  const sheets = new Set([...before, ...[...parts.values()].flatMap((one) => one.sheets)]);
  const faults: string[] = [];
  for (const [file, { classes }] of parts)
    for (const one of classes) {
      const places = sheetsOf.get(one) ?? [];
      if (places.length > 0 && !places.some((sheet) => sheets.has(sheet)))
        faults.push(
          `${path.relative(PAGE, entry)}: .${one} of ${path.relative(PAGE, file)} is in ${places.join(', ')}`,
        );
    }
  const later = [...parts.values()].flatMap((one) => one.later);
  return [...faults, ...later.flatMap((one) => unstyled(one, sheets, sheetsOf))];
}

function sheetsByClass(): Map<string, string[]> {
  const found = new Map<string, string[]>();
  for (const sheet of readdirSync(STYLES)) {
    const css = readFileSync(path.join(STYLES, sheet), 'utf8').replaceAll(/\/\*.*?\*\//gs, '');
    const names = new Set([...css.matchAll(/\.([a-zA-Z][\w-]*)(?=[^{}]*\{)/g)].map(([, name]) => name));
    for (const name of names) found.set(name, [...(found.get(name) ?? []), sheet]);
  }
  return found;
}

it('every page brings the style sheets of what it draws, also when it is the first one opened', () => {
  const first = path.join(PAGE, 'main.tsx');
  expect(loadedWith(first).size).toBeGreaterThan(20);
  expect(unstyled(first, new Set(), sheetsByClass())).toEqual([]);
});

it('a page without the sheet of its filter is found', () => {
  const sheets = sheetsByClass();
  expect(sheets.get('filter-bar')).toEqual(['records.css']);
  const without = new Map([...sheets, ['filter-bar', ['nowhere.css']]]);
  expect(unstyled(path.join(PAGE, 'map/map.tsx'), new Set(), without).join('\n')).toMatch(
    /map\/map\.tsx: \.filter-bar of ui\/filter-bar\.tsx is in nowhere\.css/,
  );
});
