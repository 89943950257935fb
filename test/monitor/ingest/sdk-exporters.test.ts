/** What OpenTelemetry's own SDK exports for metrics and logs arrives as samples and records. */
import { OTLPLogExporter } from '@opentelemetry/exporter-logs-otlp-proto';
import { OTLPMetricExporter } from '@opentelemetry/exporter-metrics-otlp-proto';
import { resourceFromAttributes } from '@opentelemetry/resources';
import { BatchLogRecordProcessor, LoggerProvider } from '@opentelemetry/sdk-logs';
import { AggregationType, MeterProvider, PeriodicExportingMetricReader } from '@opentelemetry/sdk-metrics';
import { describe, expect, it } from 'vitest';
import { ingestRig, ingestServer } from '../../support/telemetry/ingest-bench.ts';

const resource = resourceFromAttributes({ 'service.name': 'sdk', 'service.instance.id': 'i', 'host.name': 'h' });

/** The exporter's AggregationTemporalityPreference, whose names its package does not export. */
describe.each([
  ['cumulative', 1],
  ['delta', 0],
])('metrics of %s temporality', (_name, temporalityPreference) => {
  it('arrive as the same running totals', async () => {
    const rig = ingestRig();
    rig.clock.nowMs = Date.now();
    await using server = await ingestServer(rig.intake);
    const exporter = new OTLPMetricExporter({ url: `${server.url}/v1/metrics`, temporalityPreference });
    const reader = new PeriodicExportingMetricReader({ exporter, exportIntervalMillis: 3_600_000 });
    const views = [
      { instrumentName: 'exponential', aggregation: { type: AggregationType.EXPONENTIAL_HISTOGRAM } as const },
    ];
    const provider = new MeterProvider({ resource, readers: [reader], views });
    const meter = provider.getMeter('m');
    const counter = meter.createCounter('requests', { unit: '{request}' });
    const histogram = meter.createHistogram('duration', { unit: 's', advice: { explicitBucketBoundaries: [0.1, 1] } });
    const exponential = meter.createHistogram('exponential', { unit: 'By' });
    const gauge = meter.createGauge('load', { unit: '1' });
    for (let round = 1; round <= 2; round += 1) {
      counter.add(2, { route: '/a' });
      histogram.record(0.5);
      exponential.record(2);
      exponential.record(1000);
      gauge.record(0.25);
      await provider.forceFlush();
    }
    await provider.shutdown();
    expect(rig.sinks.samples.last()).toMatchObject({
      'requests_total{instance="i",job="sdk",route="/a"}': 4,
      'duration_seconds_sum{instance="i",job="sdk"}': 1,
      'duration_seconds_count{instance="i",job="sdk"}': 2,
      'duration_seconds_bucket{instance="i",job="sdk",le="0.1"}': 0,
      'duration_seconds_bucket{instance="i",job="sdk",le="1"}': 2,
      'duration_seconds_bucket{instance="i",job="sdk",le="+Inf"}': 2,
      'load_ratio{instance="i",job="sdk"}': 0.25,
      'target_info{host_name="h",instance="i",job="sdk"}': 1,
    });
    const { h } = rig.sinks.samples.of('exponential_bytes{instance="i",job="sdk"}').at(-1) ?? {};
    expect([h?.count, h?.sum, h?.positiveBuckets.reduce((sum, count) => sum + count, 0)]).toEqual([4, 2004, 4]);
    expect(rig.counters.totals().get('rejected metrics invalid')).toBeUndefined();
  });
});

describe('log records', () => {
  it('arrive with body, severity and attributes', async () => {
    const rig = ingestRig();
    rig.clock.nowMs = Date.now();
    await using server = await ingestServer(rig.intake);
    const exporter = new OTLPLogExporter({ url: `${server.url}/v1/logs` });
    const provider = new LoggerProvider({ resource, processors: [new BatchLogRecordProcessor({ exporter })] });
    provider
      .getLogger('l')
      .emit({ severityNumber: 17, severityText: 'ERROR', body: { code: 7 }, attributes: { user: 'ü' } });
    await provider.forceFlush();
    await provider.shutdown();
    expect(
      rig.sinks.logs.records.map(({ severityNumber, body, attributes }) => [
        severityNumber,
        { ...(body as object) },
        { ...attributes },
      ]),
    ).toEqual([[17, { code: 7 }, { user: 'ü' }]]);
  });
});
