/** `vitrine check`: lists every mistake in the configuration, prints its JSON Schema, or runs rule tests. */
import { writeFileSync } from 'node:fs';
import { z } from 'zod';
import { VitrineError } from '../base/errors.ts';
import { notifySourceOf, type NotifySource } from '../app/monitor/notify-source.ts';
import { targetsOf } from '../app/monitor/targets.ts';
import { powerText } from '../monitor/targets/objectives/burn-rules.ts';
import { ruleGroupsOf } from '../app/monitor/rule-sources.ts';
import { configFile, readSettings } from '../app/process/settings.ts';
import { settingsSchema } from '../app/process/settings-schema.ts';
import { ConfigError } from '../config/load.ts';
import { pathText } from '../config/issues.ts';
import { junitOf, testRules } from '../app/monitor/rule-tests.ts';
import { print, tell } from './output.ts';

export async function check(flags: Record<string, unknown>): Promise<number> {
  if (flags['schema'] === true) {
    print(JSON.stringify(z.toJSONSchema(settingsSchema, { io: 'input', unrepresentable: 'any' }), null, 2));
    return 0;
  }
  const tests = flags['testRules'] as string[] | undefined;
  if (tests !== undefined) return runRuleTests(tests, flags['json'] === true, flags['junit'] as string | undefined);
  const file = configFile(flags['config'] as string | undefined);
  const warnings: string[] = [];
  let powers: readonly string[] = [];
  try {
    const settings = readSettings({ file, env: process.env }, (sentence) => warnings.push(sentence));
    ruleGroupsOf(settings);
    targetsOf(settings);
    powers = settings.slo.map(powerText);
    const notify = notifySourceOf(settings);
    warnings.push(...notify.warnings);
    if (flags['print'] === 'notify') {
      for (const sentence of warnings) tell(`warning: ${sentence}`);
      print([notify.config.original.trimEnd(), ...besideTheFile(notify)].join('\n'));
      return 0;
    }
  } catch (error) {
    if (flags['json'] !== true || !(error instanceof VitrineError)) throw error;
    print(JSON.stringify({ file: file ?? null, ok: false, code: error.code, problems: problemsOf(error), warnings }));
    return error.exitCode;
  }
  report(file, flags['json'] === true, warnings, powers);
  return 0;
}

/** As comments, so that the file stays one that Alertmanager reads: channels of kinds that it does not know. */
const besideTheFile = ({ config }: NotifySource): string[] =>
  [...config.receivers.values()].flatMap(({ name, integrations }) => {
    const own = integrations.filter(({ kind }) => kind.isOwn === true).map(({ kind }) => kind.key);
    return own.length === 0
      ? []
      : [`# Beside this file, in vitrine.yaml: receiver ${JSON.stringify(name)} also has ${own.join(', ')}.`];
  });

/** A configuration without mistakes. `powers`: what the alerts of each objective can see. */
function report(file: string | undefined, json: boolean, warnings: readonly string[], powers: readonly string[]): void {
  if (json) {
    print(JSON.stringify({ file: file ?? null, ok: true, problems: [], warnings, powers }));
    return;
  }
  for (const sentence of warnings) tell(`warning: ${sentence}`);
  for (const sentence of powers) print(sentence);
  print(file === undefined ? 'No file: the defaults are used.' : `${file} has no mistakes.`);
}

/** A record for each problem: its place, the key, and one sentence. */
function problemsOf(error: VitrineError): object[] {
  if (!(error instanceof ConfigError)) return [{ message: error.message }];
  return error.issues.map(({ source, place, path, message }) => ({
    file: source,
    line: place?.line ?? null,
    column: place?.column ?? null,
    key: pathText(path),
    message,
  }));
}

async function runRuleTests(files: readonly string[], json: boolean, junit: string | undefined): Promise<number> {
  const outcomes = await testRules(files);
  if (junit !== undefined) writeFileSync(junit, junitOf(outcomes));
  for (const { file, unmatched } of outcomes) {
    for (const pattern of unmatched) tell(`warning: ${file}: no file matches ${pattern}`);
  }
  const failed = outcomes.filter(({ failures }) => failures.length > 0);
  if (json)
    print(
      JSON.stringify({
        ok: failed.length === 0,
        files: outcomes.map(({ file, passed, failures }) => ({ file, passed, failures })),
      }),
    );
  else {
    for (const { file, failures } of outcomes) {
      print(failures.length === 0 ? `${file}: SUCCESS` : `${file}: FAILED`);
      for (const failure of failures) print(`  ${failure}`);
    }
  }
  return failed.length === 0 ? 0 : 5;
}
