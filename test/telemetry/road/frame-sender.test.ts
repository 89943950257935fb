import { LoggerProvider } from '@opentelemetry/sdk-logs';
import { MeterProvider } from '@opentelemetry/sdk-metrics';
import { resourceFromAttributes } from '@opentelemetry/resources';
import { AlwaysOffSampler, TracerProvider } from '@opentelemetry/sdk-trace';
import { describe, expect, it } from 'vitest';
import type { Clock } from '../../../src/base/clock.ts';
import type { Frame } from '../../../src/model/frame.ts';
import type { Health, HealthStatus } from '../../../src/model/health.ts';
import { FrameSender } from '../../../src/telemetry/road/frame-sender.ts';
import { LiveReader } from '../../../src/telemetry/metrics/live-reader.ts';
import { RingLogProcessor, RingSpanProcessor } from '../../../src/telemetry/road/record-buffer.ts';
import { recordEverything } from '../../../src/telemetry/spans/sampler.ts';
import { movedClock, type MovedClock } from '../../support/moved-clock.ts';
import { recordingLogger } from '../../support/recording-logger.ts';
import { until } from '../../support/until.ts';

const still: Clock = { now: () => 1_700_000_000_000, monotonic: () => 0, after: () => () => {} };

function setUp(clock: Clock = still, intervalMs = 1_000, health?: () => Health) {
  const live = new LiveReader();
  const resource = resourceFromAttributes({ 'service.name': 'shop', 'host.id': Promise.resolve('h1') });
  const meters = new MeterProvider({ readers: [live], resource });
  const spans = new RingSpanProcessor(3);
  const tracers = new TracerProvider({
    resource,
    spanProcessors: [spans],
    sampler: recordEverything(new AlwaysOffSampler()),
  });
  const logs = new RingLogProcessor(2);
  const loggers = new LoggerProvider({ processors: [logs] });
  const sender = new FrameSender({
    live,
    spans: spans.buffer,
    logs: logs.buffer,
    clock,
    logger: recordingLogger(),
    intervalMs,
    health,
  });
  const frames: Frame[] = [];
  return {
    meters,
    tracer: tracers.getTracer('t', '1'),
    log: loggers.getLogger('l'),
    sender,
    frames,
    send: (frame: Frame) => void frames.push(structuredClone(frame)),
  };
}

/** One letter for each second: `M` a frame with metrics, `-` one without. */
async function secondsOf(
  clock: MovedClock,
  { sender, frames }: Pick<ReturnType<typeof setUp>, 'sender' | 'frames'>,
  seconds: number,
): Promise<string> {
  let letters = '';
  for (let second = 1; second <= seconds; second += 1) {
    const before = frames.length;
    await clock.advance(1_000);
    await until(() => frames.length > before);
    letters += frames[before].metrics.length > 0 ? 'M' : '-';
    sender.acknowledge(frames[before].sequence);
  }
  return letters;
}

