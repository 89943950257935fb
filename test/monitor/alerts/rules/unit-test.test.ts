import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { Labels } from '../../../../src/model/labels.ts';
import { MemoryStore } from '../../../../src/monitor/alerts/rules/memory-store.ts';
import { parseSeriesLabels, parseSeriesValues } from '../../../../src/monitor/alerts/rules/series-notation.ts';
import { parseRuleTestFile } from '../../../../src/monitor/alerts/rules/unit-test-file.ts';
import { runRuleTests } from '../../../../src/monitor/alerts/rules/unit-test.ts';
import { FakeQuerier } from './fake-querier.ts';

const PROMTOOL = '/usr/bin/promtool';
const RULES = `groups:
- name: second
  rules:
  - {record: total, expr: sum(big)}
- name: first
  interval: 1h
  rules:
  - {record: big, expr: x > 1}
  - alert: Big
    expr: x > 1
    for: 2m
    labels: {severity: page, dc: '{{ $externalLabels.dc }}'}
    annotations: {summary: '{{ $labels.a }} at {{ $value }}'}
`;
const TESTS = `rule_files: [r.yaml]
evaluation_interval: 1m
group_eval_order: [first, second]
tests:
- interval: 1m
  external_labels: {dc: home}
  input_series:
  - {series: 'x{a="1"}', values: '0+1x5 _ 7'}
  - {series: 'x{a="2"}', values: '3x2 stale'}
  alert_rule_test:
  - {eval_time: 3m, alertname: Big, exp_alerts: []}
  - eval_time: 4m
    alertname: Big
    exp_alerts:
    - exp_labels: {a: '1', severity: page, dc: home}
      exp_annotations: {summary: 1 at 4}
  promql_expr_test:
  - {expr: total, eval_time: 2m, exp_samples: [{labels: 'total', value: 5}]}
  - {expr: 'big{a="2"}', eval_time: 1m, exp_samples: [{labels: 'big{a="2"}', value: 3}]}
  - {expr: nothing, eval_time: 5m}
  - {expr: '1', eval_time: 5m, exp_samples: [{labels: '{}', value: 1}]}
`;
const tools = {
  expand: (pattern: string) => [pattern],
  readFile: () => RULES,
  makeQuerier: (source: ConstructorParameters<typeof FakeQuerier>[0]) => new FakeQuerier(source),
};

describe('runRuleTests', () => {
  it('passes when the expectations are met', async () => {
    expect(await runRuleTests(TESTS, 't.yaml', tools)).toEqual({
      passed: 6,
      failures: [],
      cases: [{ name: 'unnamed#0', failures: [] }],
    });
  });

  it.skipIf(!existsSync(PROMTOOL))('as promtool does', () => {
    const folder = mkdtempSync(path.join(tmpdir(), 'vitrine-rules-'));
    writeFileSync(path.join(folder, 'r.yaml'), RULES);
    writeFileSync(path.join(folder, 't.yaml'), TESTS);
    const { status, stdout, stderr } = spawnSync(PROMTOOL, ['test', 'rules', 't.yaml'], {
      cwd: folder,
      encoding: 'utf8',
      timeout: 20_000,
    });
    rmSync(folder, { recursive: true });
    expect(`${stdout}${stderr}`).toContain('SUCCESS');
    expect(status).toBe(0);
  });
  if (!existsSync(PROMTOOL)) console.log(`${PROMTOOL} is not installed: it did not run the rule tests`);

  it('reports expectations that are not met', async () => {
    const wrong = TESTS.replace('1 at 4', '1 at 9')
      .replace("'total', value: 5", "'total', value: 5.0000001")
      .replace('expr: nothing', 'expr: "sum("')
      .replace('interval: 1m\n  ext', 'name: mine\n  interval: 1m\n  ext');
    const { passed, failures } = await runRuleTests(wrong, 't.yaml', tools);
    expect(passed).toBe(3);
    expect(failures[0]).toMatch(/^mine: alertname: Big, time: 240s\n {4}exp: .*1 at 9.*\n {4}got: .*1 at 4/);
    expect(failures[1]).toMatch(/^mine: expr: "total", time: 120s,\n {4}exp: .*5\.0000001\n {4}got: .* 5$/);
    expect(failures[2]).toMatch(/err: 1:5: parse error: unclosed left parenthesis/);
    const fuzzy = TESTS.replace("'total', value: 5", "'total', value: 5.000000000000001").replace(
      'tests:',
      'fuzzy_compare: true\ntests:',
    );
    expect((await runRuleTests(fuzzy, 't.yaml', tools)).failures).toEqual([]);
  });

  it('reports rules that could not be evaluated', async () => {
    const broken = { ...tools, readFile: () => 'groups: [{name: g, rules: [{record: y, expr: \'"s"\'}]}]' };
    const { failures } = await runRuleTests('rule_files: [r]\ntests: [{}]', 't.yaml', broken);
    expect(failures).toEqual(['unnamed#0: rule: y, time: 0s, err: rule result is not a vector or scalar']);
  });

  it('limits the number of evaluations', async () => {
    const { failures } = await runRuleTests(
      'tests: [{promql_expr_test: [{expr: 1, eval_time: 100y}]}]',
      't.yaml',
      tools,
    );
    expect(failures).toEqual(['unnamed#0: more than 200000 evaluations']);
  });
});

