/** After a restart no window claims more than was seen. */
import { describe, expect, it } from 'vitest';
import type { LogRecord } from '../../../../src/model/records.ts';
import { MemoryStore } from '../../../../src/monitor/alerts/rules/memory-store.ts';
import { logHistory } from '../../../../src/monitor/ingest/lines/log-history.ts';
import { LogWindows } from '../../../../src/monitor/ingest/lines/log-windows.ts';
import { MemoryLogSink } from '../../../support/telemetry/memory-sinks.ts';
import { movedClock } from '../../../support/moved-clock.ts';

const START = Date.parse('2026-11-20T12:00:00Z');
const record = (service: string, severityNumber: number): LogRecord => ({
  timeUnixNano: 0n,
  observedUnixNano: 0n,
  severityNumber,
  severityText: '',
  body: '',
  attributes: {},
  traceId: '',
  spanId: '',
  resource: { attributes: { 'service.name': service } },
  scope: { name: '', version: '' },
});

/** A monitor that ran for `seconds` with a good line each second, on a store that lives on. */
async function before(seconds: number) {
  const clock = movedClock(START);
  const store = new MemoryStore();
  const windows = new LogWindows({ sink: new MemoryLogSink(), clock });
  for (let i = 0; i < seconds; i += 1) {
    void windows.append([record('shop', 9)]);
    clock.jump(1_000);
    await windows.samples(clock.now(), store);
  }
  const at = (name: string): number | undefined => {
    const [series] = store.select([{ name: '__name__', op: '=', value: name }], clock.now(), clock.now());
    return series?.samples.v[0];
  };
  const restart = async (downMs: number): Promise<LogWindows> => {
    clock.jump(downMs);
    const next = new LogWindows({ sink: new MemoryLogSink(), clock });
    const history = await logHistory(store, clock.now());
    if (history !== undefined) next.restore(history, clock.now());
    return next;
  };
  return { clock, store, restart, at };
}

describe('windows after a restart', () => {
  it('contain the lines of the minute before, so that a single error is not an error rate of 100 %', async () => {
    const { clock, store, restart, at } = await before(120);
    const windows = await restart(3_000);
    void windows.append([record('shop', 17)]);
    await windows.samples(clock.now(), store);
    // 57 seconds of the minute before, and the new line.
    expect(at('vitrine_log_rate_1m')).toBe(58);
    expect(at('vitrine_log_error_ratio_1m')).toBeCloseTo(1 / 58, 12);
  });

  it('give no figures while most of their minute was not observed, but know the last line of each service', async () => {
    const { clock, store, restart, at } = await before(10);
    const spoke = clock.now() - 1_000;
    const windows = await restart(600_000);
    for (let second = 1; second <= 44; second += 1) {
      void windows.append([record('shop', 17)]);
      clock.jump(1_000);
      await windows.samples(clock.now(), store);
      expect(at('vitrine_log_error_ratio_1m')).toBeUndefined();
      expect(at('vitrine_log_rate_1m')).toBeUndefined();
    }
    clock.jump(1_000);
    await windows.samples(clock.now(), store);
    expect(at('vitrine_log_error_ratio_1m')).toBe(1);
    const silent = await (await before(10)).restart(600_000);
    const fresh = new MemoryStore();
    await silent.samples(START + 610_000, fresh);
    const [seen] = fresh.select(
      [{ name: '__name__', op: '=', value: 'vitrine_log_last_seen_timestamp_seconds' }],
      0,
      1e15,
    );
    expect(seen.samples.v[0] * 1_000).toBe(spoke);
  });

  it('are complete at once on a store without history', async () => {
    const { clock, at, store } = await before(0);
    const windows = new LogWindows({ sink: new MemoryLogSink(), clock });
    expect(await logHistory(store, clock.now())).toBeUndefined();
    void windows.append([record('shop', 17)]);
    await windows.samples(clock.now(), store);
    expect(at('vitrine_log_error_ratio_1m')).toBe(1);
  });

  it('neither lose nor keep extra lines when the wall clock steps', async () => {
    const clock = movedClock(START);
    const windows = new LogWindows({ sink: new MemoryLogSink(), clock });
    const store = new MemoryStore();
    void windows.append([record('shop', 17)]);
    clock.step(3_600_000);
    clock.jump(1_000);
    await windows.samples(clock.now(), store);
    const value = (name: string): number =>
      store.select([{ name: '__name__', op: '=', value: name }], 0, 1e15)[0].samples.v[0];
    expect(value('vitrine_log_rate_1m')).toBe(1);
    expect(value('vitrine_log_last_seen_timestamp_seconds')).toBe(clock.now() / 1_000 - 1);
  });

  it('remember over a restart how long a job usually runs, so that its end is none of a service', async () => {
    const clock = movedClock(START);
    const store = new MemoryStore();
    const first = new LogWindows({ sink: new MemoryLogSink(), clock });
    const say = async (minutes: number, windows: LogWindows): Promise<void> => {
      clock.jump(minutes * 60_000);
      void windows.append([record('backup', 9)]);
      await windows.samples(clock.now(), store);
    };
    // A run of 18 minutes, a pause, and the begin of the next one.
    for (const minutes of [0, 9, 9, 30]) await say(minutes, first);
    clock.jump(1_000);
    const second = new LogWindows({ sink: new MemoryLogSink(), clock });
    const history = await logHistory(store, clock.now());
    if (history !== undefined) second.restore(history, clock.now());
    await say(1, second);
    const [series] = store.select(
      [{ name: '__name__', op: '=', value: 'vitrine_log_former_run_seconds' }],
      clock.now(),
      clock.now(),
    );
    expect([...series.samples.v]).toEqual([18 * 60]);
  });

  it('remember over a restart when a service began', async () => {
    const clock = movedClock(START);
    const store = new MemoryStore();
    const first = new LogWindows({ sink: new MemoryLogSink(), clock });
    void first.append([record('shop', 9)]);
    for (let pause = 0; pause < 2; pause += 1) {
      clock.jump(450_000);
      void first.append([record('shop', 9)]);
    }
    await first.samples(clock.now(), store);
    clock.jump(1_000);
    const history = await logHistory(store, clock.now());
    expect(history?.services).toMatchObject([{ firstSeenMs: START, lastSeenMs: START + 900_000 }]);
    const second = new LogWindows({ sink: new MemoryLogSink(), clock });
    if (history !== undefined) second.restore(history, clock.now());
    void second.append([record('shop', 9)]);
    await second.samples(clock.now(), store);
    const [series] = store.select(
      [{ name: '__name__', op: '=', value: 'vitrine_log_first_seen_timestamp_seconds' }],
      0,
      1e15,
    );
    expect([...series.samples.v]).toEqual([START / 1_000, START / 1_000]);
  });
});
