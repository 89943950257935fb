import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { logs, metrics, trace } from '@opentelemetry/api';
import { afterEach, describe, expect, it } from 'vitest';
import type { Env } from '../../src/telemetry/environment.ts';
import { DURATION_BOUNDS, FINE_DURATION_BOUNDS } from '../../src/telemetry/names.ts';
import type { Telemetry } from '../../src/telemetry/sdk.ts';
import { startTelemetry } from '../../src/telemetry/sdk.ts';
import type { Collector, Mode } from './collector.ts';
import { recordingLogger, type RecordingLogger } from '../support/recording-logger.ts';
import { resetApi, startCollector } from './collector.ts';

const FIXTURES = new URL('./fixtures', import.meta.url).pathname;
const identity = { serviceName: 'shop', serviceVersion: '1.2.3', instanceId: 'here:8080' };
const open: (() => Promise<unknown>)[] = [];

afterEach(async () => {
  for (const close of open.splice(0)) await close();
  resetApi();
  for (const name of Object.keys(process.env)) if (name.startsWith('OTEL_')) delete process.env[name];
});

async function start(env: Env, logger: RecordingLogger = recordingLogger(), frames = false): Promise<Telemetry> {
  // The exporters of the SDK read their endpoint from the process.
  Object.assign(process.env, env);
  const telemetry = await startTelemetry({
    ...identity,
    env,
    logger,
    directory: FIXTURES,
    shutdownLimitMs: 500,
    ...(frames ? { frames: { maxSpans: 10 } } : {}),
  });
  open.push(() => telemetry.shutdown());
  return telemetry;
}

async function collector(mode: Mode = 'ok'): Promise<Collector> {
  const made = await startCollector(mode);
  open.push(() => made.close());
  return made;
}

const ALL = { OTEL_TRACES_EXPORTER: 'otlp', OTEL_METRICS_EXPORTER: 'otlp', OTEL_LOGS_EXPORTER: 'otlp' };

describe('startTelemetry', () => {
  it('sends all three signals to a collector and counts the sent items', async () => {
    const { url, received } = await collector();
    const telemetry = await start({ ...ALL, OTEL_EXPORTER_OTLP_ENDPOINT: url, OTEL_RESOURCE_ATTRIBUTES: 'team=a%20b' });
    trace.getTracer('t').startSpan('checkout').end();
    metrics.getMeter('m').createCounter('orders').add(2);
    logs.getLogger('l').emit({ body: 'a line' });
    await telemetry.shutdown();
    const spans = await received('/v1/traces');
    for (const text of ['checkout', 'service.instance.id', 'here:8080', 'a b', '1.2.3']) expect(spans).toContain(text);
    expect(spans).not.toContain('process.command');
    expect(await received('/v1/metrics')).toContain('orders');
    expect(await received('/v1/logs')).toContain('a line');
    expect(telemetry.counts()).toEqual([
      { signal: 'traces', exporter: 'otlp', sent: 1, dropped: 0 },
      { signal: 'logs', exporter: 'otlp', sent: 1, dropped: 0 },
      { signal: 'metrics', exporter: 'otlp', sent: 1, dropped: 0 },
    ]);
  });

  it('uses the bounds of the table', async () => {
    const telemetry = await start({});
    metrics.getMeter('m').createHistogram('http.server.request.duration', { unit: 's' }).record(1);
    metrics.getMeter('m').createHistogram('vitrine.cache.lookup.duration', { unit: 's' }).record(1);
    const { resourceMetrics } = await telemetry.live!.collect();
    const bounds = Object.fromEntries(
      resourceMetrics.scopeMetrics.flatMap((scope) =>
        scope.metrics.map((metric) => [
          metric.descriptor.name,
          (metric.dataPoints[0]?.value as { buckets?: { boundaries: number[] } } | undefined)?.buckets?.boundaries,
        ]),
      ),
    );
    expect(bounds['http.server.request.duration']).toEqual(DURATION_BOUNDS);
    expect(bounds['vitrine.cache.lookup.duration']).toEqual(FINE_DURATION_BOUNDS);
  });

  it('keeps unsampled spans for frames and exports only sampled ones', async () => {
    const { url, bodies } = await collector();
    const env = { OTEL_TRACES_EXPORTER: 'otlp', OTEL_TRACES_SAMPLER: 'always_off', OTEL_EXPORTER_OTLP_ENDPOINT: url };
    const telemetry = await start(env, recordingLogger(), true);
    const names: string[] = [];
    telemetry.frames!.connect((frame) => names.push(...frame.spans.map((span) => span.name)));
    trace.getTracer('t').startSpan('kept').end();
    await telemetry.frames!.tick();
    await telemetry.shutdown();
    expect(names).toEqual(['kept']);
    expect(bodies).toEqual([]);
  });

  it('gives a delta exporter a separate reader', async () => {
    const { url, bodies } = await collector();
    const env = {
      OTEL_METRICS_EXPORTER: 'otlp',
      OTEL_EXPORTER_OTLP_ENDPOINT: url,
      OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE: 'delta',
    };
    const telemetry = await start(env);
    metrics.getMeter('m').createCounter('orders').add(2);
    await telemetry.shutdown();
    expect(bodies).toHaveLength(1);
    // Sum{aggregation_temporality (field 2) = DELTA (1)}
    expect(bodies[0].body.includes(Buffer.from([0x10, 0x01, 0x18, 0x01]))).toBe(true);
  });

  it('is off when the SDK is disabled', async () => {
    const telemetry = await start({ ...ALL, OTEL_SDK_DISABLED: 'true' }, recordingLogger(), true);
    expect([telemetry.live, telemetry.frames, telemetry.prometheus]).toEqual([undefined, undefined, undefined]);
    expect(trace.getTracer('t').startSpan('x').isRecording()).toBe(false);
    await telemetry.shutdown();
  });

  it('starts with invalid variables, with one warning for each', async () => {
    const logger = recordingLogger();
    await start(
      {
        OTEL_TRACES_SAMPLER: 'sometimes',
        OTEL_TRACES_EXPORTER: 'console',
        OTEL_BSP_MAX_QUEUE_SIZE: '-5',
        OTEL_RESOURCE_ATTRIBUTES: 'novalue',
      },
      logger,
    );
    const about = logger.lines.map(({ fields }) => (fields as { variable?: string }).variable);
    for (const name of ['OTEL_TRACES_SAMPLER', 'OTEL_BSP_MAX_QUEUE_SIZE', 'OTEL_RESOURCE_ATTRIBUTES']) {
      expect(about.filter((variable) => variable === name)).toHaveLength(1);
    }
  });

  it('opens the scrape page on request, and reports a port in use', async () => {
    const blocker = http.createServer().listen(0, '127.0.0.1');
    await new Promise((resolve) => blocker.once('listening', resolve));
    open.push(() => new Promise((resolve) => blocker.close(resolve)));
    const port = String((blocker.address() as AddressInfo).port);
    const env = { OTEL_METRICS_EXPORTER: 'prometheus', OTEL_EXPORTER_PROMETHEUS_PORT: port };
    await expect(start(env)).rejects.toMatchObject({ code: 'port_taken' });
    await new Promise((resolve) => blocker.close(resolve));
    const telemetry = await start(env);
    const page = await (await fetch(`http://127.0.0.1:${telemetry.prometheus!.port}/metrics`)).text();
    expect(page).toContain('service_name="shop"');
  });
});