describe('parseRuleTestFile', () => {
  it('reads numbers as YAML writes them, and defaults', () => {
    const { tests, evaluationIntervalMs } = parseRuleTestFile(
      'tests: [{promql_expr_test: [{exp_samples: [{value: .inf}, {value: -.Inf}, {value: .nan}, {value: 1e3}, {}]}]}]',
      't.yaml',
    );
    expect(evaluationIntervalMs).toBe(60_000);
    expect(tests[0].exprTests[0].expected.map(({ value }) => value)).toEqual([Infinity, -Infinity, NaN, 1_000, 0]);
  });

  it('reports all mistakes', () => {
    expect(() =>
      parseRuleTestFile(
        'rule_files: [1]\nfoo: 1\ntests: [{bar: 1, promql_expr_test: [{exp_samples: [{value: x}]}]}, 5]',
        't.yaml',
      ),
    ).toThrow(
      /t\.yaml:2:1: field foo.*\nt\.yaml:1:14: expected a string\nt\.yaml:3:10: field bar.*\nt\.yaml:3:\d+: expected a number\nt\.yaml:3:\d+: tests must be a mapping/,
    );
    expect(() => parseRuleTestFile('', 't.yaml')).toThrow('t.yaml:1:1: rule test file must be a mapping');
  });
});

describe('series notation', () => {
  it.each([
    ['1 2.5 -3e2', [1, 2.5, -300]],
    ['0+10x3', [0, 10, 20, 30]],
    ['5-1x2', [5, 4, 3]],
    ['7x2', [7, 7, 7]],
    ['1 _ _x2 stale', [1, 'gap', 'gap', 'gap', 'stale']],
    ['NaN Inf -inf +1', [NaN, Infinity, -Infinity, 1]],
    ['Infx1', [Infinity, Infinity]],
    ['  ', []],
  ])('%s', (text, values) => expect(parseSeriesValues(text)).toEqual(values));

  it.each([
    ['x', 'cannot read the value "x"'],
    ['1+2', '"1+2" lacks x and a count'],
    ['1x9999999', 'more than 1000000 values'],
    ['0x999999 0x999999', 'more than 1000000 values'],
    ['{{schema:0', 'cannot read the histogram'],
    ['{{shape:0}}', 'cannot read the histogram'],
    ['{{count:x}}', 'cannot read the number'],
    ['{{counter_reset_hint:maybe}}', 'unknown counter_reset_hint'],
  ])('refuses %s', (text, message) => expect(() => parseSeriesValues(text)).toThrow(message));

  it('reads labels', () => {
    expect(parseSeriesLabels('x{a="b"}').toJSON()).toEqual({ __name__: 'x', a: 'b' });
    expect(parseSeriesLabels('{ }').size).toBe(0);
    expect(() => parseSeriesLabels('x{a!="b"}')).toThrow('is no series: != is not =');
  });
});

describe('MemoryStore', () => {
  it('answers as a source', async () => {
    const store = new MemoryStore();
    const refs = ['b', 'a'].map((job) => store.resolve(Labels.from({ __name__: 'x', job })));
    const t = Float64Array.of(1, 1, 2);
    const result = await store.append({ count: 3, refs: Uint32Array.of(refs[0], refs[1], refs[0]), t, v: t });
    expect(result).toEqual({ accepted: 3, rejected: [] });
    const again = await store.append({ count: 1, refs: Uint32Array.of(refs[0]), t, v: t });
    expect(again).toMatchObject({ accepted: 0, rejected: [{ reason: 'out_of_order', count: 1 }] });
    expect((await store.series([], 0, 9, 9)).map((labels) => labels.get('job'))).toEqual(['a', 'b']);
    expect(await store.series([[{ name: 'job', op: '=', value: 'a' }]], 2, 9, 9)).toEqual([]);
    expect(await store.labelNames([], 0, 9)).toEqual(['__name__', 'job']);
    expect(await store.labelValues('job', [], 0, 9)).toEqual(['a', 'b']);
    expect(await store.metadata()).toEqual([]);
    expect(await store.exemplars()).toEqual([]);
  });
});
