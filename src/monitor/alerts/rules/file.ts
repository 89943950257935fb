/**
 * Prometheus rule files (prometheus.io/docs/prometheus/latest/configuration/recording_rules), read as strictly as Prometheus
 * reads them (model/rulefmt): unknown fields, wrong expressions and broken templates are refused, all mistakes at once,
 * each with its place.
 */
import type { Node } from 'yaml';
import { VitrineError } from '../../../base/errors.ts';
import { METRIC_NAME } from '../../../model/labels.ts';
import { parse } from '../../promql/syntax/parser.ts';
import { print } from '../../promql/syntax/printer.ts';
import type { GroupSpec, RuleSpec, TextEntry } from './spec.ts';
import { compileText } from './template/expand.ts';
import { TemplateError } from './template/tree.ts';
import type { Fields, Issue } from './yaml-reader.ts';
import { YamlReader, issueText } from './yaml-reader.ts';

const GROUP_FIELDS = ['name', 'interval', 'query_offset', 'limit', 'labels', 'rules'];
const RULE_FIELDS = ['record', 'alert', 'expr', 'for', 'keep_firing_for', 'labels', 'annotations'];

/** The groups of a file and its mistakes. When there are mistakes, `groups` contains the rules that could be read. */
export interface RuleFile {
  readonly groups: readonly GroupSpec[];
  readonly issues: readonly Issue[];
}

class FileReader {
  readonly #yaml: YamlReader;
  readonly #file: string;

  constructor(text: string, file: string) {
    this.#yaml = new YamlReader(text, file);
    this.#file = file;
  }

  read(): RuleFile {
    const { root, issues } = this.#yaml;
    if (issues.length > 0 || root === null) return { groups: [], issues };
    const top = this.#yaml.fields(root, 'rule file', ['groups', 'namespace']);
    const groups: GroupSpec[] = [];
    const names = new Set<string>();
    const list = top === undefined ? [] : this.#yaml.list(top.entries.get('groups')?.value, 'groups');
    for (const node of list) {
      const group = this.#group(node);
      if (group === undefined) continue;
      if (names.has(group.name)) {
        this.#yaml.issue(node, `groupname: "${group.name}" is repeated in the same file`);
      }
      names.add(group.name);
      groups.push(group);
    }
    return { groups, issues };
  }

  #group(node: Node | null): GroupSpec | undefined {
    const yaml = this.#yaml;
    const fields = yaml.fields(node, 'rule group', GROUP_FIELDS);
    if (fields === undefined) return undefined;
    const name = yaml.text(fields, 'name') ?? '';
    if (name === '') yaml.issue(yaml.valueOf(fields, 'name') ?? node, 'Groupname must not be empty');
    const intervalMs = yaml.duration(fields, 'interval');
    const common = this.#texts(fields, 'labels');
    const rules: RuleSpec[] = [];
    for (const item of yaml.list(fields.entries.get('rules')?.value, 'rules')) {
      const rule = this.#rule(item, common);
      if (rule !== undefined) rules.push(rule);
    }
    return {
      name,
      file: this.#file,
      // An interval of 0 is Prometheus' way of saying "the default".
      intervalMs: intervalMs === 0 ? undefined : intervalMs,
      queryOffsetMs: yaml.duration(fields, 'query_offset') ?? 0,
      limit: yaml.count(fields, 'limit') ?? 0,
      rules,
    };
  }

  #rule(node: Node | null, common: readonly TextEntry[]): RuleSpec | undefined {
    const yaml = this.#yaml;
    const fields = yaml.fields(node, 'rule', RULE_FIELDS);
    if (fields === undefined) return undefined;
    const record = yaml.text(fields, 'record') ?? '';
    const alert = yaml.text(fields, 'alert') ?? '';
    if (record !== '' && alert !== '') return yaml.issue(node, "only one of 'record' and 'alert' must be set");
    if (record === '' && alert === '') return yaml.issue(node, "one of 'record' or 'alert' must be set");
    const expr = this.#expr(fields);
    const own = this.#texts(fields, 'labels');
    // A rule's own label replaces that of its group.
    const labels = [...common.filter(({ name }) => !own.some((entry) => entry.name === name)), ...own];
    if (record !== '') return this.#recording(fields, record, expr, labels);
    return {
      kind: 'alerting',
      name: alert,
      expr,
      forMs: yaml.duration(fields, 'for') ?? 0,
      keepFiringForMs: yaml.duration(fields, 'keep_firing_for') ?? 0,
      labels,
      annotations: this.#texts(fields, 'annotations'),
    };
  }

  #recording(fields: Fields, name: string, expr: string, labels: readonly TextEntry[]): RuleSpec {
    const yaml = this.#yaml;
    for (const field of ['for', 'keep_firing_for', 'annotations']) {
      const entry = fields.entries.get(field);
      if (entry !== undefined) yaml.issue(entry.key, `invalid field '${field}' in recording rule`);
    }
    if (!name.isWellFormed()) yaml.issue(yaml.valueOf(fields, 'record'), `invalid recording rule name: ${name}`);
    if (/[{}]/.test(name)) {
      const advice = 'braces present in the recording rule name; should it be in expr?';
      yaml.issue(yaml.valueOf(fields, 'record'), `${advice}: ${name}`);
    }
    return { kind: 'recording', name, expr, labels: Object.fromEntries(labels.map((l) => [l.name, l.source])) };
  }

  #expr(fields: Fields): string {
    const yaml = this.#yaml;
    const text = yaml.text(fields, 'expr') ?? '';
    if (text.trim() === '') {
      yaml.issue(yaml.valueOf(fields, 'expr') ?? fields.node, "field 'expr' must be set in rule");
      return '';
    }
    try {
      return print(parse(text));
    } catch (error) {
      if (!(error instanceof VitrineError)) throw error;
      yaml.issue(yaml.valueOf(fields, 'expr'), `could not parse expression: ${error.message}`);
      return '';
    }
  }

  #texts(fields: Fields, field: 'labels' | 'annotations'): TextEntry[] {
    const out: TextEntry[] = [];
    const word = field === 'labels' ? 'label' : 'annotation';
    for (const { name, value, key, node } of this.#yaml.strings(fields, field)) {
      if (name === '' || !name.isWellFormed() || (field === 'labels' && name === METRIC_NAME)) {
        this.#yaml.issue(key, `invalid ${word} name: ${name}`);
      }
      if (field === 'labels' && !value.isWellFormed()) this.#yaml.issue(node, `invalid label value: ${value}`);
      try {
        out.push({ name, source: value, text: compileText(value) });
      } catch (error) {
        if (!(error instanceof TemplateError)) throw error;
        this.#yaml.issue(node, `${word} ${JSON.stringify(name)}: template: ${error.message}`);
      }
    }
    return out;
  }
}

/** Does not throw for any text. */
export function readRuleFile(text: string, file: string): RuleFile {
  return new FileReader(text, file).read();
}

/** Throws VitrineError `config_invalid` with a line for every mistake. */
export function parseRuleFile(text: string, file: string): readonly GroupSpec[] {
  const { groups, issues } = readRuleFile(text, file);
  if (issues.length > 0) throw new VitrineError('config_invalid', issues.map(issueText).join('\n'));
  return groups;
}