describe('FrameSender', () => {
  it('sends at its interval, shortly before each full interval', async () => {
    let now = 100_000;
    let due: { readonly atMs: number; readonly callback: () => void } | undefined;
    const clock: Clock = {
      now: () => now,
      monotonic: () => now,
      after(delayMs, callback) {
        due = { atMs: now + delayMs, callback };
        return () => (due = undefined);
      },
    };
    const { sender, frames, send } = setUp(clock, 20_000);
    sender.connect(send);
    const times: number[] = [];
    for (const count of [1, 2, 3]) {
      now = due?.atMs ?? 0;
      times.push(now);
      due?.callback();
      await expect.poll(() => frames).toHaveLength(count);
      sender.acknowledge(count);
      await expect.poll(() => due?.atMs).toBeGreaterThan(now);
    }
    expect(times).toEqual([119_850, 139_850, 159_850]);
    sender.close();
  });

  it('answers each second while nothing happens, and sends metrics each five seconds', async () => {
    const clock = movedClock(1_700_000_000_000);
    const made = setUp(clock);
    made.meters.getMeter('m').createCounter('c').add(1);
    made.sender.connect(made.send);
    expect(await secondsOf(clock, made, 12)).toBe('M----M----M-');
    made.tracer.startSpan('work').end();
    // With the span, in the interval after it, because the metrics have settled then, and then each five seconds.
    expect(await secondsOf(clock, made, 8)).toBe('MM----M-');
    made.log.emit({ body: 'hello' });
    expect(await secondsOf(clock, made, 4)).toBe('MM--');
    await made.sender.tick();
    expect(made.frames.at(-1)?.metrics).toHaveLength(1);
    made.sender.close();
  });

  it('sends metrics at once when a component changes, when its receiver says so, and to a new receiver', async () => {
    const clock = movedClock(1_700_000_000_000);
    let status: HealthStatus = 'healthy';
    let uptime = 0;
    const health = (): Health => {
      uptime += 1;
      const figures = { uptime: '', uptime_seconds: uptime, memory_usage_mb: uptime, cache_size_mb: 0, queue_size: 0 };
      return { status, ...figures, components: { server: { status, uptime_seconds: uptime } } };
    };
    const made = setUp(clock, 1_000, health);
    made.meters.getMeter('m').createCounter('c').add(1);
    let isBusy = false;
    made.sender.connect(made.send, () => isBusy);
    expect(await secondsOf(clock, made, 4)).toBe('MM--');
    status = 'degraded';
    expect(await secondsOf(clock, made, 4)).toBe('MM--');
    isBusy = true;
    expect(await secondsOf(clock, made, 2)).toBe('MM');
    isBusy = false;
    expect(await secondsOf(clock, made, 2)).toBe('M-');
    made.sender.connect(made.send);
    expect(await secondsOf(clock, made, 2)).toBe('M-');
    expect(made.frames.at(-2)?.resource).toMatchObject({ 'service.name': 'shop' });
    expect(made.frames.at(-1)).toMatchObject({ health: { status: 'degraded' }, metrics: [] });
    made.sender.close();
  });

  it('sends metrics, record-only spans and logs; the resource once, after its late attributes', async () => {
    const { meters, tracer, log, sender, frames, send } = setUp();
    meters.getMeter('m').createCounter('c').add(1);
    const span = tracer.startSpan('work', {
      attributes: { a: 1 },
      links: [{ context: { traceId: '1'.repeat(32), spanId: '2'.repeat(16), traceFlags: 1 } }],
    });
    expect(span.spanContext().traceFlags).toBe(0);
    span.addEvent('seen', { b: true });
    span.setStatus({ code: 2, message: 'bad' });
    span.end();
    log.emit({ body: 'hello', severityNumber: 9, severityText: 'INFO', attributes: { k: 'v' } });
    sender.connect(send);
    await sender.tick();
    expect(frames[0]).toMatchObject({
      kind: 'frame',
      sequence: 1,
      timeMs: 1_700_000_000_000,
      resource: { 'service.name': 'shop', 'host.id': 'h1' },
      metrics: [{ name: 'c' }],
      spans: [
        {
          name: 'work',
          kind: 'internal',
          status: 'error',
          statusMessage: 'bad',
          parentSpanId: '',
          attributes: { a: 1 },
          events: [{ name: 'seen', attributes: { b: true } }],
          links: [{ traceId: '1'.repeat(32) }],
          scope: { name: 't', version: '1' },
        },
      ],
      logs: [{ body: 'hello', severityNumber: 9, attributes: { k: 'v' }, traceId: '' }],
      droppedSpans: 0,
    });
    expect(typeof frames[0].spans[0].startUnixNano).toBe('bigint');
    sender.acknowledge(1);
    await sender.tick();
    expect(frames[1]).toMatchObject({ sequence: 2, spans: [], logs: [], skippedFrames: 0 });
    expect(frames[1].resource).toBeUndefined();
    sender.close();
  });

  it('keeps one frame in flight, counts skipped ticks, and bounds the buffers', async () => {
    const { tracer, log, sender, frames, send } = setUp();
    sender.connect(send);
    await sender.tick();
    for (let i = 0; i < 10; i += 1) {
      tracer.startSpan(`s${i}`).end();
      log.emit({ body: i });
    }
    for (let i = 0; i < 4; i += 1) await sender.tick();
    sender.acknowledge(99);
    expect(frames).toHaveLength(1);
    expect(sender.skipped).toBe(4);
    sender.acknowledge(1);
    await sender.tick();
    expect(frames[1]).toMatchObject({ skippedFrames: 4, droppedSpans: 7, droppedLogs: 8 });
    expect(frames[1].spans.map((span) => span.name)).toEqual(['s0', 's1', 's2']);
    sender.close();
  });

  it('sends the resource first on a new connection, and continues after a channel that throws', async () => {
    const { sender, frames, send } = setUp();
    sender.connect(() => {
      throw new Error('ERR_IPC_CHANNEL_CLOSED');
    });
    await sender.tick();
    await sender.tick();
    sender.connect(send);
    await sender.tick();
    expect(frames[0].resource).toMatchObject({ 'service.name': 'shop' });
    sender.disconnect();
    await sender.tick();
    expect(frames).toHaveLength(1);
    sender.close();
  });
});
