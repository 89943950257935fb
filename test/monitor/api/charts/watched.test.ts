import { describe, expect, it } from 'vitest';
import { Labels } from '../../../../src/model/labels.ts';
import { builtinRules } from '../../../../src/monitor/alerts/rules/builtin.ts';
import type { RuleGroupView } from '../../../../src/monitor/alerts/rules/view.ts';
import { WatchedLimits } from '../../../../src/monitor/api/charts/watched.ts';
import { DASHBOARDS } from '../../../../src/dashboards/all.ts';
import { meanOfEither, observationsOf, quantileOfEither } from '../../../../src/dashboards/queries.ts';
import { cachePanel, errorsPanel, latencyPanel } from '../../../../src/dashboards/overview.ts';

function groupsOf(rules: readonly { name: string; expr: string; severity?: string }[]): RuleGroupView[] {
  const view = {
    name: 'g',
    file: 'f',
    intervalMs: 1_000,
    limit: 0,
    evaluationSeconds: 0,
    lastEvaluationMs: undefined,
    rules: rules.map(({ name, expr, severity }) => ({
      kind: 'alerting' as const,
      name,
      query: expr,
      labels: Labels.from(severity === undefined ? {} : { severity }),
      health: 'ok' as const,
      lastError: '',
      evaluationSeconds: 0,
      lastEvaluationMs: undefined,
      state: 'inactive' as const,
      forMs: 0,
      keepFiringForMs: 0,
      annotations: {},
      alerts: [],
    })),
  };
  return [view];
}

const limitsOf = (expr: string, rule: string): readonly (readonly [string, number])[] =>
  new WatchedLimits(groupsOf([{ name: 'R', expr: rule }])).of(expr).map(({ op, limit }) => [op, limit]);

describe('WatchedLimits', () => {
  it.each([
    ['a', 'a > 1', '>', 1],
    ['sum by (job) (rate(a[1m]))', 'sum by (job, instance) (rate(a[5m])) >= 2 * 3', '>=', 6],
    ['sum(rate(a[1m])) / sum(rate(b[1m]))', '(sum(rate(a[2s])) / sum(rate(b[2s])) and sum(c) > 10) < -0.5', '<', -0.5],
    ['(sum(a) or vector(0)) / sum(b)', '(sum(a) or 0 * sum(b)) / sum(b) > 0.1', '>', 0.1],
    [
      'max by (x) (a{s="used"})',
      'max by (h) (max by (j, x) (a{s="used"}) * on (j) group_left (h) i:info) <= 8 / 2',
      '<=',
      4,
    ],
    ['a{x=~"hit|stale|miss"}', 'a{x=~"hit|miss|stale"} < 5 unless b', '<', 5],
    ['a', 'b > 3 or a > 2', '>', 2],
    [
      quantileOfEither(0.95, 'a', { by: '', matchers: 'x="1"' }),
      'histogram_quantile(0.95, sum by (x, le) (rate(a_bucket{x="1"}[5m]))) > 1',
      '>',
      1,
    ],
    [
      quantileOfEither(0.95, 'a', { by: '', matchers: 'x="1"' }),
      'histogram_quantile(0.95, sum by (x) (rate(a{x="1"}[5m]))) > 1',
      '>',
      1,
    ],
    [observationsOf('a', { by: '' }), 'sum by (x) (rate(a_count[5m])) > 1', '>', 1],
    [observationsOf('a', { by: '' }), `${observationsOf('a', { by: 'x' })} > 1`, '>', 1],
    [meanOfEither('a', { by: '' }), 'sum(rate(a_sum[5m])) / sum(rate(a_count[5m])) > 1', '>', 1],
    [
      'histogram_quantile(0.95, sum by (le) (rate(a_bucket[1m])))',
      'histogram_quantile(0.95, sum by (le) (rate(a_bucket[5m]))) > 1 + 1 - 0.5',
      '>',
      1.5,
    ],
  ])('draws on %s the limit of %s', (expr, rule, op, limit) => {
    expect(limitsOf(expr, rule)).toEqual([[op, limit]]);
  });

  it.each([
    ['a', 'b > 1'],
    [
      'histogram_quantile(0.95, sum by (le) (rate(a_bucket[1m])))',
      'histogram_quantile(0.99, sum by (le) (rate(a_bucket[1m]))) > 1',
    ],
    ['avg(a)', 'max(a) > 1'],
    ['a{x="1"}', 'a{x="2"} > 1'],
    ['a', 'a offset 5m > 1'],
    ['a', 'a == 1'],
    ['a', 'a > b'],
    ['a[', 'a > 1'],
    ['b', 'a > 1 and b > 2'],
    ['a or b', 'b > 1'],
    [quantileOfEither(0.95, 'a', { by: '' }), 'histogram_quantile(0.95, sum(rate(b[5m]))) > 1'],
  ])('draws none on %s for %s', (expr, rule) => expect(limitsOf(expr, rule)).toEqual([]));

  it('names a rule once for each limit, leaves recording rules out and survives a rule that it cannot parse', () => {
    const groups = groupsOf([
      { name: 'R', expr: 'rate(a[1m]) > 1 or rate(a[2m]) > 1 or rate(a[2m]) > 2', severity: 'critical' },
      { name: 'Broken', expr: 'a > > 1' },
    ]);
    const recording = [{ ...groups[0], rules: [{ ...groups[0].rules[0], kind: 'recording' as const }] }];
    expect(new WatchedLimits([...groups, ...(recording as never)]).of('rate(a[9m])')).toEqual([
      { rule: 'R', severity: 'critical', op: '>', limit: 1 },
      { rule: 'R', severity: 'critical', op: '>', limit: 2 },
    ]);
  });

  const shipped = new WatchedLimits(
    groupsOf(
      builtinRules().flatMap(({ rules }) =>
        rules.flatMap(({ kind, name, expr }) => (kind === 'recording' ? [] : [{ name, expr }])),
      ),
    ),
  );

  it('finds the limit of every panel that declares one, on a query of that panel', () => {
    const declared = DASHBOARDS.flatMap(({ panels }) => panels).filter(({ threshold }) => threshold !== undefined);
    expect(declared.length).toBeGreaterThan(1);
    for (const { queries, threshold } of declared) {
      const found = queries.flatMap(({ expr }) => shipped.of(expr));
      expect(found).toContainEqual(expect.objectContaining({ rule: threshold?.rule, limit: threshold?.above }));
    }
  });

  it('puts the limit on the time to the first byte beside that series and not beside the percentiles', () => {
    const rules = latencyPanel.queries.map(({ expr, legend }) => [legend, shipped.of(expr).map(({ rule }) => rule)]);
    expect(rules).toEqual([
      ['p99', []],
      ['p95', []],
      ['p50', []],
      ['mean to first byte', ['SlowResponses']],
    ]);
    expect(shipped.of(errorsPanel.queries[0].expr)).toMatchObject([{ rule: 'ErrorResponses', limit: 0.05 }]);
    expect(shipped.of(cachePanel.queries[0].expr)).toMatchObject([{ rule: 'LowCacheHitRatio', op: '<', limit: 0.5 }]);
  });
});
