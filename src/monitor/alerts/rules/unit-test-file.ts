/** promtool's rule-test files (`promtool test rules`), read with the place of every mistake. */
import type { Node } from 'yaml';
import { VitrineError } from '../../../base/errors.ts';
import type { Fields } from './yaml-reader.ts';
import { YamlReader, issueText } from './yaml-reader.ts';

export interface RuleTest {
  readonly name: string;
  readonly intervalMs: number;
  /** Epoch milliseconds of the first sample and evaluation. */
  readonly startMs: number;
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
  readonly expected: readonly {
    readonly labels: string;
    readonly value: number;
    /** In the series notation; '' when the sample is a float. */
    readonly histogram: string;
  }[];
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
  'start_timestamp',
];

class TestFileReader {
  readonly #yaml: YamlReader;

  constructor(text: string, file: string) {
    this.#yaml = new YamlReader(text, file);
  }

  read(): RuleTestFile {
    const yaml = this.#yaml;
    const top = yaml.issues.length > 0 ? undefined : yaml.fields(yaml.root, 'rule test file', TOP);
    const evaluationIntervalMs = (top && yaml.duration(top, 'evaluation_interval')) || 60_000;
    const file: RuleTestFile | undefined = top && {
      ruleFiles: this.#texts(top, 'rule_files'),
      evaluationIntervalMs,
      groupEvalOrder: this.#order(top),
      fuzzyCompare: yaml.text(top, 'fuzzy_compare') === 'true',
      tests: this.#each(top, 'tests', TEST, (fields, at) => this.#test(fields, at, evaluationIntervalMs)),
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

  #order(top: Fields): readonly string[] {
    const names = this.#texts(top, 'group_eval_order');
    const twice = names.find((name, at) => names.indexOf(name) !== at);
    if (twice !== undefined) {
      this.#yaml.issue(
        this.#yaml.valueOf(top, 'group_eval_order'),
        `group name repeated in evaluation order: ${twice}`,
      );
    }
    return names;
  }

  /** RFC 3339 or seconds since the epoch → milliseconds. */
  #start(fields: Fields): number {
    const text = this.#yaml.text(fields, 'start_timestamp') ?? '0';
    const seconds = Number(text);
    const ms = Number.isNaN(seconds) ? Date.parse(text) : Math.round(seconds * 1_000);
    if (Number.isFinite(ms)) return ms;
    this.#yaml.issue(
      this.#yaml.valueOf(fields, 'start_timestamp'),
      `cannot parse ${JSON.stringify(text)} to a valid timestamp`,
    );
    return 0;
  }

  #test(fields: Fields, at: number, defaultIntervalMs: number): RuleTest {
    const yaml = this.#yaml;
    return {
      name: yaml.text(fields, 'name') || `unnamed#${at}`,
      intervalMs: yaml.duration(fields, 'interval') || defaultIntervalMs,
      startMs: this.#start(fields),
      inputSeries: this.#each(fields, 'input_series', ['series', 'values'], (inner) => ({
        series: yaml.text(inner, 'series') ?? '',
        values: yaml.text(inner, 'values') ?? '',
      })),
      alertTests: this.#each(fields, 'alert_rule_test', ['eval_time', 'alertname', 'exp_alerts'], (inner) => ({
        evalTimeMs: yaml.duration(inner, 'eval_time') ?? 0,
        alertname: this.#alertname(inner),
        expected: this.#each(inner, 'exp_alerts', ['exp_labels', 'exp_annotations'], (alert) => ({
          labels: this.#strings(alert, 'exp_labels'),
          annotations: this.#strings(alert, 'exp_annotations'),
        })),
      })),
      exprTests: this.#each(fields, 'promql_expr_test', ['expr', 'eval_time', 'exp_samples'], (inner) => ({
        expr: yaml.text(inner, 'expr') ?? '',
        evalTimeMs: yaml.duration(inner, 'eval_time') ?? 0,
        expected: this.#each(inner, 'exp_samples', ['labels', 'value', 'histogram'], (sample) => ({
          labels: yaml.text(sample, 'labels') ?? '',
          value: this.#number(sample, 'value'),
          histogram: yaml.text(sample, 'histogram') ?? '',
        })),
      })),
      externalLabels: this.#strings(fields, 'external_labels'),
      externalUrl: yaml.text(fields, 'external_url') ?? '',
    };
  }

  #alertname(fields: Fields): string {
    const name = this.#yaml.text(fields, 'alertname') ?? '';
    if (name === '') this.#yaml.issue(fields.node, 'an item under alert_rule_test misses required attribute alertname');
    return name;
  }

  #number(fields: Fields, name: string): number {
    const text = yaml11(this.#yaml.text(fields, name) ?? '0');
    const value = /^[+-]?inf$/.test(text) ? Number(text.replace('inf', 'Infinity')) : Number(text);
    if (Number.isNaN(value) && text !== 'nan') this.#yaml.issue(this.#yaml.valueOf(fields, name), 'expected a number');
    return value;
  }
}

/** `.inf` and `.NaN`, the forms that YAML uses. */
const yaml11 = (text: string): string => text.toLowerCase().replace(/^([+-]?)\.(inf|nan)$/, '$1$2');

/** Throws VitrineError `config_invalid` with a line for every mistake. */
export function parseRuleTestFile(text: string, file: string): RuleTestFile {
  return new TestFileReader(text, file).read();
}
