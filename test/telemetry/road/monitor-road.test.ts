import { logs, metrics, trace } from '@opentelemetry/api';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { movedClock } from '../../support/moved-clock.ts';
import { until } from '../../support/until.ts';
import type { Telemetry } from '../../../src/telemetry/sdk.ts';
import { startTelemetry } from '../../../src/telemetry/sdk.ts';
import { decodeProto } from '../../support/telemetry/otlp-proto.ts';
import type { Collector, Mode } from '../collector.ts';
import { recordingLogger } from '../../support/recording-logger.ts';
import { resetApi, startCollector } from '../collector.ts';

const open: (() => Promise<unknown>)[] = [];

afterEach(async () => {
  for (const close of open.splice(0)) await close();
  resetApi();
  for (const name of Object.keys(process.env)) if (name.startsWith('OTEL_')) delete process.env[name];
});

async function collector(mode: Mode = 'ok'): Promise<Collector> {
  const made = await startCollector(mode);
  open.push(() => made.close());
  return made;
}

async function start(
  monitorUrl: string,
  env: Record<string, string> = {},
): Promise<{ telemetry: Telemetry; logger: ReturnType<typeof recordingLogger> }> {
  Object.assign(process.env, env);
  const logger = recordingLogger();
  const identity = { serviceName: 'shop', instanceId: 'here:1' };
  const telemetry = await startTelemetry({ ...identity, env, logger, monitorUrl, shutdownLimitMs: 1_000 });
  open.push(() => telemetry.shutdown());
  return { telemetry, logger };
}

const count = (telemetry: Telemetry, signal: string): object | undefined =>
  telemetry.counts().find((each) => each.signal === signal && each.exporter === 'monitor');

