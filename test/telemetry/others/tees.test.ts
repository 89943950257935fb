/** What an application records goes to both SDKs, whenever it registers its own. */
import { ROOT_CONTEXT } from '@opentelemetry/api';
import { InMemoryLogRecordExporter, LoggerProvider, SimpleLogRecordProcessor } from '@opentelemetry/sdk-logs';
import { MeterProvider, MetricReader } from '@opentelemetry/sdk-metrics';
import { describe, expect, it } from 'vitest';
import { TeeLoggerProvider } from '../../../src/telemetry/others/tee-loggers.ts';
import { TeeMeterProvider } from '../../../src/telemetry/others/tee-meters.ts';

class Reader extends MetricReader {
  protected override onShutdown(): Promise<void> {
    return Promise.resolve();
  }

  protected override onForceFlush(): Promise<void> {
    return Promise.resolve();
  }

  /** `name` → the value of its first point, or the count of a histogram. */
  async values(): Promise<Readonly<Record<string, unknown>>> {
    const { resourceMetrics } = await this.collect();
    return Object.fromEntries(
      resourceMetrics.scopeMetrics.flatMap(({ metrics }) =>
        metrics.map(({ descriptor, dataPoints }) => {
          const value: unknown = dataPoints[0]?.value;
          return [descriptor.name, typeof value === 'number' ? value : (value as { count: number }).count];
        }),
      ),
    );
  }
}

describe('meters', () => {
  it('record into both SDKs from the moment the second one is there, instruments that exist already too', async () => {
    const [ours, theirs] = [new Reader(), new Reader()];
    const tee = new TeeMeterProvider(new MeterProvider({ readers: [ours] }));
    const meter = tee.getMeter('app');
    const early = meter.createCounter('early');
    const seconds = meter.createHistogram('seconds');
    const upDown = meter.createUpDownCounter('updown');
    const level = meter.createGauge('level');
    const observed = meter.createObservableGauge('observed');
    const batched = meter.createObservableCounter('batched');
    observed.addCallback((result) => result.observe(7));
    let asked = 0;
    const batch = (result: { observe(of: typeof batched, value: number): void }): void => {
      asked += 1;
      result.observe(batched, 3);
    };
    meter.addBatchObservableCallback(batch, [batched]);
    early.add(1);
    tee.join(new MeterProvider({ readers: [theirs] }));
    early.add(2);
    seconds.record(0.5, {}, ROOT_CONTEXT);
    upDown.add(-1);
    level.record(4);
    tee.getMeter('late').createCounter('late').add(5);
    const both = { seconds: 1, updown: -1, level: 4, observed: 7, batched: 3, late: 5 };
    expect(await ours.values()).toEqual({ early: 3, ...both });
    expect(await theirs.values()).toEqual({ early: 2, ...both });
    meter.removeBatchObservableCallback(batch, [batched]);
    const before = asked;
    await theirs.values();
    expect(asked).toBe(before);
  });

  it('remove a callback from both', async () => {
    const [ours, theirs] = [new Reader(), new Reader()];
    const tee = new TeeMeterProvider(new MeterProvider({ readers: [ours] }));
    tee.join(new MeterProvider({ readers: [theirs] }));
    const gauge = tee.getMeter('app').createObservableGauge('gauge');
    const callback = (result: { observe(value: number): void }): void => result.observe(1);
    gauge.addCallback(callback);
    gauge.removeCallback(callback);
    expect([await ours.values(), await theirs.values()]).toEqual([{}, {}]);
  });

  it('of what Vitrine measures itself go to the application alone, and of Vitrine to Vitrine alone', async () => {
    const [ours, theirs] = [new Reader(), new Reader()];
    const tee = new TeeMeterProvider(new MeterProvider({ readers: [ours] }));
    tee.join(new MeterProvider({ readers: [theirs] }));
    tee.getMeter('@opentelemetry/instrumentation-http').createHistogram('http.server.request.duration').record(1);
    tee.getMeter('vitrine.http').createHistogram('http.client.request.duration').record(1);
    expect(await theirs.values()).toEqual({ 'http.server.request.duration': 1 });
    expect(await ours.values()).toEqual({ 'http.client.request.duration': 1 });
  });
});

describe('loggers', () => {
  const provider = (): { readonly exporter: InMemoryLogRecordExporter; readonly provider: LoggerProvider } => {
    const exporter = new InMemoryLogRecordExporter();
    return { exporter, provider: new LoggerProvider({ processors: [new SimpleLogRecordProcessor({ exporter })] }) };
  };
  const bodies = ({ exporter }: { readonly exporter: InMemoryLogRecordExporter }): unknown[] =>
    exporter.getFinishedLogRecords().map(({ body }) => body);

  it('emit into both SDKs, but lines that Vitrine makes and lines that repeat those', () => {
    const [ours, theirs] = [provider(), provider()];
    const tee = new TeeLoggerProvider(ours.provider);
    const app = tee.getLogger('app');
    app.emit({ body: 'before' });
    tee.theirs = theirs.provider;
    app.emit({ body: 'after' });
    tee.getLogger('console').emit({ body: 'a line of the console' });
    tee.getLogger('@opentelemetry/winston-transport').emit({ body: 'again' });
    expect(bodies(ours)).toEqual(['before', 'after', 'a line of the console']);
    expect(bodies(theirs)).toEqual(['after', 'again']);
    expect(app.enabled()).toBe(true);
  });
});
