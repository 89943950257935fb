/** The command writes the README's pictures from its own stack, and fails when there is nothing to show. */
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { programPath, runToEnd } from '../../support/program.ts';
import { freePort, REPOSITORY } from '../../support/programs/vitrine-process.ts';

const chromium = process.env['CHROMIUM'] ?? programPath('chromium');
if (chromium === undefined) console.log('skipped: the pictures of the README need Chromium');

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'vitrine-pictures-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const screenshots = (...args: string[]): ReturnType<typeof runToEnd> =>
  runToEnd('npm', ['run', '--silent', 'screenshots', '--', ...args], {
    cwd: REPOSITORY,
    limitMs: 110_000,
    env: { IMAGES_FOLDER: folder, LOAD_SECONDS: '5', CHROMIUM: chromium },
  });

describe.skipIf(chromium === undefined)('npm run screenshots', () => {
  it('writes both pictures in the size of the README', async () => {
    const { code, stdout, stderr } = await screenshots();
    expect(code, stdout + stderr).toBe(0);
    expect(readdirSync(folder).sort()).toEqual(['overview-dark.png', 'overview-light.png']);
    for (const file of readdirSync(folder)) {
      const picture = readFileSync(path.join(folder, file));
      expect([picture.readUInt32BE(16), picture.readUInt32BE(20)]).toEqual([1440, 900]);
      // A page without charts has less than half of it.
      expect(picture.length).toBeGreaterThan(100_000);
    }
  });

  it('fails when nothing answers', async () => {
    const nobody = `http://127.0.0.1:${await freePort()}`;
    expect((await screenshots(nobody, nobody)).code).not.toBe(0);
  });
});
