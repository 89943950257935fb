import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { homedir, tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { testRules } from '../../../../src/app/monitor/rule-tests.ts';
import { readRuleFile } from '../../../../src/monitor/alerts/rules/file.ts';
import {
  budgetOf,
  burnRules,
  BURNS,
  burnRuleFile,
  powerText,
} from '../../../../src/monitor/targets/objectives/burn-rules.ts';
import { objectiveConfig, objectivesConfig } from '../../../../src/monitor/targets/objectives/schema.ts';

const slo = (more: object) => objectiveConfig.parse({ name: 'shop-up', objective: '99.9%', target: 'shop', ...more });
const promql = {
  good: 'sum(increase(http_requests_total{code!~"5.."}[$window]))',
  total: 'sum(increase(http_requests_total[$window]))',
};
const both = [slo({}), slo({ name: 'api', target: undefined, promql })];

const promtool = [
  path.join(process.env['VITRINE_PROGRAMS_BIN'] ?? path.join(homedir(), '.cache/vitrine-programs/bin'), 'promtool3'),
  'promtool',
].find((program) => spawnSync(program, ['--version']).status === 0);

const requests = { total: 'route:/checkout*', good: 'status:<500 duration:<300ms' };
const checkout = slo({ name: 'checkout', target: undefined, requests });
const all = [...both, checkout];

test('the rule file is read here without a mistake', () => {
  const { groups, issues } = readRuleFile(burnRuleFile(all), 'slo.yaml');
  expect(issues).toEqual([]);
  expect(groups.map(({ name }) => name)).toEqual(
    ['shop-up', 'api', 'checkout'].flatMap((name) => [`slo-${name}`, `slo-${name}-slow`, `slo-${name}-window`]),
  );
});

/** The counters of the objective over the ledger, in steps of the test. */
const events = (good: string, bad: string): object[] => [
  { series: 'vitrine_slo_events_total{slo="checkout",result="good",job="vitrine-monitor"}', values: good },
  { series: 'vitrine_slo_events_total{slo="checkout",result="bad",job="vitrine-monitor"}', values: bad },
];
/** The first evaluation at which an alert fires, in seconds; undefined: it never does. */
const firstFiring = (alertname: string, seconds: number | undefined, until: string): object => ({
  expr: `min_over_time(timestamp(ALERTS{alertstate="firing",alertname="${alertname}"})[${until}:5s])`,
  eval_time: until,
  exp_samples: seconds === undefined ? [] : [{ labels: '{}', value: seconds }],
});
const scenario = (interval: string, input_series: object[], promql_expr_test: object[]): object => ({
  interval,
  input_series,
  // The labels of alerts are not what is compared.
  promql_expr_test: promql_expr_test.map((one) => ({ ...one, expr: `max(${(one as { expr: string }).expr})` })),
});

/** Rules of one objective, and how often they are evaluated. Each file is as small as its scenario allows. */
const files = {
  // An hour up, then down. 14.4 of 0.1 % of an hour is 51.84 s, so the rule at 55 s is the first above it.
  target: [
    slo({}),
    '5s',
    [
      scenario(
        '5s',
        [{ series: 'vitrine_target_up{target="shop"}', values: '1x720 0x20' }],
        [firstFiring('SloFastBurn', 3_655, '61m'), firstFiring('SloBurn', undefined, '61m')],
      ),
    ],
  ],
  // The same for 10 requests a second in the ledger, of which all fail from 3,605 s on.
  outage: [
    checkout,
    '5s',
    [
      scenario('5s', events('0+50x720 36000x20', '0x720 50+50x19'), [
        firstFiring('SloFastBurn', 3_655, '61m'),
        firstFiring('SloBurn', undefined, '61m'),
      ]),
    ],
  ],
  slow: [
    checkout,
    '1m',
    [
      // 1.4 % is fourteen times the budget, which is no fast burn: 0.6 % of 6 hours are 154.3 minutes of it. Errors begin in
      // minute 241, so the figure is above it in minute 395, and the alert reads it a minute later.
      scenario('1m', events('0+1000x240 240000+986x200', '0x240 0+14x200'), [
        firstFiring('SloFastBurn', undefined, '7h'),
        firstFiring('SloBurn', 396 * 60, '7h'),
      ]),
      // A new objective pages only after half of the window: here all requests fail from the first on.
      scenario('1m', events('0x34', '0+50x34'), [firstFiring('SloFastBurn', 1_800, '34m')]),
      // One failure in thirty requests never pages.
      scenario('2m', events('0+1x45 45 46+1x29', '0x45 1 1x29'), [
        { expr: 'count_over_time(ALERTS{severity="critical"}[150m])', eval_time: '150m', exp_samples: [] },
      ]),
    ],
  ],
  // Nor does one in thirty checks.
  check: [
    slo({}),
    '1m',
    [
      scenario(
        '2m',
        [{ series: 'vitrine_target_up{target="shop"}', values: '1x45 0 1x29' }],
        [{ expr: 'count_over_time(ALERTS{severity="critical"}[150m])', eval_time: '150m', exp_samples: [] }],
      ),
    ],
  ],
} as const;

describe('the same alert times on both engines', () => {
  const dir = mkdtempSync(path.join(tmpdir(), 'slo-'));
  const tests = Object.entries(files).map(([name, [objective, evaluation_interval, of]]) => {
    writeFileSync(path.join(dir, `${name}-rules.yaml`), burnRuleFile([objective]));
    const file = path.join(dir, `${name}.yaml`);
    const rule_files = [`${name}-rules.yaml`];
    // Without an order promtool takes the groups in that of a Go map, another in each run: an alert that reads what a slower
    // group records then fires an evaluation earlier in some of them.
    const group_eval_order = burnRules(objective).map(({ name: group }) => group);
    const whole = { rule_files, evaluation_interval, group_eval_order, fuzzy_compare: true, tests: of };
    writeFileSync(file, JSON.stringify(whole));
    return file;
  });
  writeFileSync(path.join(dir, 'all.yaml'), burnRuleFile(all));
  afterAll(() => rmSync(dir, { recursive: true }));

  test('here', async () => {
    const outcomes = await testRules(tests);
    expect(outcomes.flatMap(({ failures }) => failures)).toEqual([]);
  }, 300_000);

  test.skipIf(promtool === undefined)(
    'in Prometheus',
    () => {
      const checked = spawnSync(promtool ?? '', ['check', 'rules', 'all.yaml'], { cwd: dir, encoding: 'utf8' });
      expect(checked.stderr + checked.stdout).toContain('SUCCESS');
      const ran = spawnSync(promtool ?? '', ['test', 'rules', ...tests], { cwd: dir, encoding: 'utf8' });
      expect(`${ran.stdout}${ran.stderr}`).not.toContain('FAILED');
      expect(ran.status).toBe(0);
    },
    300_000,
  );
});

test('budget and power in words', () => {
  expect(budgetOf(slo({}))).toBe(0.001);
  expect(powerText(slo({}))).toBe(
    'shop-up: at 69 events an hour or fewer one failure would exceed the fast burn; 3 bad events are needed to page. A total outage pages after 52 s at steady traffic.',
  );
  expect(BURNS.map(({ factor }) => factor)).toEqual([14.4, 6, 3, 1]);
});

test.each([
  [{ objective: '93%' }, 'can never fire'],
  [{ objective: '100%' }, 'below 100 %'],
  [{ objective: 'high' }, 'below 100 %'],
  [{ window: '1h' }, 'from 7d to 90d'],
  [{ target: undefined }, 'one of target, promql and requests'],
  [{ promql }, 'one of target, promql and requests'],
  [{ target: undefined, promql: { ...promql, good: 'sum(x)' } }, 'needs $window'],
  [{ target: undefined, requests: { good: 'status:<' } }, 'a filter over requests: position'],
  [{ target: undefined, requests: { good: 'time:>now-1h' } }, 'no time'],
  [{ target: undefined, requests: { good: '' } }, 'good'],
])('%j is refused', (more, message) => {
  const read = objectivesConfig.safeParse([{ name: 'a', objective: '99.9%', target: 'shop', ...more }]);
  expect(read.success).toBe(false);
  expect(JSON.stringify(read.error?.issues)).toContain(message);
});

test('93.07 % is the least objective', () => {
  expect(objectiveConfig.safeParse({ name: 'a', objective: '93.07%', target: 's' }).success).toBe(true);
});
