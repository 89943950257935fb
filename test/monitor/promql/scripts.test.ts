/**
 * Runs the project's own PromQL scripts, and those in the folder that VITRINE_PROMQL_CASES names, if any. The number of
 * foreign cases that pass must not fall below the floor.
 */
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { tagsOf } from '../../support/promql/promql-tags.ts';
import { readScript, runScript } from '../../support/promql/promql-script.ts';

const OWN = path.resolve(import.meta.dirname, '../../promql');
const FOREIGN = process.env['VITRINE_PROMQL_CASES'];
/** The number of given cases that must pass. Raise it, never lower it. */
const FLOOR = 1120;

const scriptsIn = (folder: string): string[] => readdirSync(folder).filter((name) => name.endsWith('.test'));

describe('PromQL scripts', () => {
  for (const name of scriptsIn(OWN)) {
    it(name, async () => {
      const outcomes = await runScript(readFileSync(path.join(OWN, name), 'utf8'));
      const failures = outcomes.filter(({ message }) => message !== '');
      expect(failures.map(({ test, message }) => `${name}:${test.line} ${test.expr}: ${message}`)).toEqual([]);
    });
  }

  it('contain more than 300 evaluations', () => {
    const blocks = scriptsIn(OWN).flatMap((name) => readScript(readFileSync(path.join(OWN, name), 'utf8')));
    expect(blocks.reduce((count, { evals }) => count + evals.length, 0)).toBeGreaterThan(300);
  });

  it('detect a wrong value, a missing series, a missing warning and a query that should fail', async () => {
    const outcomes = await runScript(`load 1m
  a 1

eval instant at 0 a
  a 2

eval instant at 0 a
  a 1
  b 1

eval instant at 0 a
  expect warn
  a 1

eval instant at 0 a
  expect fail

eval range from 0 to 1m step 1m a
  a 1 2

eval instant at 0 a
  a 1
`);
    expect(outcomes.map(({ message }) => message === '')).toEqual([false, false, false, false, false, true]);
  });

  it.skipIf(FOREIGN === undefined)('pass at least as many of the given cases as before', async () => {
    const folder = FOREIGN ?? '';
    const tally = new Map<string, { passed: number; all: number }>();
    for (const name of scriptsIn(folder)) {
      for (const { test, block, message } of await runScript(readFileSync(path.join(folder, name), 'utf8'))) {
        for (const tag of [...tagsOf(test, block), 'all']) {
          const count = tally.get(tag) ?? { passed: 0, all: 0 };
          count.all += 1;
          if (message === '') count.passed += 1;
          tally.set(tag, count);
        }
      }
    }
    const lines = [...tally].map(([tag, { passed, all }]) => `${tag}: ${passed} of ${all}`);
    process.stdout.write(`${lines.sort().join('\n')}\n`);
    expect(tally.get('all')?.passed).toBeGreaterThanOrEqual(FLOOR);
  });
});
