import { describe, expect, it } from 'vitest';
import { VitrineError } from '../../../../src/base/errors.ts';
import { shortFormRule } from '../../../../src/monitor/alerts/rules/short-form.ts';
import { SHORT_METRICS } from '../../../../src/monitor/alerts/rules/short-metrics.ts';
import type { ShortForm } from '../../../../src/model/rules/rule-shapes.ts';
import { parse } from '../../../../src/monitor/promql/syntax/parser.ts';

describe('the short form of alerts', () => {
  it('becomes a rule', () => {
    const rule = shortFormRule({
      name: 'SlowResponses',
      metric: 'response_time_avg',
      above: '200ms',
      over: '5m',
      severity: 'critical',
      for: '30s',
    });
    expect(rule).toMatchObject({
      kind: 'alerting',
      name: 'SlowResponses',
      forMs: 30_000,
      labels: [{ name: 'severity', source: 'critical' }],
      annotations: [
        { name: 'summary', source: 'The average response time is {{ $value | humanizeDuration }}, above 200ms' },
      ],
    });
    expect(rule.expr).toBe(
      'sum by (job, instance) (rate(http_server_request_duration_seconds_sum{job="vitrine-balancer"}[5m])) / sum by (job, instance) (rate(http_server_request_duration_seconds_count{job="vitrine-balancer"}[5m])) > 0.2',
    );
  });

  it.each([
    [{ metric: 'cache_hit_ratio', below: '50%' }, / < 0\.5$/],
    [{ metric: 'error_rate', above: 0.1 }, / > 0\.1$/],
    [{ metric: 'cache_size', above: '64MiB' }, /\[1m\]\) > 6\.7108864e\+07$/],
    [{ metric: 'log_rate', above: '100' }, /^vitrine_log_rate_1m > 100$/],
    [{ metric: 'service_silence', above: '2m' }, /^time\(\) - vitrine_log_last_seen_timestamp_seconds > 120$/],
    [{ expr: 'vitrine_log_error_ratio_1m>0.10' }, /^vitrine_log_error_ratio_1m > 0\.1$/],
  ])('%j', (entry, expr) => {
    const rule = shortFormRule({ name: 'A', ...entry });
    expect(rule.expr).toMatch(expr);
    expect(rule.labels[0].source).toBe('warning');
  });

  it.each(Object.entries(SHORT_METRICS))('%s is PromQL', (metric, { unit }) => {
    const above = { seconds: '1s', ratio: '10%', bytes: '1MiB', number: 1 }[unit];
    expect(parse(shortFormRule({ name: 'A', metric, above }).expr).kind).toBe('binary');
  });

  it.each<[Partial<ShortForm>, string, string]>([
    [{ metric: 'response_time', above: 1 }, 'there is no metric "response_time"', 'Did you mean response_time_avg?'],
    [{ metric: 'hit_ratio', above: 1 }, 'there is no metric "hit_ratio"', 'Did you mean cache_hit_ratio?'],
    [{ metric: 'constructor', above: 1 }, 'there is no metric "constructor"', 'The metrics are response_time_avg, '],
    [{ metric: 'cpu_usage', above: 1 }, 'there is no metric "cpu_usage"', 'The metrics are '],
    [{ metric: 'errorrate', above: 1 }, 'there is no metric "errorrate"', 'Did you mean error_rate?'],
    [{}, 'metric or expr is missing', 'Give a metric'],
    [{ metric: 'log_rate' }, 'one of above and below is needed', 'Give the threshold'],
    [{ metric: 'log_rate', above: 1, below: 1 }, 'one of above and below is needed', 'Give the threshold'],
    [{ metric: 'log_rate', above: 'many' }, '"many" is no threshold for this metric', 'Write it like 100.'],
    [{ metric: 'response_time_avg', above: NaN }, '"NaN" is no threshold for this metric', 'Write it like 200ms.'],
    [{ metric: 'log_rate', above: 1, over: 'x' }, 'over "x" is no duration', 'Write it like'],
    [{ metric: 'log_rate', above: 1, over: '0' }, 'over must be longer than 0', 'Write it like 1m.'],
    [{ expr: 'up', above: 1 }, 'expr stands alone', 'Remove'],
    [{ expr: 'up(' }, '1:4: parse error', ''],
  ])('refuses %j', (entry, message, hint) => {
    try {
      shortFormRule({ name: 'A', ...entry });
      expect.unreachable();
    } catch (error) {
      expect(error).toBeInstanceOf(VitrineError);
      expect(error).toMatchObject({ code: 'config_invalid' });
      expect((error as VitrineError).message).toContain(message);
      expect((error as VitrineError).hint ?? '').toContain(hint);
    }
  });
});
