/** Windows over log lines are exact: checked against counting every line again. */
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { LogRecord } from '../../../../src/model/records.ts';
import { LogWindows } from '../../../../src/monitor/ingest/lines/log-windows.ts';
import { NOW_MS, stillClock } from '../../../support/telemetry/ingest-bench.ts';
import { MemoryLogSink, MemorySampleSink } from '../../../support/telemetry/memory-sinks.ts';

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

describe('LogWindows', () => {
  it('counts the lines of (now - 60 s, now] exactly, for any arrival times', async () => {
    const steps = fc.array(
      fc.record({
        waitMs: fc.integer({ min: 0, max: 20_000 }),
        error: fc.boolean(),
        lines: fc.integer({ min: 1, max: 5 }),
      }),
      { maxLength: 200 },
    );
    await fc.assert(
      fc.asyncProperty(steps, async (plan) => {
        const clock = stillClock();
        const windows = new LogWindows({ sink: new MemoryLogSink(), clock });
        const seen: { t: number; error: boolean }[] = [];
        for (const { waitMs, error, lines } of plan) {
          clock.nowMs += waitMs;
          void windows.append(Array.from({ length: lines }, () => record('a', error ? 17 : 9)));
          for (let i = 0; i < lines; i += 1) seen.push({ t: clock.nowMs, error });
        }
        clock.nowMs += 500;
        const sink = new MemorySampleSink();
        await windows.samples(clock.nowMs, sink);
        if (plan.length === 0) return;
        const within = seen.filter(({ t }) => t > clock.nowMs - 60_000);
        const last = sink.last();
        expect(last['vitrine_log_rate_1m{service="a"}']).toBe(within.length);
        const ratio = within.length === 0 ? 0 : within.filter(({ error }) => error).length / within.length;
        expect(last['vitrine_log_error_ratio_1m{service="a"}']).toBe(ratio);
      }),
      { numRuns: 50 },
    );
  });

  it('begins a run after ten minutes without lines, and knows how long the earlier short runs were', async () => {
    const clock = stillClock();
    const windows = new LogWindows({ sink: new MemoryLogSink(), clock });
    const written = async (): Promise<Record<string, number>> => {
      const sink = new MemorySampleSink();
      sink.generation = clock.nowMs;
      await windows.samples(clock.nowMs, sink);
      return sink.last();
    };
    const run = async (service: string, minutes: number): Promise<Record<string, number>> => {
      for (let minute = 0; minute <= minutes; minute += 9) {
        void windows.append([record(service, 9)]);
        clock.nowMs += 540_000;
      }
      return written();
    };
    const former = 'vitrine_log_former_run_seconds{service="backup"}';
    const first = 'vitrine_log_first_seen_timestamp_seconds{service="backup"}';
    expect((await run('backup', 27))[former]).toBeUndefined();
    clock.nowMs += 61_000;
    // The pause was ten minutes and a second: a second run begins.
    const secondRunMs = clock.nowMs;
    const second = await run('backup', 9);
    expect([second[former], second[first]]).toEqual([1620, secondRunMs / 1_000]);
    // Forgotten after an hour, and still known a day later.
    clock.nowMs += 3_600_000;
    await written();
    clock.nowMs += 20 * 3_600_000;
    expect((await run('backup', 9))[former]).toBe(1620);
    // A run of more than two hours is no job's, and other services are kept only as far as there is room.
    clock.nowMs += 700_000;
    await run('backup', 130);
    clock.nowMs += 700_000;
    expect((await run('backup', 9))[former]).toBeUndefined();
  });

  it('keeps the last-seen time of a silent service for an hour', async () => {
    const clock = stillClock();
    const logs = new MemoryLogSink();
    const windows = new LogWindows({ sink: logs, clock });
    void windows.append([record('a', 9), record('a', 21), record('b', 0)]);
    expect(logs.records).toHaveLength(3);
    const sink = new MemorySampleSink();
    await windows.samples(NOW_MS + 3_599_000, sink);
    expect(sink.last()).toEqual({
      'vitrine_log_error_ratio_1m{service="a"}': 0,
      'vitrine_log_rate_1m{service="a"}': 0,
      'vitrine_log_last_seen_timestamp_seconds{service="a"}': NOW_MS / 1000,
      'vitrine_log_first_seen_timestamp_seconds{service="a"}': NOW_MS / 1000,
      'vitrine_log_records_total{service="a",severity="info"}': 1,
      'vitrine_log_records_total{service="a",severity="fatal"}': 1,
      'vitrine_log_error_ratio_1m{service="b"}': 0,
      'vitrine_log_rate_1m{service="b"}': 0,
      'vitrine_log_last_seen_timestamp_seconds{service="b"}': NOW_MS / 1000,
      'vitrine_log_first_seen_timestamp_seconds{service="b"}': NOW_MS / 1000,
      'vitrine_log_records_total{service="b",severity="unknown"}': 1,
    });
    const { resolved } = sink;
    await windows.samples(NOW_MS + 3_599_500, sink);
    expect(sink.resolved).toBe(resolved);
    sink.generation += 1;
    await windows.samples(NOW_MS + 3_600_000, sink);
    expect(sink.resolved).toBe(2 * resolved);
    await windows.samples(NOW_MS + 3_600_001, sink);
    expect(windows.services).toBe(0);
    expect(await windows.samples(NOW_MS + 3_700_000, sink)).toEqual({ accepted: 0, rejected: [] });
  });

  it('counts services over the limit together, and treats a clock that goes back as stopped', async () => {
    const clock = stillClock();
    const windows = new LogWindows({ sink: new MemoryLogSink(), clock, maxServices: 2 });
    void windows.append(['a', 'b', 'c', 'd', 'a'].map((service) => record(service, 9)));
    clock.nowMs -= 30_000;
    void windows.append([record('a', 9)]);
    expect([windows.services, windows.overflowed]).toEqual([3, 2]);
    const sink = new MemorySampleSink();
    await windows.samples(NOW_MS, sink);
    expect(sink.last()).toMatchObject({
      'vitrine_log_rate_1m{service="a"}': 3,
      'vitrine_log_rate_1m{service="_other"}': 2,
    });
  });

  it('keeps a minute with lines in every millisecond, and no more', async () => {
    const clock = stillClock();
    const windows = new LogWindows({ sink: new MemoryLogSink(), clock });
    const line = [record('a', 17)];
    for (let i = 0; i < 70_000; i += 1) {
      clock.nowMs += 1;
      void windows.append(line);
    }
    const sink = new MemorySampleSink();
    await windows.samples(clock.nowMs, sink);
    expect(sink.last()).toMatchObject({
      'vitrine_log_rate_1m{service="a"}': 60_000,
      'vitrine_log_error_ratio_1m{service="a"}': 1,
    });
  });
});
