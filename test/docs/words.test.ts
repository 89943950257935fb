/** Words and phrases that plain English replaces (CONTRIBUTING.md): none may stand in sources, documents or tests. */
import { globSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { expect, it } from 'vitest';

const ROOT = path.resolve(import.meta.dirname, '../..');
const SELF = 'test/docs/words.test.ts';

/** Phrase → better. A phrase matches in any case and at the borders of words. */
const REPLACED: Readonly<Record<string, string>> = {
  dear: 'expensive',
  dearer: 'more expensive',
  dearly: 'expensively',
  shall: 'must',
  'shall not': 'must not',
  whence: 'from where',
  thence: 'from there',
  hither: 'here',
  thither: 'there',
  wherein: 'in which',
  hence: 'so',
  ere: 'before',
  nought: 'nothing',
  lest: 'so that … not',
  'fail alike': 'fail the same way',
  'the look inside': "the monitor's own health",
  'who is speaking': "the sender's resource",
  'a life': 'the time from start to stop',
  'loaded by who': 'imported only by the role that needs it',
  'there are are': 'there are',
  'a door of': 'its own querier',
  'door to': 'access to',
  'the rhythm': 'the periodic work',
  'did not end well': 'failed to stop',
  'the wing that': 'the half that',
  'looks at it': 'checks of it',
  'would be sure': 'would be certain',
  'telling costs': 'recording is',
  'a must beyond': 'required beyond',
  'spoken here': 'supported',
  'is not offered': 'is not supported',
  'stands above': 'see the errors above',
  'gave no place': 'timed out in the queue',
  "nobody's business": 'must not be visible',
  'see through, and': 'plain words for what the program is',
  'the house knows': 'other code uses',
  'put to work': 'applied',
  'an error of the world': 'an error with an outside cause',
};
const PATTERN = new RegExp(`(?<![\\w-])(?:${Object.keys(REPLACED).join('|')})(?![\\w-])`, 'gi');

/** `file:line: phrase → better` */
function foundIn(file: string, text: string): string[] {
  return text
    .split('\n')
    .flatMap((line, at) =>
      [...line.matchAll(PATTERN)].map(
        ([phrase]) => `${file}:${at + 1}: ${phrase} → ${REPLACED[phrase.toLowerCase()] ?? ''}`,
      ),
    );
}

const FILES = [
  '*.md',
  'docs/**/*.md',
  'src/**/*.{ts,tsx,css,html}',
  'test/**/*.{ts,mjs,js}',
  'scripts/*.{ts,mjs}',
  'rules/*.yaml',
  'otel-collector/*.yaml',
  'deploy/**/*.{yaml,yml,service}',
  'examples/**/*.{js,mjs,py,md,yaml}',
];

it('writes plain English', () => {
  const exclude = (file: string): boolean => /node_modules|^dist/.test(file);
  const files = globSync(FILES, { cwd: ROOT, exclude }).filter((file) => file !== SELF);
  expect(files.length).toBeGreaterThan(500);
  expect(files.flatMap((file) => foundIn(file, readFileSync(path.join(ROOT, file), 'utf8')))).toEqual([]);
});

it('would notice each phrase', () => {
  const seeded = Object.keys(REPLACED).map((phrase) => `/** It is ${phrase.toUpperCase()} here. */`);
  expect(foundIn('a.ts', seeded.join('\n')).map((found) => Number(found.split(':')[1]))).toEqual(
    seeded.map((_, at) => at + 1),
  );
  expect(foundIn('b.ts', 'marshall dearth where somewhere ere-long')).toEqual([]);
});
