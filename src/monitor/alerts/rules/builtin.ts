/** The built-in rules: plain Prometheus rule files in `rules/`, which Prometheus' own evaluator runs as well. */
import { readFileSync } from 'node:fs';
import { parseRuleFile } from './file.ts';
import type { GroupSpec } from './spec.ts';

/** This file lies four folders below the package, in the sources and when compiled. */
const FOLDER = new URL('../../../../rules/', import.meta.url);
const FILES = ['stack.yaml', 'logs.yaml', 'hosts.yaml', 'targets.yaml', 'pipeline.yaml'];

export function builtinRules(): readonly GroupSpec[] {
  return FILES.flatMap((name) => parseRuleFile(readFileSync(new URL(name, FOLDER), 'utf8'), `rules/${name}`));
}
