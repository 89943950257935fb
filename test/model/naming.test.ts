/** The translation of names, case by case as Prometheus' otlptranslator does it. */
import { describe, expect, it } from 'vitest';
import type { NamedKind } from '../../src/model/naming.ts';
import {
  prometheusLabelName,
  prometheusMetricName,
  prometheusType,
  targetIdentity,
  unitWords,
} from '../../src/model/naming.ts';

describe('metric names', () => {
  const cases: readonly [name: string, unit: string, kind: NamedKind, expected: string][] = [
    ['http.server.request.duration', 's', 'histogram', 'http_server_request_duration_seconds'],
    ['http.server.active_requests', '{request}', 'updowncounter', 'http_server_active_requests'],
    ['nodejs.eventloop.utilization', '1', 'gauge', 'nodejs_eventloop_utilization_ratio'],
    ['vitrine.balancer.upstream.up', '1', 'updowncounter', 'vitrine_balancer_upstream_up'],
    ['nodejs.eventloop.time', 's', 'counter', 'nodejs_eventloop_time_seconds_total'],
    ['system.disk.io', 'By', 'counter', 'system_disk_io_bytes_total'],
    ['system.network.rate', 'By/s', 'gauge', 'system_network_rate_bytes_per_second'],
    ['requests.total.count', '{request}', 'counter', 'requests_count_total'],
    ['already_total', '', 'counter', 'already_total'],
    ['disk.usage.bytes', 'By', 'gauge', 'disk_usage_bytes'],
    ['foo.xseconds', 's', 'gauge', 'foo_xseconds_seconds'],
    ['cpu.ratio.now', '1', 'gauge', 'cpu_now_ratio'],
    ['vitrine.log.last_seen_timestamp', 's', 'gauge', 'vitrine_log_last_seen_timestamp_seconds'],
    ['a..b--c__d', '', 'gauge', 'a_b_c_d'],
    ['_leading_and_trailing_', '', 'gauge', 'leading_and_trailing'],
    ['2xx.responses', '', 'counter', '_2xx_responses_total'],
    ['job:rate:sum', '', 'gauge', 'job:rate:sum'],
    ['rate', 'm/s', 'gauge', 'rate_meters_per_second'],
    ['rate', '/s', 'gauge', 'rate_per_second'],
    ['rate', '{packet}/s', 'gauge', 'rate_per_second'],
    ['per.second', 'By/s', 'gauge', 'per_second_bytes_per_second'],
    ['unsupported.metric.temperature', '°F', 'gauge', 'unsupported_metric_temperature_F'],
    ['unsupported.metric.weird', '+=.:,!* & #', 'gauge', 'unsupported_metric_weird_:_'],
    ['unsupported.metric.redundant', '__test $/°C', 'gauge', 'unsupported_metric_redundant_test_per_C'],
    ['disk.full', '%', 'gauge', 'disk_full_percent'],
    ['ключ', '', 'gauge', ''],
    ['weird.unit', 'constructor', 'gauge', 'weird_unit_constructor'],
  ];
  it.each(cases)('%s with unit "%s" as %s is %s', (name, unit, kind, expected) =>
    expect(prometheusMetricName(name, unit, kind)).toBe(expected),
  );
});

describe('label names', () => {
  it.each([
    ['http.request.method', 'http_request_method'],
    ['a..b', 'a_b'],
    ['a__b', 'a_b'],
    ['0a', 'key_0a'],
    ['_x', '_x'],
    ['__name__', '__name__'],
    ['__a.b__', '__a_b__'],
    ['__proto__', '__proto__'],
    ['ü', ''],
  ])('%s is %s', (name, expected) => expect(prometheusLabelName(name)).toBe(expected));
});

describe('units, types and targets', () => {
  it('writes units as words', () => {
    expect(unitWords('s')).toBe('seconds');
    expect(unitWords('By/s')).toBe('bytes_per_second');
    expect(unitWords('/h')).toBe('per_hour');
    expect(unitWords('{request}')).toBe('');
    expect(unitWords('1')).toBe('');
  });
  it('trims them as Go does, however long they are', () => {
    expect(unitWords('\u0085\u00a0 s\t')).toBe('seconds');
    expect(unitWords('\ufeffs')).toBe('s');
    expect(unitWords(`a${' '.repeat(300_000)}b`)).toBe('a_b');
    expect(unitWords(' '.repeat(300_000))).toBe('');
  });
  it('exposes up-down counters as gauges', () => {
    expect(prometheusType('updowncounter')).toBe('gauge');
    expect(prometheusType('counter')).toBe('counter');
  });
  it('names the target', () => {
    expect(targetIdentity({ 'service.name': 'a', 'service.namespace': 'n', 'service.instance.id': 'i' })).toEqual({
      job: 'n/a',
      instance: 'i',
    });
    expect(targetIdentity({ 'service.name': 1, 'service.instance.id': 2n })).toEqual({ job: '1', instance: '2' });
  });
});
