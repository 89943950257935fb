/** The command that runs promises of the data path: the quickest rows, and all of them nightly. */
import { expect, test } from 'vitest';
import { runToEnd } from '../../support/program.ts';
import { REPOSITORY } from '../../support/programs/vitrine-process.ts';

const NIGHTLY = process.env['VITRINE_NIGHTLY'] === '1';
const ROWS = NIGHTLY ? ['--all'] : ['A7', 'forwarded', 'A19'];
const RUNNER = ['test/rel/run.ts'];

test(
  'every row prints one line of JSON and holds',
  async () => {
    const { code, stdout, stderr } = await runToEnd(process.execPath, [...RUNNER, ...ROWS], {
      cwd: REPOSITORY,
      limitMs: NIGHTLY ? 1_200_000 : 110_000,
    });
    const lines = stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as { id: string; pass: boolean });
    console.log(stdout);
    expect(lines.filter(({ pass }) => !pass)).toEqual([]);
    expect(lines.length).toBeGreaterThanOrEqual(3);
    expect([code, stderr]).toEqual([0, '']);
  },
  NIGHTLY ? 1_260_000 : 120_000,
);

test('a row that is not there is wrong usage', async () => {
  const { code, stderr } = await runToEnd(process.execPath, [...RUNNER, 'A99'], { cwd: REPOSITORY });
  expect(code).toBe(2);
  expect(stderr).toContain('kill9-upstream');
});
