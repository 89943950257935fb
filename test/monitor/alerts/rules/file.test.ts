import { describe, expect, it } from 'vitest';
import { parseRuleFile, readRuleFile } from '../../../../src/monitor/alerts/rules/file.ts';
import { issueText } from '../../../../src/monitor/alerts/rules/yaml-reader.ts';

const issues = (text: string): string[] => readRuleFile(text, 'r.yaml').issues.map(issueText);

describe('rule files', () => {
  it('reads groups with both kinds of rules', () => {
    const [group, other] = parseRuleFile(
      `
namespace: x
groups:
  - name: a
    interval: 30s
    query_offset: 1m
    limit: 5
    labels: &l { team: t, dup: group }
    rules:
      - record: job:x:sum
        expr: sum  by(job)(x)
        labels: { dup: rule, n: 1, empty: }
      - alert: Slow
        expr: x > 1
        for: 5m
        keep_firing_for: 1m30s
        labels: { severity: '{{ $value }}' }
        annotations: { summary: 'plain', more: '{{ $labels.a }}' }
  - name: b
    interval: 0s
    labels: *l
    rules:
      - { alert: A, expr: 1, for: 0 }
  - name: empty
`,
      'r.yaml',
    );
    expect(group).toMatchObject({
      name: 'a',
      file: 'r.yaml',
      intervalMs: 30_000,
      queryOffsetMs: 60_000,
      limit: 5,
      rules: [
        {
          kind: 'recording',
          name: 'job:x:sum',
          expr: 'sum by (job) (x)',
          labels: { team: 't', dup: 'rule', n: '1', empty: '' },
        },
        { kind: 'alerting', name: 'Slow', expr: 'x > 1', forMs: 300_000, keepFiringForMs: 90_000 },
      ],
    });
    expect(group.rules[1]).toMatchObject({
      labels: [
        { name: 'team', text: { kind: 'plain' } },
        { name: 'dup', source: 'group' },
        { name: 'severity', text: { kind: 'template' } },
      ],
      annotations: [{ name: 'summary', text: { kind: 'plain', text: 'plain' } }, { name: 'more' }],
    });
    expect(other).toMatchObject({
      intervalMs: undefined,
      limit: 0,
      rules: [{ expr: '1', labels: [{ name: 'team' }, {}] }],
    });
  });

  it('accepts an empty file', () => expect(parseRuleFile('', 'r.yaml')).toEqual([]));

  it('reports all mistakes at once, each with its place', () => {
    const text = `groups:
- name: a
  interval: soon
  limit: -1
  extra: 1
  rules:
  - record: 'x{a="b"}'
    alert: both
  - expr: up
  - record: 'x{}'
    expr: up
    for: 5m
    keep_firing_for: 5m
    annotations: {a: b}
  - alert: NoExpr
  - alert: Bad
    expr: sum(
    labels: {__name__: x, ok: '{{ $nope }}'}
    annotations: {s: '{{ if }}', '': x}
  - alert: Unknown
    expr: up
    foo: bar
- name: a
  rules: 5
- name: ''
  rules: [1]
- nothing
top: 1
`;
    expect(issues(text)).toEqual([
      'r.yaml:28:1: field top not found in rule file',
      'r.yaml:5:3: field extra not found in rule group',
      'r.yaml:3:13: not a valid duration string: "soon"',
      `r.yaml:7:5: only one of 'record' and 'alert' must be set`,
      `r.yaml:9:5: one of 'record' or 'alert' must be set`,
      `r.yaml:12:5: invalid field 'for' in recording rule`,
      `r.yaml:13:5: invalid field 'keep_firing_for' in recording rule`,
      `r.yaml:14:5: invalid field 'annotations' in recording rule`,
      'r.yaml:10:13: braces present in the recording rule name; should it be in expr?: x{}',
      `r.yaml:15:5: field 'expr' must be set in rule`,
      'r.yaml:17:11: could not parse expression: 1:5: parse error: unclosed left parenthesis',
      'r.yaml:18:14: invalid label name: __name__',
      'r.yaml:18:31: label "ok": template: line 1: undefined variable "$nope"',
      'r.yaml:19:22: annotation "s": template: line 1: missing value for command',
      'r.yaml:19:34: invalid annotation name: ',
      'r.yaml:22:5: field foo not found in rule',
      'r.yaml:4:10: limit must be a whole number from 0',
      'r.yaml:24:10: rules must be a list',
      'r.yaml:23:3: groupname: "a" is repeated in the same file',
      'r.yaml:25:9: Groupname must not be empty',
      'r.yaml:26:11: rule must be a mapping',
      'r.yaml:27:3: rule group must be a mapping',
    ]);
    expect(() => parseRuleFile(text, 'r.yaml')).toThrow('r.yaml:28:1: field top not found in rule file\nr.yaml:5:3');
  });

  it.each([
    ['a: [', /^r\.yaml:1:\d+: /],
    ['groups: 1', /^r\.yaml:1:9: groups must be a list$/],
    ['[]', /^r\.yaml:1:1: rule file must be a mapping$/],
    ['groups: [{name: a, name: b}]', /unique/i],
    ['groups: [{name: [a]}]', /name must be a string/],
    ['groups: [{name: a, labels: 5}]', /labels must be a mapping of strings/],
    ['groups: [{name: a, labels: {a: [b]}}]', /labels must be a mapping of strings/],
    ['groups: [{name: a, labels: {a: "\\uD800"}}]', /invalid label value/],
    ['groups: [{name: a, rules: [{record: "\\uD800", expr: up}]}]', /invalid recording rule name/],
    [`# ${'x'.repeat(16 * 1024 * 1024)}`, /larger than 16777216 characters/],
  ])('refuses %#', (text, message) => expect(issues(text)[0]).toMatch(message));

  it('treats names of Object.prototype like any other name', () => {
    expect(
      issues('groups: [{name: a, __proto__: 1, rules: [{alert: A, expr: up, labels: {constructor: x}}]}]'),
    ).toEqual(['r.yaml:1:20: field __proto__ not found in rule group']);
  });

  it('merges mappings as YAML 1.1 does, in rules and in labels', () => {
    const { groups, issues: found } = readRuleFile(
      `groups:
- name: g
  rules:
  - &base
    alert: A
    expr: up == 0
    for: 5m
    labels: &labels {team: web, severity: ticket}
  - <<: *base
    alert: B
    labels: {<<: *labels, severity: page}
  - <<: [{for: 1m}, *base]
    alert: C
`,
      'r.yaml',
    );
    expect(found).toEqual([]);
    const rules = groups[0].rules.map((rule) => ({
      name: rule.name,
      forMs: rule.kind === 'alerting' ? rule.forMs : 0,
      labels: rule.kind === 'alerting' ? rule.labels.map(({ name, source }) => `${name}=${source}`).sort() : [],
    }));
    expect(rules).toEqual([
      { name: 'A', forMs: 300_000, labels: ['severity=ticket', 'team=web'] },
      { name: 'B', forMs: 300_000, labels: ['severity=page', 'team=web'] },
      { name: 'C', forMs: 60_000, labels: ['severity=ticket', 'team=web'] },
    ]);
  });

  it.each([
    ['groups: [{name: g, <<: 7}]', /map merge requires map or sequence of maps/],
    ['groups: [&g {name: g, <<: *g}]', /map merge requires map|unresolved alias/i],
  ])('refuses a merge of a value that is not a mapping: %s', (text, message) => {
    expect(
      readRuleFile(text, 'r.yaml')
        .issues.map(({ message: one }) => one)
        .join('\n'),
    ).toMatch(message);
  });

  it('reads the first of several documents, and files larger than a megabyte', () => {
    const many = `groups: [{name: a, rules: [{record: a, expr: "1"}]}]\n---\ngroups: [{name: a, rules: [{record: b, expr: "sum("}]}]\n`;
    expect(readRuleFile(many, 'r.yaml')).toMatchObject({ groups: [{ name: 'a' }], issues: [] });
    const rules = Array.from(
      { length: 12_000 },
      (_, i) => `  - {record: "job:requests:rate5m_${i}", expr: "sum by (job) (rate(requests_total[5m]))"}`,
    );
    const large = `groups:\n- name: g\n  rules:\n${rules.join('\n')}\n`;
    expect(large.length).toBeGreaterThan(1024 * 1024);
    expect(readRuleFile(large, 'r.yaml').groups[0].rules).toHaveLength(12_000);
  });
});
