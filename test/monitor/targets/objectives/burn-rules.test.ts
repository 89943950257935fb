import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { homedir, tmpdir } from 'node:os';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { readRuleFile } from '../../../../src/monitor/alerts/rules/file.ts';
import { budgetOf, BURNS, burnRuleFile, powerText } from '../../../../src/monitor/targets/objectives/burn-rules.ts';
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

describe('the rule file', () => {
  test('is read here without a mistake', () => {
    const { groups, issues } = readRuleFile(burnRuleFile(both), 'slo.yaml');
    expect(issues).toEqual([]);
    expect(groups.map(({ name }) => name)).toEqual([
      'slo-shop-up',
      'slo-shop-up-slow',
      'slo-shop-up-window',
      'slo-api',
      'slo-api-slow',
      'slo-api-window',
    ]);
  });

  test.skipIf(promtool === undefined)(
    'passes promtool, and gives the alert times by hand on its engine',
    () => {
      const dir = mkdtempSync(path.join(tmpdir(), 'slo-'));
      try {
        writeFileSync(path.join(dir, 'slo.yaml'), burnRuleFile([slo({})]));
        // An hour up, then down. 14.4 of 0.1 % of an hour is 51.84 s, so the rule at 55 s is the first above it.
        const silentAt = (seconds: number): object => ({
          eval_time: `${3_600 + seconds}s`,
          alertname: 'SloFastBurn',
          exp_alerts: [],
        });
        const tests = {
          rule_files: ['slo.yaml'],
          evaluation_interval: '5s',
          fuzzy_compare: true,
          tests: [
            {
              interval: '5s',
              input_series: [{ series: 'vitrine_target_up{target="shop"}', values: '1x720 0x60' }],
              alert_rule_test: [silentAt(-5), silentAt(45)],
              promql_expr_test: [
                {
                  expr: 'count(ALERTS{alertname="SloFastBurn"})',
                  eval_time: `${3_600 + 60}s`,
                  exp_samples: [{ labels: '{}', value: 1 }],
                },
                { expr: 'count(ALERTS{alertname="SloBurn"})', eval_time: `${3_600 + 60}s`, exp_samples: [] },
              ],
            },
            {
              // One failure in thirty checks never pages.
              interval: '2m',
              input_series: [{ series: 'vitrine_target_up{target="shop"}', values: '1x45 0 1x29' }],
              promql_expr_test: [
                { expr: 'count_over_time(ALERTS{severity="critical"}[2h])', eval_time: '2h', exp_samples: [] },
              ],
            },
          ],
        };
        writeFileSync(path.join(dir, 'test.yaml'), JSON.stringify(tests));
        const checked = spawnSync(promtool ?? '', ['check', 'rules', 'slo.yaml'], { cwd: dir, encoding: 'utf8' });
        expect(checked.stderr + checked.stdout).toContain('SUCCESS');
        const ran = spawnSync(promtool ?? '', ['test', 'rules', 'test.yaml'], { cwd: dir, encoding: 'utf8' });
        expect(`${ran.stdout}${ran.stderr}`).toContain('SUCCESS');
        expect(ran.status).toBe(0);
      } finally {
        rmSync(dir, { recursive: true });
      }
    },
    120_000,
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
  [{ target: undefined }, 'one of target and promql'],
  [{ promql }, 'one of target and promql'],
  [{ target: undefined, promql: { ...promql, good: 'sum(x)' } }, 'needs $window'],
])('%j is refused', (more, message) => {
  const read = objectivesConfig.safeParse([{ name: 'a', objective: '99.9%', target: 'shop', ...more }]);
  expect(read.success).toBe(false);
  expect(JSON.stringify(read.error?.issues)).toContain(message);
});

test('93.07 % is the least objective', () => {
  expect(objectiveConfig.safeParse({ name: 'a', objective: '93.07%', target: 's' }).success).toBe(true);
});
