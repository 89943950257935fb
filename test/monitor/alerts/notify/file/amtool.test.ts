/** The same files through amtool's `check-config`: both accept and refuse the same ones. Needs amtool. */
import { rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { freshDir, missingPrograms, neededProgram, runToEnd } from '../../../../support/program.ts';
import { BAD_FILES, GOOD_FILES } from './files.ts';

const missing = missingPrograms('the comparison with amtool', 'amtool');

describe.skipIf(missing.length > 0)('amtool check-config', () => {
  let dir: string;
  beforeAll(() => {
    dir = freshDir('vitrine-amtool');
  });
  afterAll(() => rmSync(dir, { recursive: true }));

  it('accepts the good files and refuses the bad ones', async () => {
    const all = [
      ...Object.entries(GOOD_FILES).map(([name, text]) => ({ name, text, good: true })),
      ...Object.entries(BAD_FILES).map(([name, [text]]) => ({ name, text, good: false })),
    ];
    const differences: string[] = [];
    await Promise.all(
      all.map(async ({ name, text, good }, at) => {
        const file = path.join(dir, `${at}.yml`);
        writeFileSync(file, text);
        const { code, stdout, stderr } = await runToEnd(neededProgram('amtool'), ['check-config', file]);
        if ((code === 0) !== good) differences.push(`${name}: amtool says ${code}\n${stdout}${stderr}`);
      }),
    );
    expect(differences).toEqual([]);
  }, 60_000);
});
