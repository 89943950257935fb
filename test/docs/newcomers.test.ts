/** The documents for newcomers name files and symbols that exist, and lists of places to touch that are complete. */
import { existsSync, globSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';

const ROOT = path.resolve(import.meta.dirname, '../..');
const read = (file: string): string => readFileSync(path.join(ROOT, file), 'utf8');

/** The cells of the table rows whose first cell is not a heading. */
const rowsOf = (text: string): string[][] =>
  [...text.matchAll(/^\| (.+) \|$/gm)]
    .map(([, row]) => row.split(' | ').map((cell) => cell.trim()))
    .filter(([first]) => !/^[-|]+$/.test(first));
const codeIn = (cell: string): string[] => [...cell.matchAll(/`([^`]+)`/g)].map(([, code]) => code);
const escaped = (text: string): string => text.replaceAll(/[$()*+.?[\\\]^{|}]/g, '\\$&');

/** Rows `… | file | symbol |` whose file does not exist or does not have the symbol as a whole word. */
function wrongSteps(text: string): string[] {
  return rowsOf(text).flatMap(([, fileCell, symbolCell]) => {
    const [file, symbol] = [codeIn(fileCell ?? '')[0], codeIn(symbolCell ?? '')[0]];
    if (file === undefined || symbol === undefined) return [];
    if (!existsSync(path.join(ROOT, file))) return [`no file ${file}`];
    const found = new RegExp(`(?<![\\w#])${escaped(symbol)}(?!\\w)`).test(read(file));
    return found ? [] : [`no ${symbol} in ${file}`];
  });
}

describe('docs/start-here.md', () => {
  const text = read('docs/start-here.md');
  const quiz = text.slice(text.indexOf('## Quiz'));

  it('names files and symbols that exist', () => expect(wrongSteps(text)).toEqual([]));
  it('has three journeys and a quiz of twenty questions', () => {
    expect(text.match(/^## Journey \d/gm)).toHaveLength(3);
    expect(rowsOf(quiz).length - 1).toBeGreaterThanOrEqual(20);
    for (const [, file, symbol] of rowsOf(quiz).slice(1))
      expect([codeIn(file), codeIn(symbol)].map((code) => code.length)).toEqual([1, 1]);
  });
  it('would notice a file or symbol that is gone', () => {
    const seeded = ['| a | `src/none.ts` | `x` |', '| a | `src/base/clock.ts` | `Clo` |', '| a | `src/base/clock.ts` | `Clock` |'];
    expect(wrongSteps(seeded.join('\n'))).toEqual(['no file src/none.ts', 'no Clo in src/base/clock.ts']);
  });
});

describe('docs/glossary.md', () => {
  const rows = rowsOf(read('docs/glossary.md')).slice(1);

  it('names files that exist, in the order of the alphabet', () => {
    expect(rows.length).toBeGreaterThan(20);
    expect(rows.flatMap(([, , file]) => codeIn(file)).filter((file) => !existsSync(path.join(ROOT, file)))).toEqual([]);
    const words = rows.map(([word]) => word.replaceAll(' ', ''));
    expect(words).toEqual(words.toSorted((a, b) => a.localeCompare(b, 'en')));
  });
});

/** How each example of docs/adding.md is found in the sources. */
const EXAMPLES: Readonly<Record<string, RegExp>> = {
  two_choices: /\btwo_choices\b/,
  shed: /\bMETRICS\.shed\b|vitrine\.balancer\.shed\b/,
  log_keep: /\blog_keep\b/,
  sgn: /\bsgn\b/,
  'Requests by upstream and status': /Requests by upstream and status/,
  explore: /\bExplorePage\b|path: '\/explore'|\|explore\|/,
  insufficient_funds: /\binsufficient_funds\b/,
  discord: /\bdiscord\b/,
  websocket: /\bcheckWebSocket\b|\bWebSocketSpec\b|\bwebsocket[(:]/,
};

/** Of `files`, those in which the example stands outside of comments. */
const placesOf = (example: RegExp, files: ReadonlyMap<string, string>): string[] =>
  [...files]
    .filter(([, text]) => example.test(text.replaceAll(/\/\*[^]*?\*\/|(?<=^|\s)\/\/.*$/gm, '')))
    .map(([file]) => file)
    .toSorted();

describe('docs/adding.md', () => {
  const now = read('docs/adding.md');
  const sources = new Map(globSync('src/**/*.{ts,tsx}', { cwd: ROOT }).map((file) => [file, read(file)]));

  it('lists every place of each example', () => {
    const rows = rowsOf(now).slice(1);
    expect(rows.map(([, , example]) => codeIn(example)[0])).toEqual(Object.keys(EXAMPLES));
    for (const [kind, touch, example] of rows) {
      const listed = codeIn(touch).filter((code) => code.startsWith('src/'));
      expect([kind, placesOf(EXAMPLES[codeIn(example)[0]], sources)]).toEqual([kind, listed.toSorted()]);
    }
  });
  it('would notice a place that is not listed', () => {
    const more = new Map([...sources, ['src/cli/more.ts', "const policy = 'two_choices';"]]);
    expect(placesOf(EXAMPLES['two_choices'], more)).toContain('src/cli/more.ts');
    expect(placesOf(EXAMPLES['two_choices'], new Map([['a.ts', '/** As two_choices. */\n// two_choices']]))).toEqual([]);
  });
});
