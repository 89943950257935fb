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
