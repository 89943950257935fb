/** promtool's rule-test files (`promtool test rules`), read with the place of every mistake. */
import type { Node } from 'yaml';
import { VitrineError } from '../../../base/errors.ts';
import type { Fields } from './yaml-reader.ts';
import { YamlReader, issueText } from './yaml-reader.ts';

export interface RuleTest {
  readonly name: string;
  readonly intervalMs: number;
  readonly inputSeries: readonly { readonly series: string; readonly values: string }[];
  readonly alertTests: readonly AlertTest[];
  readonly exprTests: readonly ExprTest[];
  readonly externalLabels: Readonly<Record<string, string>>;
  readonly externalUrl: string;
}

export interface AlertTest {
  readonly evalTimeMs: number;
  readonly alertname: string;
  readonly expected: readonly {
    readonly labels: Readonly<Record<string, string>>;
    readonly annotations: Readonly<Record<string, string>>;
  }[];
}

export interface ExprTest {
  readonly expr: string;
  readonly evalTimeMs: number;
  readonly expected: readonly { readonly labels: string; readonly value: number }[];
}

export interface RuleTestFile {
  readonly ruleFiles: readonly string[];
  readonly evaluationIntervalMs: number;
  readonly groupEvalOrder: readonly string[];
  readonly fuzzyCompare: boolean;
  readonly tests: readonly RuleTest[];
}

const TOP = ['rule_files', 'evaluation_interval', 'group_eval_order', 'fuzzy_compare', 'tests'];
const TEST = [
  'name',
  'interval',
  'input_series',
  'alert_rule_test',
  'promql_expr_test',
  'external_labels',
  'external_url',
];

class TestFileReader {
  readonly #yaml: YamlReader;

  constructor(text: string, file: string) {
    this.#yaml = new YamlReader(text, file);
  }

  read(): RuleTestFile {
    const yaml = this.#yaml;
    const top = yaml.issues.length > 0 ? undefined : yaml.fields(yaml.root, 'rule test file', TOP);
    const file: RuleTestFile | undefined = top && {
      ruleFiles: this.#texts(top, 'rule_files'),
      evaluationIntervalMs: yaml.duration(top, 'evaluation_interval') || 60_000,
      groupEvalOrder: this.#texts(top, 'group_eval_order'),
      fuzzyCompare: yaml.text(top, 'fuzzy_compare') === 'true',
      tests: this.#each(top, 'tests', TEST, (fields, at) => this.#test(fields, at)),
    };
    if (file === undefined || yaml.issues.length > 0) {
      throw new VitrineError('config_invalid', yaml.issues.map(issueText).join('\n'));
    }
    return file;
  }

  #each<T>(
    fields: Fields,
    name: string,
    known: readonly string[],
    read: (fields: Fields, at: number) => T,
  ): readonly T[] {
    const out: T[] = [];
    for (const [at, node] of this.#yaml.list(fields.entries.get(name)?.value, name).entries()) {
      const inner = this.#yaml.fields(node, name, known);
      if (inner !== undefined) out.push(read(inner, at));
    }
    return out;
  }

  #texts(fields: Fields, name: string): readonly string[] {
    return this.#yaml.list(fields.entries.get(name)?.value, name).map((node) => this.#scalar(node));
  }

  #scalar(node: Node | null): string {
    const value = node !== null && 'value' in node ? node.value : undefined;
    if (typeof value === 'string') return value;
    this.#yaml.issue(node, 'expected a string');
    return '';
  }

  #strings(fields: Fields, name: string): Record<string, string> {
    return Object.fromEntries(this.#yaml.strings(fields, name).map((entry) => [entry.name, entry.value]));
  }

  #test(fields: Fields, at: number): RuleTest {
    const yaml = this.#yaml;
    return {
      name: yaml.text(fields, 'name') ?? `test ${at + 1}`,
      intervalMs: yaml.duration(fields, 'interval') || 60_000,
      inputSeries: this.#each(fields, 'input_series', ['series', 'values'], (inner) => ({
        series: yaml.text(inner, 'series') ?? '',
        values: yaml.text(inner, 'values') ?? '',
      })),
      alertTests: this.#each(fields, 'alert_rule_test', ['eval_time', 'alertname', 'exp_alerts'], (inner) => ({
        evalTimeMs: yaml.duration(inner, 'eval_time') ?? 0,
        alertname: yaml.text(inner, 'alertname') ?? '',
        expected: this.#each(inner, 'exp_alerts', ['exp_labels', 'exp_annotations'], (alert) => ({
          labels: this.#strings(alert, 'exp_labels'),
          annotations: this.#strings(alert, 'exp_annotations'),
        })),
      })),
      exprTests: this.#each(fields, 'promql_expr_test', ['expr', 'eval_time', 'exp_samples'], (inner) => ({
        expr: yaml.text(inner, 'expr') ?? '',
        evalTimeMs: yaml.duration(inner, 'eval_time') ?? 0,
        expected: this.#each(inner, 'exp_samples', ['labels', 'value'], (sample) => ({
          labels: yaml.text(sample, 'labels') ?? '',
          value: this.#number(sample, 'value'),
        })),
      })),
      externalLabels: this.#strings(fields, 'external_labels'),
      externalUrl: yaml.text(fields, 'external_url') ?? '',
    };
  }

  #number(fields: Fields, name: string): number {
    const text = yaml11(this.#yaml.text(fields, name) ?? '0');
    const value = /^[+-]?inf$/.test(text) ? Number(text.replace('inf', 'Infinity')) : Number(text);
    if (Number.isNaN(value) && text !== 'nan') this.#yaml.issue(this.#yaml.valueOf(fields, name), 'expected a number');
    return value;
  }
}

/** `.inf` and `.NaN` as YAML writes them. */
const yaml11 = (text: string): string => text.toLowerCase().replace(/^([+-]?)\.(inf|nan)$/, '$1$2');

/** Throws VitrineError `config_invalid` with a line for every mistake. */
export function parseRuleTestFile(text: string, file: string): RuleTestFile {
  return new TestFileReader(text, file).read();
}