describe('the road to a monitor', () => {
  it('sends spans, logs and metrics at its interval, unsampled spans too', async () => {
    const { url, received, bodies } = await collector();
    await start(`${url}/`, { OTEL_TRACES_SAMPLER: 'always_off', VITRINE_TOKEN: 'secret' });
    const span = trace.getTracer('t').startSpan('checkout');
    span.end();
    logs.getLogger('l').emit({ body: 'a line' });
    metrics.getMeter('m').createCounter('orders').add(2);
    expect(await received('/v1/traces')).toContain('checkout');
    expect(await received('/v1/logs')).toContain('a line');
    expect(await received('/v1/metrics', (text) => text.includes('orders'))).toContain('here:1');
    expect(bodies.map(({ headers }) => headers.authorization)).toEqual(bodies.map(() => 'Bearer secret'));
    const body = bodies.find(({ path }) => path === '/v1/traces')!.body;
    expect(decodeProto('ExportTraces', body)).toMatchObject({
      resourceSpans: [{ scopeSpans: [{ spans: [{ name: 'checkout', flags: 0x100 }] }] }],
    });
  });

  it('sends the metrics of a process in which nothing happens each five seconds, and again at once after a span', async () => {
    const { url, bodies } = await collector();
    const clock = movedClock(1_700_000_000_000);
    const identity = { serviceName: 'shop', instanceId: 'here:1' };
    const telemetry = await startTelemetry({ ...identity, env: {}, logger: recordingLogger(), monitorUrl: url, clock });
    open.push(() => telemetry.shutdown());
    const sent = (): number => bodies.filter(({ path }) => path === '/v1/metrics').length;
    const free = (signal: string): boolean =>
      ((count(telemetry, signal) as { sent: number } | undefined)?.sent ?? 0) ===
      bodies.filter(({ path }) => path === `/v1/${signal}`).length;
    const hasSpan = (): boolean => bodies.some(({ path }) => path === '/v1/traces');
    let isSpanDue = false;
    const isFree = (): boolean => free('metrics') && free('traces') && hasSpan() === isSpanDue;
    /** The numbers of the seconds, of `seconds`, that sent metrics. */
    const secondsThatSend = async (seconds: number): Promise<number[]> => {
      const found: number[] = [];
      for (let second = 1; second <= seconds; second += 1) {
        const collections = vi.spyOn(telemetry.live!, 'collect');
        const before = sent();
        await clock.advance(1_000);
        if (collections.mock.calls.length > 0) {
          found.push(second);
          await until(() => sent() > before && isFree());
        }
        collections.mockRestore();
      }
      return found;
    };
    expect(await secondsThatSend(12)).toEqual([1, 6, 11]);
    trace.getTracer('t').startSpan('checkout').end();
    isSpanDue = true;
    // With the span, in the interval after it, and then each five seconds.
    expect(await secondsThatSend(8)).toEqual([1, 2, 7]);
  });

  it('gives only sampled spans to the exporters of the environment, and its token to no exporter', async () => {
    const [monitor, other] = await Promise.all([collector(), collector()]);
    const { telemetry } = await start(monitor.url, {
      OTEL_TRACES_EXPORTER: 'otlp',
      OTEL_METRICS_EXPORTER: 'otlp',
      OTEL_TRACES_SAMPLER: 'always_off',
      OTEL_EXPORTER_OTLP_ENDPOINT: other.url,
      VITRINE_TOKEN: 'secret',
    });
    trace.getTracer('t').startSpan('checkout').end();
    await telemetry.shutdown();
    expect(await monitor.received('/v1/traces')).toContain('checkout');
    expect(other.bodies.map(({ path }) => path)).toEqual(['/v1/metrics']);
    expect(other.bodies[0].headers.authorization).toBeUndefined();
  });

  it('replaces an exporter to the same endpoint', async () => {
    const { url, bodies } = await collector();
    const env = { OTEL_TRACES_EXPORTER: 'otlp', OTEL_EXPORTER_OTLP_ENDPOINT: url };
    const { telemetry } = await start(url, env);
    trace.getTracer('t').startSpan('checkout').end();
    await telemetry.shutdown();
    expect(bodies.filter(({ path }) => path === '/v1/traces')).toHaveLength(1);
  });

  it('keeps a bounded number of spans while the monitor is away, and counts the rest', async () => {
    const { telemetry, logger } = await start('http://127.0.0.1:9');
    const tracer = trace.getTracer('t');
    for (let i = 0; i < 5_100; i += 1) tracer.startSpan('x').end();
    await telemetry.flush();
    tracer.startSpan('waiting').end();
    await telemetry.shutdown();
    expect(count(telemetry, 'traces')).toMatchObject({ sent: 0, dropped: 5_101 });
    expect(logger.lines.filter(({ message }) => message.includes('accepts no telemetry'))).toHaveLength(1);
  });

  it('sends before the interval ends when many spans have ended', async () => {
    const { url } = await collector();
    const { telemetry } = await start(url);
    const tracer = trace.getTracer('t');
    for (let burst = 0; burst < 4; burst += 1) {
      for (let i = 0; i < 2_500; i += 1) tracer.startSpan('x').end();
      await expect.poll(() => count(telemetry, 'traces')).toMatchObject({ sent: 2_500 * (burst + 1), dropped: 0 });
    }
  });

  it('sends a body again that a starting monitor could not accept', async () => {
    const away = await startCollector();
    const { url } = away;
    await away.close();
    const { telemetry } = await start(url);
    trace.getTracer('t').startSpan('early').end();
    await telemetry.flush();
    const back = await startCollector('ok', Number(new URL(url).port));
    open.push(() => back.close());
    expect(await back.received('/v1/traces')).toContain('early');
    await telemetry.shutdown();
    expect(count(telemetry, 'traces')).toMatchObject({ sent: 1, dropped: 0 });
  });

  it.each(['hang', '503', 'garbage'] as const)('ends in time with a monitor that answers %s', async (mode) => {
    const { url } = await collector(mode);
    const { telemetry } = await start(url);
    trace.getTracer('t').startSpan('lost').end();
    await telemetry.shutdown();
    expect(count(telemetry, 'traces')).toMatchObject({ sent: 0, dropped: 1 });
  });
});
