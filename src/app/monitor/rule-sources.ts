/** Which rules are evaluated: the files shipped in `rules/`, the user's own files, and the short forms of the settings. */
import { globSync, readFileSync } from 'node:fs';
import { VitrineError } from '../../base/errors.ts';
import { readRuleFile } from '../../monitor/alerts/rules/file.ts';
import { shortFormRule } from '../../monitor/alerts/rules/short-form.ts';
import { builtinRules } from '../../monitor/alerts/rules/builtin.ts';
import type { GroupSpec } from '../../monitor/alerts/rules/spec.ts';
import { issueText } from '../../monitor/alerts/rules/yaml-reader.ts';
import { burnRuleFile } from '../../monitor/targets/objectives/burn-rules.ts';
import type { Settings } from '../process/settings-schema.ts';

/** All groups. Throws VitrineError `config_invalid` with every mistake in any of the files. */
export function ruleGroupsOf({ alerts, rules: patterns, slo }: Settings): GroupSpec[] {
  const groups: GroupSpec[] = [...builtinRules()];
  const problems: string[] = [];
  const files = [...alerts.flatMap((entry) => ('file' in entry ? [entry.file] : [])), ...patterns.flatMap(filesOf)];
  for (const file of new Set(files)) {
    const read = readFile(file);
    problems.push(...read.problems);
    groups.push(...read.groups);
  }
  const rules = alerts.flatMap((entry) => ('file' in entry ? [] : [shortFormRule(entry)]));
  if (rules.length > 0)
    groups.push({ name: 'alerts', file: 'vitrine.yaml', intervalMs: undefined, queryOffsetMs: 0, limit: 0, rules });
  if (slo.length > 0) {
    // The same text as `GET /api/slo/rules` gives to a Prometheus.
    const read = readRuleFile(burnRuleFile(slo), 'slo');
    problems.push(...read.issues.map((issue) => issueText(issue)));
    groups.push(...read.groups);
  }
  if (problems.length > 0) throw new VitrineError('config_invalid', `The rules have mistakes:\n${problems.join('\n')}`);
  return groups;
}

/** A pattern without a match is allowed; a name without a file is a mistake. */
const filesOf = (pattern: string): string[] => (/[*?[{]/.test(pattern) ? globSync(pattern).toSorted() : [pattern]);

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
