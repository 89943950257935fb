/**
 * Rule-test files through `vitrine check --test-rules` and through promtool 3.14: the same files pass and fail. Needs
 * promtool (test/support/programs/install.sh promtool).
 */
import { spawnSync } from 'node:child_process';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { junitOf, testRules } from '../../../../src/app/monitor/rule-tests.ts';
import { freshDir, missingPrograms, neededProgram } from '../../../support/program.ts';

const missing = missingPrograms('the comparison with promtool', 'promtool3');

const RULES = `groups:
- name: a
  rules:
  - {record: 's:x', expr: sum(x)}
  - {alert: A, expr: x > 1, for: 1m}
- name: b
  rules:
  - {record: 's:y', expr: 's:x * 2'}
`;
const test = (body: string, head = ''): string =>
  `rule_files: [r.yml]\n${head}tests:\n- ${body.replaceAll('\n', '\n  ')}\n`;
const expr = (text: string, at: string, samples: string, series = "{series: x, values: '0+1x10'}"): string =>
  `input_series: [${series}]\npromql_expr_test: [{expr: '${text}', eval_time: ${at}, exp_samples: [${samples}]}]`;
const H = '{{schema:0 sum:3 count:2 buckets:[1 1]}}';
const native = (values: string): string => `{series: h, values: '${values}'}`;

/** Name → file and whether it must pass. */
const CASES: Readonly<Record<string, readonly [text: string, passes: boolean]>> = {
  'a value that is off by more than one place': [
    test(expr('x * 1.0000000001', '1m', '{value: 1}'), 'fuzzy_compare: true\n'),
    false,
  ],
  'a value that is off by one place, fuzzy': [
    test(expr('x * 0.1 * 3', '1m', '{value: 0.3}'), 'fuzzy_compare: true\n'),
    true,
  ],
  'a value that is off by one place': [test(expr('x * 0.1 * 3', '1m', '{value: 0.3}')), false],
  'no value equals NaN': [test(expr('x * NaN', '1m', '{value: .nan}')), false],
  'a glob': [test(expr('s:x', '2m', "{labels: 's:x', value: 2}")).replace('r.yml', "'[q-s].y?l', 'none*.yml'"), true],
  'a native histogram': [test(expr('histogram_count(h)', '0m', '{value: 2}', native(H))), true],
  'a native histogram as expectation': [
    test(
      expr(
        'h',
        '1m',
        `{labels: h, histogram: '{{schema:0 sum:6 count:4 buckets:[2 2] counter_reset_hint:not_reset}}'}`,
        native(`${H}+${H}x3`),
      ),
    ),
    true,
  ],
  'another histogram than expected': [
    test(expr('h', '0m', `{labels: h, histogram: '{{sum:3 count:3}}'}`, native(H))),
    false,
  ],
  'the evaluation interval as interval': [
    test(expr('x', '30s', '{labels: x, value: 3}'), 'evaluation_interval: 10s\n'),
    true,
  ],
  'the evaluation interval as step of subqueries': [
    test(expr('count_over_time(x[1m:])', '2m', '{value: 6}'), 'evaluation_interval: 10s\n'),
    true,
  ],
  'a start timestamp': [
    test(`start_timestamp: '2026-01-01T00:00:00Z'\n${expr('timestamp(x)', '1m', '{value: 1767225660}')}`),
    true,
  ],
  'a start timestamp in seconds': [test(`start_timestamp: 1000\n${expr('timestamp(x)', '1m', '{value: 1060}')}`), true],
  'alerts after a start timestamp': [
    test(
      `start_timestamp: 86400\ninput_series: [{series: x, values: '0+1x10'}]\nalert_rule_test: [{eval_time: 3m, alertname: A, exp_alerts: [{}]}]`,
    ),
    true,
  ],
  'steps that are added up': [
    test(expr('x', '3m', '{labels: x, value: 0.30000000000000004}', "{series: x, values: '0+0.1x5'}")),
    true,
  ],
  'a failing rule': [test(expr('s:x', '0m', '{labels: s:x, value: 0}')).replace('r.yml', 'broken.yml'), false],
  'an order that names a group twice': [
    test(expr('x', '0m', '{labels: x, value: 0}'), 'group_eval_order: [a, a]\n'),
    false,
  ],
  'an order of groups': [test(expr('s:y', '2m', '{labels: s:y, value: 4}'), 'group_eval_order: [a, b]\n'), true],
  'an alert test without a name': [test('alert_rule_test: [{eval_time: 1m, exp_alerts: []}]'), false],
  'a range vector': [test(expr('x[1m]', '1m', '{labels: x, value: 1}')), false],
};

describe.skipIf(missing.length > 0)('rule tests', () => {
  const dir = freshDir();
  beforeAll(() => {
    mkdirSync(dir, { recursive: true });
    writeFileSync(path.join(dir, 'r.yml'), RULES);
    writeFileSync(
      path.join(dir, 'broken.yml'),
      `groups: [{name: g, rules: [{record: 's:x', expr: 'x + on() x{a=""}'}, {record: r, expr: '"s"'}]}]`,
    );
  });
  afterAll(() => rmSync(dir, { recursive: true }));

  it.each(Object.entries(CASES))('end as with promtool: %s', async (name, [text, passes]) => {
    const file = path.join(dir, `${name.replaceAll(/\W+/g, '-')}.test.yml`);
    writeFileSync(file, text);
    const { status, stdout, stderr } = spawnSync(neededProgram('promtool3'), ['test', 'rules', file], {
      encoding: 'utf8',
    });
    expect(status === 0, stdout + stderr).toBe(passes);
    let ours: string[];
    try {
      ours = [...(await testRules([file]))[0].failures];
    } catch (error) {
      ours = [String(error)];
    }
    expect(ours.length === 0, ours.join('\n')).toBe(passes);
  });

  it('are written as JUnit XML with the same suites and cases', async () => {
    const files = ['good', 'bad'].map((name) => path.join(dir, `junit-${name}.yml`));
    writeFileSync(files[0], test(expr('x', '0m', '{labels: x, value: 0}')));
    writeFileSync(files[1], test(`name: 'odd <name>'\n${expr('x', '0m', '{labels: x, value: 7}')}`));
    const xml = path.join(dir, 'theirs.xml');
    spawnSync(neededProgram('promtool3'), ['test', 'rules', `--junit=${xml}`, ...files]);
    const { stdout } = spawnSync('cat', [xml], { encoding: 'utf8' });
    const shape = (text: string): string =>
      text.replaceAll(/timestamp="[^"]*"/g, '').replaceAll(/<failure>[^<]*<\/failure>/g, '<failure/>');
    expect(shape(junitOf(await testRules(files)))).toBe(shape(stdout));
  });
});
