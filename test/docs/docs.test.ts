/** Checks docs against the code: generated pages, links between pages, and the files that pages name. */
import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { describe, expect, it } from 'vitest';
import { staleDocs } from '../../scripts/generate-docs.ts';
import { documents, fencedBlocks, fencedCommands } from '../support/docs/fenced-commands.ts';
import { REPOSITORY } from '../support/programs/vitrine-process.ts';

const text = (file: string): string => readFileSync(path.join(REPOSITORY, file), 'utf8');

/** Relative links and pictures whose file does not exist. */
const deadLinks = (file: string, content: string): string[] =>
  [...content.matchAll(/(?:\]\(|\b(?:src|srcset|href)=")(?!https?:|#|mailto:)([^)"#\s]+)/g)]
    .map(([, target]) => target)
    .filter((target) => !existsSync(path.join(REPOSITORY, path.dirname(file), target)));

describe('generated docs', () => {
  it('match the code', () => expect(staleDocs()).toEqual([]));

  it('are reported when they are missing or edited by hand', () => {
    const folder = mkdtempSync(path.join(tmpdir(), 'docs-'));
    cpSync(path.join(REPOSITORY, 'docs'), folder, { recursive: true });
    rmSync(path.join(folder, 'errors.md'));
    writeFileSync(path.join(folder, 'metrics.md'), text('docs/metrics.md').replace('Cache look-ups', 'Cache lookups'));
    expect(staleDocs(pathToFileURL(`${folder}/`))).toEqual([
      'docs/errors.md is not what the code says',
      'docs/metrics.md is not what the code says',
    ]);
    rmSync(folder, { recursive: true });
  });
});

describe('documents', () => {
  it.each(documents())('%s links only to existing files', (file) =>
    expect(deadLinks(file, text(file))).toEqual([]),
  );
  it.each(documents())('%s has no remains of a merge', (file) =>
    expect(text(file)).not.toMatch(/^(?:<{7}|>{7}|={7}$)/m),
  );
  it('would notice a dead link or picture', () =>
    expect(
      deadLinks('docs/compare.md', 'see [that](nothing.md) and [this](metrics.md#x) <img src="images/none.png">'),
    ).toEqual(['nothing.md', 'images/none.png']));
  it.each(['light', 'dark'])('show the overview in %s, small enough for a README', (scheme) => {
    const picture = readFileSync(path.join(REPOSITORY, `docs/images/overview-${scheme}.png`));
    expect([picture.readUInt32BE(16), picture.readUInt32BE(20)]).toEqual([1440, 900]);
    expect(picture.length).toBeLessThan(300_000);
  });
  it('have commands, one a line, found with their place', () => {
    expect(fencedCommands().length).toBeGreaterThan(10);
    expect(fencedBlocks('a\n```sh\none\ntwo\n```\n', 'sh')).toEqual([{ line: 3, body: 'one\ntwo' }]);
  });
});
