/** The public test suite for HTTP caches against a balancer process, and the list of its failures in docs/caching.md. */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { installSuite, totals, type CaseResult } from '../../cache-tests/suite.ts';
import { runWell } from '../../support/program.ts';
import { REPOSITORY } from '../../support/programs/vitrine-process.ts';

const REQUIRED = 145;
const OPTIMAL = 78;

const RUN = path.join(REPOSITORY, 'test/cache-tests/run.ts');
/** Undocumented failures up to this number are tried again, each alone: on a busy machine, a step may come too late. */
const AGAIN = 8;

async function run(...args: readonly string[]): Promise<readonly CaseResult[]> {
  const printed = await runWell(process.execPath, [RUN, '--json', ...args], { limitMs: 110_000 });
  return JSON.parse(printed.trim().split('\n').at(-1) ?? '') as readonly CaseResult[];
}

const labelOf = ({ id, kind }: CaseResult): string => `${kind} ${id}`;

describe('the public tests for HTTP caches', () => {
  const docs = readFileSync(path.join(REPOSITORY, 'docs/caching.md'), 'utf8');
  const documented = [...docs.matchAll(/^\| `([^`]+)` \| (required|optimal) \| \S/gm)].map(
    ([, id, kind]) => `${kind} ${id}`,
  );
  let results: readonly CaseResult[] = [];
  // Beside the run, whose time is limited.
  beforeAll(installSuite, 420_000);
  beforeAll(async () => {
    const first = await run();
    const late = first.filter(
      (one) => one.verdict === 'fail' && one.kind !== 'check' && !documented.includes(labelOf(one)),
    );
    const again: CaseResult[] = [];
    for (const { id } of late.slice(0, AGAIN)) again.push(...(await run('--only', id)));
    results = first.map((one) => again.find(({ id }) => id === one.id) ?? one);
  }, 300_000);

  it('pass as far as docs/caching.md says', () => {
    const [required, optimal] = [totals(results, 'required'), totals(results, 'optimal')];
    expect([required.of, optimal.of]).toEqual([157, 86]);
    expect(required.passed).toBeGreaterThanOrEqual(REQUIRED);
    expect(optimal.passed).toBeGreaterThanOrEqual(OPTIMAL);
    expect(docs).toContain(`**${required.passed} of 157**`);
    expect(docs).toContain(`**${optimal.passed} of 86**`);
  });

  it('fail exactly where docs/caching.md gives a reason', () => {
    const failed = results.filter(({ kind, verdict }) => kind !== 'check' && verdict !== 'pass').map(labelOf);
    expect(failed.sort()).toEqual(documented.sort());
  });
});