describe('bad collectors', () => {
  const QUICK = {
    OTEL_BSP_SCHEDULE_DELAY: '10',
    OTEL_BSP_MAX_QUEUE_SIZE: '50',
    OTEL_BSP_MAX_EXPORT_BATCH_SIZE: '20',
    OTEL_BSP_EXPORT_TIMEOUT: '100',
    OTEL_METRIC_EXPORT_INTERVAL: '50',
  };

  async function drive(env: Env): Promise<{ failed: number; telemetry: Telemetry }> {
    const telemetry = await start(env);
    const server = http.createServer((_request, response) => {
      const span = trace.getTracer('t').startSpan('request');
      response.end('ok');
      span.end();
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    let failed = 0;
    for (let i = 0; i < 20; i += 1) {
      const answers = await Promise.all(Array.from({ length: 10 }, async () => (await fetch(url)).status));
      failed += answers.filter((status) => status !== 200).length;
    }
    server.close();
    server.closeAllConnections();
    return { failed, telemetry };
  }

  it.each(['hang', '503', 'slow', 'garbage'] as const)(
    '%s: no request fails, sent + dropped = produced',
    async (mode) => {
      const { url } = await collector(mode);
      const { failed, telemetry } = await drive({ ...ALL, ...QUICK, OTEL_EXPORTER_OTLP_ENDPOINT: url });
      expect(failed).toBe(0);
      await telemetry.shutdown();
      const traces = telemetry.counts().find(({ signal }) => signal === 'traces')!;
      expect(traces.sent + traces.dropped).toBe(200);
      expect(traces.dropped).toBeGreaterThan(0);
    },
  );

  it('refused: the same', async () => {
    const gone = await startCollector();
    await gone.close();
    const { failed, telemetry } = await drive({ ...ALL, ...QUICK, OTEL_EXPORTER_OTLP_ENDPOINT: gone.url });
    await telemetry.shutdown();
    expect(failed).toBe(0);
    expect(telemetry.counts().find(({ signal }) => signal === 'traces')).toMatchObject({ sent: 0, dropped: 200 });
  });

  it.each(['throws', 'rejects', 'never', 'twice'])('a plugin that %s is contained', async (what) => {
    const logger = recordingLogger();
    process.env['PLUGIN'] = what;
    const telemetry = await start({ ...QUICK, OTEL_TRACES_EXPORTER: './bad-plugin.mjs' }, logger);
    for (let i = 0; i < 30; i += 1) trace.getTracer('t').startSpan('x').end();
    await telemetry.shutdown();
    const [{ sent, dropped }] = telemetry.counts();
    expect(sent + dropped).toBe(30);
    if (what !== 'twice')
      expect(logger.lines.some(({ message }) => message.startsWith('An exporter fails'))).toBe(true);
  });

  it('publishes the drops as a metric', async () => {
    const telemetry = await start({
      ...QUICK,
      OTEL_TRACES_EXPORTER: 'otlp',
      OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:1',
    });
    for (let i = 0; i < 100; i += 1) trace.getTracer('t').startSpan('x').end();
    const { resourceMetrics } = await telemetry.live!.collect();
    const metric = resourceMetrics.scopeMetrics
      .flatMap((scope) => scope.metrics)
      .find(({ descriptor }) => descriptor.name === 'vitrine.telemetry.dropped');
    expect(metric?.dataPoints[0]).toMatchObject({ attributes: { signal: 'traces', exporter: 'otlp' } });
    expect(metric?.dataPoints[0].value).toBeGreaterThanOrEqual(10);
  });
});
