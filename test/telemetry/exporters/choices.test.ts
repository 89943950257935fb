/** What an exporter of the user's own chooses and what it is given: choices are asked for, and no value costs it a batch. */
import { logs, metrics, trace } from '@opentelemetry/api';
import type { MetricData } from '@opentelemetry/sdk-metrics';
import { AggregationTemporality, DataPointType } from '@opentelemetry/sdk-metrics';
import { afterEach, describe, expect, it } from 'vitest';
import { silentLogger } from '../../../src/base/logger.ts';
import { boundHistogram } from '../../../src/telemetry/metrics/cells.ts';
import { DURATION_BOUNDS, METRICS } from '../../../src/telemetry/names.ts';
import { startTelemetry, type Telemetry } from '../../../src/telemetry/sdk.ts';
import { resetApi, startCollector } from '../collector.ts';

const FIXTURES = new URL('../fixtures', import.meta.url).pathname;
interface Choosy {
  readonly batches: MetricData[];
  choices: { exponential?: boolean; delta?: boolean; limit?: number };
}
const open: (() => Promise<unknown>)[] = [];

afterEach(async () => {
  for (const close of open.splice(0)) await close();
  resetApi();
  for (const name of Object.keys(process.env)) if (name.startsWith('OTEL_')) delete process.env[name];
});

async function start(env: Record<string, string>, monitorUrl?: string): Promise<Telemetry> {
  Object.assign(process.env, env);
  const telemetry = await startTelemetry({
    serviceName: 'shop',
    instanceId: 'here',
    env,
    logger: silentLogger,
    directory: FIXTURES,
    shutdownLimitMs: 2_000,
    monitorUrl,
  });
  open.push(() => telemetry.shutdown());
  return telemetry;
}

/** Starts with the exporter and its choices, and gives its batches. */
async function choosy(choices: Choosy['choices']): Promise<{ telemetry: Telemetry; batches: MetricData[] }> {
  await import(`${FIXTURES}/choosy-exporter.mjs`);
  const made = (globalThis as unknown as { choosy: Choosy }).choosy;
  made.batches.length = 0;
  for (const key of Object.keys(made.choices)) delete made.choices[key as keyof Choosy['choices']];
  Object.assign(made.choices, choices);
  const telemetry = await start({ OTEL_METRICS_EXPORTER: './choosy-exporter.mjs' });
  return { telemetry, batches: made.batches };
}

describe('a metric exporter', () => {
  it.each([
    [{ exponential: true }, DataPointType.EXPONENTIAL_HISTOGRAM, AggregationTemporality.CUMULATIVE, 3],
    [{ exponential: true, delta: true }, DataPointType.EXPONENTIAL_HISTOGRAM, AggregationTemporality.DELTA, 3],
    [{ delta: true }, DataPointType.HISTOGRAM, AggregationTemporality.DELTA, 3],
    [{ limit: 2 }, DataPointType.HISTOGRAM, AggregationTemporality.CUMULATIVE, 2],
    [{}, DataPointType.HISTOGRAM, AggregationTemporality.CUMULATIVE, 3],
  ])(
    'that chooses %o gets that for bound and API histograms, and the page keeps its own',
    async (choices, type, temporality, points) => {
      const { telemetry, batches } = await choosy(choices);
      const bound = boundHistogram('b', METRICS.httpServerDuration, DURATION_BOUNDS);
      const plain = metrics.getMeter('u').createHistogram('user.hist');
      for (const at of [1, 2, 3]) {
        bound.bind({ at }).record(at);
        plain.record(at, { at });
      }
      const live = (await telemetry.live!.collect()).resourceMetrics.scopeMetrics.flatMap((scope) => scope.metrics);
      await telemetry.shutdown();
      for (const name of [METRICS.httpServerDuration.name, 'user.hist']) {
        const [given] = batches.filter(({ descriptor }) => descriptor.name === name);
        expect([given.dataPointType, given.aggregationTemporality, given.dataPoints.length]).toEqual([
          type,
          temporality,
          points,
        ]);
        const [min, max] = [given.dataPoints[0].value]
          .map((value) => Object(value) as { min: number; max: number })
          .flatMap((value) => [value.min, value.max]);
        if (points === 3) expect([min, max]).toEqual([1, 1]);
        const own = live.find(({ descriptor }) => descriptor.name === name);
        expect([own?.dataPointType, own?.dataPoints.length]).toEqual([DataPointType.HISTOGRAM, 3]);
      }
      const own = live.find(({ descriptor }) => descriptor.name === METRICS.httpServerDuration.name);
      expect(own?.dataPoints[0].value).toMatchObject({ buckets: { boundaries: DURATION_BOUNDS } });
    },
  );
});

/** Values that users give although the types forbid them. */
const BAD: readonly unknown[] = [
  Symbol('odd'),
  () => 1,
  Object.create(null),
  new Date(Number.NaN),
  null,
  { toString: null },
];

describe.each(['http/json', 'http/protobuf', 'monitor'])('by %s', (way) => {
  it('one bad value costs no batch', async () => {
    const made = await startCollector('ok');
    open.push(() => made.close());
    const env = {
      OTEL_EXPORTER_OTLP_ENDPOINT: made.url,
      OTEL_EXPORTER_OTLP_PROTOCOL: way,
      OTEL_TRACES_EXPORTER: 'otlp',
      OTEL_METRICS_EXPORTER: 'otlp',
      OTEL_LOGS_EXPORTER: 'otlp',
    };
    const telemetry = await (way === 'monitor' ? start({}, made.url) : start(env));
    const tracer = trace.getTracer('t');
    const counter = metrics.getMeter('m').createCounter('orders');
    for (const bad of BAD) {
      tracer.startSpan(bad as string, { attributes: { bad: bad as string } }).end();
      const span = tracer.startSpan('span', {
        links: [{ context: { traceId: bad, spanId: bad, traceFlags: 1 } as never }],
      });
      span
        .updateName(bad as string)
        .setStatus({ code: 2, message: bad as string })
        .end(bad as never);
      counter.add(1, { bad: bad as string });
      logs.getLogger('l').emit({ body: bad, severityText: bad as string, attributes: { bad: bad as string } });
    }
    logs.getLogger('l').emit({ body: 10n });
    tracer.startSpan('the good span').end();
    counter.add(5, { good: 'the good point' });
    logs.getLogger('l').emit({ body: 'the good line' });
    await telemetry.shutdown();
    expect(await made.received('/v1/traces', (text) => text.includes('the good span'))).toContain('the good span');
    expect(await made.received('/v1/metrics', (text) => text.includes('the good point'))).toContain('orders');
    expect(await made.received('/v1/logs', (text) => text.includes('the good line'))).toContain('the good line');
    expect(telemetry.counts().filter(({ dropped }) => dropped > 0)).toEqual([]);
  });
});
