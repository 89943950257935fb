import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { prometheusMetricName } from '../../../../src/model/naming.ts';
import { builtinRules } from '../../../../src/monitor/alerts/rules/builtin.ts';
import { SHORT_METRICS } from '../../../../src/monitor/alerts/rules/short-metrics.ts';
import type { Expr } from '../../../../src/monitor/promql/syntax/ast.ts';
import { parse } from '../../../../src/monitor/promql/syntax/parser.ts';
import { HOST_METRICS } from '../../../../src/telemetry/metrics/host-names.ts';
import { METRICS } from '../../../../src/telemetry/names.ts';

const RULES = path.resolve(import.meta.dirname, '../../../../rules');
const PROMTOOL = '/usr/bin/promtool';

function metricsIn(expr: Expr): string[] {
  switch (expr.kind) {
    case 'vector_selector':
      return [expr.name];
    case 'matrix_selector':
      return [expr.selector.name];
    case 'binary':
      return [...metricsIn(expr.left), ...metricsIn(expr.right)];
    case 'call':
      return expr.args.flatMap(metricsIn);
    case 'paren':
    case 'unary':
    case 'aggregate':
    case 'subquery':
      return metricsIn(expr.expr);
    default:
      return [];
  }
}

/** Recorded by synthetic checks, ours or the blackbox exporter's, under that exporter's names. */
const PROBES = ['probe_success', 'probe_duration_seconds', 'probe_ssl_earliest_cert_expiry'];
/** What our checks record beside them (docs/targets.md). */
const TARGETS = ['vitrine_target_up', 'vitrine_target_suppressed'];

const known = new Set([
  'target_info',
  ...PROBES,
  ...TARGETS,
  ...Object.values({ ...METRICS, ...HOST_METRICS }).flatMap(({ name, unit, kind }) => {
    const family = prometheusMetricName(name, unit, kind);
    return (kind as string) === 'histogram' ? ['_bucket', '_sum', '_count'].map((suffix) => family + suffix) : [family];
  }),
]);

describe('the built-in rules', () => {
  const groups = builtinRules();

  it('have five thresholds that are evaluated each second', () => {
    const eager = groups.filter(({ intervalMs }) => intervalMs === 1_000);
    expect([...new Set(eager.flatMap(({ rules }) => rules.map(({ name }) => name)))]).toEqual([
      'SlowResponses',
      'LowCacheHitRatio',
      'HighErrorRate',
      'ServiceSilent',
      'HighLogRate',
    ]);
    for (const { intervalMs, rules } of groups) {
      for (const rule of rules) {
        if (rule.kind === 'recording') continue;
        expect(rule).toMatchObject({ kind: 'alerting', labels: [{ name: 'severity' }] });
        if (intervalMs === 1_000) expect(rule).toMatchObject({ forMs: 0 });
        expect(rule.annotations.map(({ name }) => name)).toEqual(['summary', 'description']);
      }
    }
  });

  it('name only metrics that are recorded', () => {
    const recorded = groups.flatMap(({ rules }) =>
      rules.filter(({ kind }) => kind === 'recording').map(({ name }) => name),
    );
    const named = [
      ...groups.flatMap(({ rules }) => rules.flatMap(({ expr }) => metricsIn(parse(expr)))),
      ...Object.values(SHORT_METRICS).flatMap(({ expr }) => metricsIn(parse(expr('1m')))),
    ];
    expect(named.length).toBeGreaterThan(10);
    expect(named.filter((name) => !known.has(name) && !recorded.includes(name))).toEqual([]);
  });

  it.skipIf(!existsSync(PROMTOOL))('hold in the eyes of promtool', () => {
    const files = readdirSync(RULES).map((name) => path.join(RULES, name));
    const { status, stderr } = spawnSync(PROMTOOL, ['check', 'rules', ...files], { encoding: 'utf8', timeout: 20_000 });
    expect(stderr).toBe('');
    expect(status).toBe(0);
  });

  it.skipIf(!existsSync(PROMTOOL))(
    'fire when they should and only then, as promtool evaluates them',
    { timeout: 70_000 },
    () => {
      const fixtures = ['builtin.yaml', 'builtin-surge.yaml'].map((file) =>
        path.resolve(import.meta.dirname, '../../../fixtures/rules', file),
      );
      const { status, stdout, stderr } = spawnSync(PROMTOOL, ['test', 'rules', ...fixtures], {
        encoding: 'utf8',
        timeout: 60_000,
      });
      expect(`${stdout}${stderr}`).toContain('SUCCESS');
      expect(status).toBe(0);
    },
  );
  if (!existsSync(PROMTOOL)) console.log(`${PROMTOOL} is not installed: it did not check the rules`);
});
