import { spawnSync } from 'node:child_process';
import path from 'node:path';
import { expect, it } from 'vitest';
import { PATIENT_COMPILER } from '../../../src/app/process/patient-compiler.ts';

const MODULE = path.resolve(import.meta.dirname, '../../../src/app/process/patient-compiler.ts');

/**
 * Whether a function is optimized by Maglev or TurboFan (bits 4 to 6 of V8's status) once it was called so often, in turns as a
 * timer would call it. Fails when V8 says anything about the flags.
 */
function optimizes(nodeFlags: readonly string[], calls: number, applied = false): boolean {
  const program = `
    import { compilePatiently } from ${JSON.stringify(MODULE)};
    if (${applied}) compilePatiently(process.execArgv);
    let sum = 0;
    function work(at) { sum = (sum * 31 + at) % 1_000_003; return sum; }
    for (let at = 0; at < ${calls}; at += 1) { work(at); if (at % 100 === 99) await new Promise((resolve) => setTimeout(resolve, 1)); }
    console.log(%GetOptimizationStatus(work));
  `;
  const args = [...nodeFlags, '--allow-natives-syntax', '--no-use-osr', '--input-type=module', '--eval', program];
  const { stdout, stderr, status } = spawnSync(process.execPath, args, { encoding: 'utf8' });
  expect([status, stderr]).toEqual([0, '']);
  return (Number(stdout) & 0b111_0000) !== 0;
}

it('lets a function be called some thousand times before it is optimized', () => {
  expect(optimizes([], 3_000)).toBe(true);
  expect(optimizes(PATIENT_COMPILER, 3_000)).toBe(false);
  expect(optimizes([], 3_000, true)).toBe(false);
});

it('optimizes it in the end, and leaves flags of the user alone', () => {
  expect(optimizes(PATIENT_COMPILER, 60_000)).toBe(true);
  expect(optimizes(['--invocation-count-for-maglev=300'], 3_000, true)).toBe(true);
});
