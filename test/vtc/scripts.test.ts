/** Runs every script of proxy semantics, and checks that a script can fail. */
import { describe, expect, it } from 'vitest';
import { missingPrograms } from '../support/program.ts';
import { runScripts, scriptNames } from './run-scripts.ts';

const missing = missingPrograms('the varnishtest scripts', 'varnishtest');

describe.skipIf(missing.length > 0)('proxy semantics in varnishtest', () => {
  it('has at least sixty scripts', () => expect(scriptNames.length).toBeGreaterThanOrEqual(60));

  it('passes all scripts', async () => {
    const results = (await runScripts()) ?? [];
    const failing = results.filter(({ passed }) => !passed);
    expect(failing.map(({ name, output }) => `${name}\n${output.slice(-2_000)}`)).toEqual([]);
    expect(results).toHaveLength(scriptNames.length);
  }, 180_000);
});
