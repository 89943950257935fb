/**
 * Tests of proxy semantics as scripts of varnishtest, the language in which Varnish and HAProxy write theirs: one behaviour
 * per file. The balancer runs in this process, in front of the address at which a script's server listens. The scripts run
 * one after the other.
 */
import { readdirSync } from 'node:fs';
import path from 'node:path';
import { programPath, runToEnd } from '../support/program.ts';
import { freePort } from '../support/programs/vitrine-process.ts';
import { Rig } from '../stack/balancer/rig.ts';

const FOLDER = path.join(import.meta.dirname, 'scripts');

export const scriptNames: readonly string[] = readdirSync(FOLDER)
  .filter((file) => file.endsWith('.vtc'))
  .map((file) => path.basename(file, '.vtc'))
  .toSorted();

export interface ScriptResult {
  readonly name: string;
  readonly passed: boolean;
  readonly output: string;
}

/** Undefined when varnishtest is not installed. */
export async function runScripts(names: readonly string[] = scriptNames): Promise<ScriptResult[] | undefined> {
  const program = programPath('varnishtest');
  if (program === undefined) return undefined;
  await using rig = new Rig();
  const origin = await freePort();
  const { port } = await rig.balancer({
    upstreams: [`http://127.0.0.1:${origin}`],
    ejection: { failures: 0 },
    retries: { max: 0 },
    timeouts: { upstream_keep_alive: '0s' },
  });
  const results: ScriptResult[] = [];
  for (const name of names) {
    const macros = [`-Dport=${port}`, `-Dorigin=${origin}`];
    const { code, stdout } = await runToEnd(program, [...macros, '-t', '20', path.join(FOLDER, `${name}.vtc`)]);
    results.push({ name, passed: code === 0, output: stdout });
  }
  return results;
}
