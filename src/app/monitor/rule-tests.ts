/** Runs promtool's rule-test files on the embedded engine; paths of rule files are relative to the test file. */
import { readFileSync, readdirSync, statSync } from 'node:fs';
import path from 'node:path';
import { VitrineError } from '../../base/errors.ts';
import type { SampleSource } from '../../model/ports.ts';
import { runRuleTests } from '../../monitor/alerts/rules/unit-test.ts';
import { embeddedQuerier } from '../../monitor/promql/embedded.ts';

export interface RuleFileOutcome {
  readonly file: string;
  readonly passed: number;
  /** One message for each expectation that was not met. */
  readonly failures: readonly string[];
  readonly cases: readonly { readonly name: string; readonly failures: readonly string[] }[];
}

/** Throws VitrineError `config_unreadable` or `config_invalid` for files that cannot be run at all. */
export async function testRules(files: readonly string[]): Promise<RuleFileOutcome[]> {
  const outcomes: RuleFileOutcome[] = [];
  for (const file of files) {
    const base = path.dirname(file);
    const tools = {
      expand: (pattern: string) => filesOf(path.resolve(base, pattern)),
      readFile: textOf,
      makeQuerier: (source: SampleSource, defaultStepMs: number) => embeddedQuerier(source, { defaultStepMs }),
    };
    outcomes.push({ file, ...(await runRuleTests(textOf(file), file, tools)) });
  }
  return outcomes;
}

const MAGIC = /[*?[\\]/;

/** Go's filepath.Glob: `*`, `?` and `[a-z]` within one part of the path, `\\` before a literal one; sorted. */
function filesOf(pattern: string): readonly string[] {
  if (!MAGIC.test(pattern)) return exists(pattern) ? [pattern] : [];
  const { root } = path.parse(pattern);
  let found = [root];
  for (const part of pattern.slice(root.length).split(path.sep)) {
    found = found.flatMap((dir) => {
      if (!MAGIC.test(part)) return exists(path.join(dir, part)) ? [path.join(dir, part)] : [];
      const test = partTest(part);
      return namesIn(dir)
        .filter((name) => test.test(name))
        .sort()
        .map((name) => path.join(dir, name));
    });
  }
  return found;
}

function partTest(part: string): RegExp {
  const source = part.replaceAll(
    /\\(.)|\[(\^?)([^\]]*)\]|([*?])|([.+^${}()|[\]])/g,
    (all, literal, not, set, magic) => {
      if (literal !== undefined) return `\\u{${(literal as string).codePointAt(0)?.toString(16)}}`;
      if (set !== undefined) return `[${not as string}${(set as string).replaceAll(/[\\\]^]/g, '\\$&')}]`;
      if (magic === '*') return '.*';
      return magic === '?' ? '.' : `\\${all}`;
    },
  );
  return new RegExp(`^${source}$`, 'su');
}

const exists = (file: string): boolean => statSync(file, { throwIfNoEntry: false }) !== undefined;

function namesIn(dir: string): string[] {
  return statSync(dir, { throwIfNoEntry: false })?.isDirectory() === true ? readdirSync(dir) : [];
}

/** JUnit's XML of the outcomes, as `promtool test rules --junit` writes it. */
export function junitOf(outcomes: readonly RuleFileOutcome[]): string {
  const suites = outcomes.map(({ file, cases }) => {
    const failures = cases.reduce((sum, one) => sum + one.failures.length, 0);
    const inner = cases.map(({ name, failures: of }) => {
      const lines = of.map((failure) => `<failure>${xmlText(failure)}</failure>`).join('');
      return `<testcase name="${xmlText(name)}">${lines}</testcase>`;
    });
    const counts = `tests="${cases.length}" failures="${failures}" errors="0" skipped="0"`;
    return `<testsuite name="${xmlText(file)}" ${counts} timestamp="">${inner.join('')}</testsuite>`;
  });
  return `<testsuites>${suites.join('')}</testsuites>`;
}

/** Escaped as Go's encoding/xml does; characters that XML does not allow become U+FFFD. */
function xmlText(text: string): string {
  const names = new Map([
    ['&', '&amp;'],
    ['<', '&lt;'],
    ['>', '&gt;'],
    ['"', '&#34;'],
    ["'", '&#39;'],
    ['\t', '&#x9;'],
    ['\n', '&#xA;'],
    ['\r', '&#xD;'],
  ]);
  // oxlint-disable-next-line no-control-regex -- exactly these are not allowed in XML
  return text.toWellFormed().replaceAll(/[&<>"'\t\n\r]|[\u0000-\u001f\ufffe\uffff]/g, (c) => names.get(c) ?? '\ufffd');
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
