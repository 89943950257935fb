import { metrics } from '@opentelemetry/api';
import { MeterProvider } from '@opentelemetry/sdk-metrics';
import { afterEach, describe, expect, it } from 'vitest';
import type { Clock } from '../../../src/base/clock.ts';
import type { FrameMetric } from '../../../src/model/frame.ts';
import { toFrameMetrics } from '../../../src/telemetry/road/collect-to-frame.ts';
import { registerHostMetrics } from '../../../src/telemetry/metrics/host-metrics.ts';
import { HOST_METRICS, PROCESS_METRICS } from '../../../src/telemetry/metrics/host-names.ts';
import { LiveReader } from '../../../src/telemetry/metrics/live-reader.ts';
import { createShares, observeTable } from '../../../src/telemetry/metrics/observe.ts';
import {
  parseCpu,
  parseDisks,
  parseFields,
  parseMemory,
  parseNetwork,
} from '../../../src/telemetry/metrics/proc-files.ts';
import { registerProcessMetrics } from '../../../src/telemetry/metrics/process-metrics.ts';
import { resetApi } from '../collector.ts';

afterEach(resetApi);

function setUp(): { read: () => Promise<FrameMetric[]>; clock: Clock; advance: (ms: number) => void } {
  const live = new LiveReader();
  metrics.setGlobalMeterProvider(new MeterProvider({ readers: [live] }));
  let now = 0;
  const clock: Clock = { now: () => now, monotonic: () => now, after: () => () => {} };
  const read = async (): Promise<FrameMetric[]> => toFrameMetrics((await live.collect()).resourceMetrics);
  return { read, clock, advance: (ms) => (now += ms) };
}

const names = (list: readonly FrameMetric[]): string[] => list.map(({ name }) => name).sort();

describe('parsers', () => {
  it('reads processors, soft interrupts as interrupts', () => {
    expect(parseCpu('cpu  100 2 50 1000 30 1 2 3 0 0\ncpu0 1 1 1 1\n')).toEqual({
      user: 1,
      nice: 0.02,
      system: 0.5,
      idle: 10,
      iowait: 0.3,
      interrupt: 0.03,
      steal: 0.03,
    });
    expect(parseCpu('')).toEqual({});
  });

  it('reads memory so that the states add up', () => {
    const text =
      'MemTotal: 1000 kB\nMemFree: 200 kB\nBuffers: 50 kB\nCached: 300 kB\nSReclaimable: 50 kB\nSwapTotal: 10 kB\nSwapFree: 4 kB\n';
    const { total, states, swap } = parseMemory(text);
    expect(Object.values(states).reduce((a, b) => a + b, 0)).toBe(total);
    expect(states.used).toBe(400 * 1_024);
    expect(swap).toEqual({ used: 6 * 1_024, free: 4 * 1_024 });
  });

  it('reads whole disks only', () => {
    const row = (name: string): string => `   8       0 ${name} 10 0 4 0 20 0 8 0 0 0 0`;
    const text = ['sda', 'sda1', 'nvme0n1', 'nvme0n1p2', 'loop0', 'dm-0', 'vdb'].map(row).join('\n');
    expect(parseDisks(text).map(({ device }) => device)).toEqual(['sda', 'nvme0n1', 'vdb']);
    expect(parseDisks(row('sda'))[0]).toEqual({
      device: 'sda',
      reads: 10,
      writes: 20,
      readBytes: 2_048,
      writeBytes: 4_096,
    });
    expect(parseDisks('   8  0 sdb 0 0 0 0 0 0 0 0 0 0 0')).toEqual([]);
  });

  it('reads interfaces without loopback', () => {
    const text =
      'Inter-| Receive\n face |bytes\n    lo: 5 1 0 0 0 0 0 0 5 1 0 0 0 0 0 0\n  eth0:100 1 2 3 0 0 0 0 200 1 4 5 0 0 0 0\n';
    expect(parseNetwork(text)).toEqual([
      { name: 'eth0', receive: { bytes: 100, errors: 2, dropped: 3 }, transmit: { bytes: 200, errors: 4, dropped: 5 } },
    ]);
  });

  it('reads fields with and without a unit', () => {
    expect(parseFields('Name: x y\nVmSize:\t  10 kB\nThreads:\t7\n')).toEqual({ VmSize: 10_240, Threads: 7 });
  });
});

describe('observeTable', () => {
  it('reads at most once a second and ignores values that are not finite', async () => {
    const { read, clock, advance } = setUp();
    let reads = 0;
    const stop = observeTable('t', { a: HOST_METRICS.load1, b: HOST_METRICS.load5 }, clock, (observe) => {
      reads += 1;
      observe('a', reads);
      observe('b', Number.NaN);
    });
    await read();
    expect(names(await read())).toEqual(['system.cpu.load_average.1m']);
    expect(reads).toBe(1);
    advance(1_000);
    expect((await read())[0].points[0].value).toBe(2);
    stop();
    advance(1_000);
    await read();
    expect(reads).toBe(2);
  });

  it('gives shares of the growth, and none at the first call', () => {
    const shares = createShares();
    expect(shares({ user: 5 }, 1)).toEqual([]);
    expect(shares({ user: 6, system: 1 }, 4)).toEqual([
      ['user', 0.25],
      ['system', 0.25],
    ]);
    expect(shares({ user: 1 }, 4)).toEqual([['user', 0]]);
  });
});

describe('the machine and the process', () => {
  it.skipIf(process.platform !== 'linux')('reports the names of the conventions with plausible values', async () => {
    const { read, clock, advance } = setUp();
    registerHostMetrics({ clock });
    registerProcessMetrics(clock);
    await read();
    // The background request for the file system is answered after one more turn of the loop.
    await expect
      .poll(async () => {
        advance(1_000);
        return names(await read());
      })
      .toContain('system.filesystem.usage');
    const frame = await read();
    const known = [...Object.values(HOST_METRICS), ...Object.values(PROCESS_METRICS)].map(({ name }) => name);
    for (const { name } of frame) expect(known).toContain(name);
    for (const name of [
      'system.cpu.time',
      'system.cpu.utilization',
      'system.memory.usage',
      'process.cpu.time',
      'process.cpu.utilization',
    ]) {
      expect(names(frame)).toContain(name);
    }
    const memory = frame.find(({ name }) => name === 'process.memory.usage')?.points[0].value as number;
    expect(memory).toBeGreaterThan(10e6);
    for (const point of frame.find(({ name }) => name === 'system.cpu.utilization')?.points ?? []) {
      expect(point.value).toBeLessThanOrEqual(1);
    }
  });

  it('works without /proc', async () => {
    const { read, clock } = setUp();
    registerHostMetrics({ clock, procRoot: '/nowhere', paths: ['/nowhere'] });
    expect(names(await read())).toEqual([
      'system.cpu.load_average.15m',
      'system.cpu.load_average.1m',
      'system.cpu.load_average.5m',
      'system.cpu.logical.count',
      'system.memory.limit',
      'system.memory.usage',
      'system.memory.utilization',
      'system.paging.usage',
      'system.uptime',
    ]);
  });
});
