/** Which rules are evaluated: the files shipped in `rules/`, the user's own files, and the short forms of the settings. */
import { readFileSync } from 'node:fs';
import { VitrineError } from '../../base/errors.ts';
import { readRuleFile } from '../../monitor/alerts/rules/file.ts';
import { shortFormRule } from '../../monitor/alerts/rules/short-form.ts';
import { builtinRules } from '../../monitor/alerts/rules/builtin.ts';
import type { GroupSpec } from '../../monitor/alerts/rules/spec.ts';
import { issueText } from '../../monitor/alerts/rules/yaml-reader.ts';
import type { Settings } from '../process/settings.ts';

/** All groups. Throws VitrineError `config_invalid` with every mistake in any of the files. */
export function ruleGroupsOf({ alerts }: Settings): GroupSpec[] {
  const groups: GroupSpec[] = [...builtinRules()];
  const problems: string[] = [];
  for (const entry of alerts) {
    if (!('file' in entry)) continue;
    const read = readFile(entry.file);
    problems.push(...read.problems);
    groups.push(...read.groups);
  }
  const rules = alerts.flatMap((entry) => ('file' in entry ? [] : [shortFormRule(entry)]));
  if (rules.length > 0)
    groups.push({ name: 'alerts', file: 'vitrine.yaml', intervalMs: undefined, queryOffsetMs: 0, limit: 0, rules });
  if (problems.length > 0) throw new VitrineError('config_invalid', `The rules have mistakes:\n${problems.join('\n')}`);
  return groups;
}

function readFile(file: string): { groups: readonly GroupSpec[]; problems: readonly string[] } {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    return {
      groups: [],
      problems: [`${file}  the rule file cannot be read (${(error as NodeJS.ErrnoException).code ?? 'error'})`],
    };
  }
  const { groups, issues } = readRuleFile(text, file);
  return { groups, problems: issues.map((issue) => issueText(issue)) };
}
