/** Runs promtool's rule-test files on the embedded engine; paths of rule files are relative to the test file. */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { VitrineError } from '../../base/errors.ts';
import { runRuleTests } from '../../monitor/alerts/rules/unit-test.ts';
import { embeddedQuerier } from '../../monitor/promql/embedded.ts';

export interface RuleFileOutcome {
  readonly file: string;
  readonly passed: number;
  /** One message for each expectation that was not met. */
  readonly failures: readonly string[];
}

/** Throws VitrineError `config_unreadable` or `config_invalid` for files that cannot be run at all. */
export async function testRules(files: readonly string[]): Promise<RuleFileOutcome[]> {
  const outcomes: RuleFileOutcome[] = [];
  for (const file of files) {
    const readFile = (name: string): string => textOf(path.resolve(path.dirname(file), name));
    outcomes.push({
      file,
      ...(await runRuleTests(textOf(file), file, { readFile, makeQuerier: (source) => embeddedQuerier(source) })),
    });
  }
  return outcomes;
}

function textOf(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (cause) {
    throw new VitrineError(
      'config_unreadable',
      `${file} cannot be read (${(cause as NodeJS.ErrnoException).code ?? 'error'}).`,
      { cause },
    );
  }
}
