import { execFileSync } from 'node:child_process';
import path from 'node:path';
import { expect, it } from 'vitest';
import { LEAN_HEAP } from '../../src/app/lean-heap.ts';

const MODULE = path.resolve(import.meta.dirname, '../../src/app/lean-heap.ts');

/** MiB that the young generation takes at most while objects come that live for a while. */
function youngMib(nodeFlags: readonly string[], grow = 'growSlowly'): number {
  const program = `
    import { getHeapSpaceStatistics } from 'node:v8';
    import { ${grow} as grow } from ${JSON.stringify(MODULE)};
    grow(process.execArgv);
    const keep = [];
    let most = 0;
    for (let at = 0; at < 2_000_000; at += 1) {
      keep[at % 20_000] = { at, text: 'x' + at, list: [at] };
      if (at % 20_000 === 0) most = Math.max(most, getHeapSpaceStatistics().find((one) => one.space_name === 'new_space').space_size);
    }
    console.log(most / 1024 ** 2);
  `;
  const args = [...nodeFlags, '--input-type=module', '--eval', program];
  return Number(execFileSync(process.execPath, args, { encoding: 'utf8' }));
}

it('keeps the young generation short, unless flags say otherwise', () => {
  expect(youngMib([])).toBeLessThan(12);
  expect(youngMib(LEAN_HEAP)).toBeLessThanOrEqual(14);
  expect(youngMib(['--max-semi-space-size=16'])).toBeGreaterThan(14);
});

it('gives a monitor that somebody else started a young generation of 4 MiB a half', () => {
  expect(youngMib([], 'growLikeMonitor')).toBeGreaterThanOrEqual(8);
  expect(youngMib([], 'growLikeMonitor')).toBeLessThanOrEqual(12);
  expect(youngMib(['--max-semi-space-size=16'], 'growLikeMonitor')).toBeGreaterThan(14);
});
