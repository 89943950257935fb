/**
 * Metrics of the machine: processors, load, memory, disks, file systems, network. Only one process of a machine reports them,
 * otherwise each process would report the same values. Files of /proc are read synchronously (they are in memory and take
 * some microseconds each); file systems are asked in the background, because a network mount may hang.
 */
import { readFileSync } from 'node:fs';
import { statfs } from 'node:fs/promises';
import os from 'node:os';
import type { Clock } from '../../base/clock.ts';
import { systemClock } from '../../base/clock.ts';
import { HOST_METRICS } from './host-names.ts';
import type { Observe } from './observe.ts';
import { createShares, observeTable } from './observe.ts';
import { parseCpu, parseDisks, parseMemory, parseNetwork } from './proc-files.ts';

export interface HostMetricsOptions {
  readonly clock?: Clock | undefined;
  /** Paths whose file systems are reported; default `/`. */
  readonly paths?: readonly string[] | undefined;
  /** Where the files of Linux are; default `/proc`. */
  readonly procRoot?: string | undefined;
}

/** File systems fill slowly. */
const SPACE_AGE_MS = 10_000;

type ObserveHost = Observe<keyof typeof HOST_METRICS>;

/** Undefined if the system has no such file. */
function readText(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return undefined;
  }
}

function observeLoad(observe: ObserveHost): void {
  const [one, five, fifteen] = os.loadavg();
  observe('load1', one);
  observe('load5', five);
  observe('load15', fifteen);
  observe('systemUptime', os.uptime());
  observe('cpuCount', os.availableParallelism());
}

function observeMemory(observe: ObserveHost, meminfo: string | undefined): void {
  const portable = (): ReturnType<typeof parseMemory> => {
    const [total, free] = [os.totalmem(), os.freemem()];
    return { total, states: { used: total - free, free, buffers: 0, cached: 0 }, swap: { used: 0, free: 0 } };
  };
  const { total, states, swap } = meminfo === undefined ? portable() : parseMemory(meminfo);
  observe('memoryLimit', total);
  for (const [state, bytes] of Object.entries(states)) {
    observe('memoryUsage', bytes, { 'system.memory.state': state });
    observe('memoryUtilization', bytes / total, { 'system.memory.state': state });
  }
  for (const [state, bytes] of Object.entries(swap)) observe('pagingUsage', bytes, { 'system.paging.state': state });
}

function observeDisks(observe: ObserveHost, text: string): void {
  for (const { device, readBytes, writeBytes, reads, writes } of parseDisks(text)) {
    const [read, write] = ['read', 'write'].map((way) => ({ 'system.device': device, 'disk.io.direction': way }));
    observe('diskIo', readBytes, read);
    observe('diskIo', writeBytes, write);
    observe('diskOperations', reads, read);
    observe('diskOperations', writes, write);
  }
}

function observeNetwork(observe: ObserveHost, text: string): void {
  for (const { name, receive, transmit } of parseNetwork(text)) {
    for (const [way, figures] of [
      ['receive', receive],
      ['transmit', transmit],
    ] as const) {
      const attributes = { 'network.interface.name': name, 'network.io.direction': way };
      observe('networkIo', figures.bytes, attributes);
      observe('networkErrors', figures.errors, attributes);
      observe('networkDropped', figures.dropped, attributes);
    }
  }
}

interface Space {
  readonly path: string;
  readonly states: Readonly<Record<'used' | 'free' | 'reserved', number>>;
  readonly total: number;
}

async function spaceOf(path: string): Promise<Space> {
  const { bsize, blocks, bfree, bavail } = await statfs(path);
  const states = { used: (blocks - bfree) * bsize, free: bavail * bsize, reserved: (bfree - bavail) * bsize };
  return { path, states, total: blocks * bsize };
}

/** The last known space of each path. A path that hangs keeps its last figures; a path that fails has none. */
function watchSpace(paths: readonly string[], clock: Clock): () => readonly Space[] {
  let askedAt = -SPACE_AGE_MS;
  const known = new Map<string, Space>();
  const asking = new Set<string>();
  const ask = async (path: string): Promise<void> => {
    try {
      known.set(path, await spaceOf(path));
    } catch {
      known.delete(path);
    } finally {
      asking.delete(path);
    }
  };
  return () => {
    const now = clock.monotonic();
    const isDue = now - askedAt >= SPACE_AGE_MS;
    if (isDue) askedAt = now;
    for (const path of isDue ? paths : []) {
      if (asking.has(path)) continue;
      asking.add(path);
      void ask(path);
    }
    return [...known.values()];
  };
}

/** Call once an SDK is registered. Returns a function that removes the metrics. */
export function registerHostMetrics(options: HostMetricsOptions = {}): () => void {
  const { clock = systemClock, paths = ['/'], procRoot = '/proc' } = options;
  const cpuShares = createShares();
  const spaces = watchSpace(paths, clock);
  spaces();
  return observeTable('vitrine.host', HOST_METRICS, clock, (observe, elapsed) => {
    observeLoad(observe);
    const stat = readText(`${procRoot}/stat`);
    if (stat !== undefined) {
      const seconds = parseCpu(stat);
      for (const [mode, value] of Object.entries(seconds)) observe('cpuTime', value, { 'cpu.mode': mode });
      const shares = cpuShares(seconds, elapsed * os.availableParallelism());
      for (const [mode, share] of shares) observe('cpuUtilization', Math.min(1, share), { 'cpu.mode': mode });
    }
    observeMemory(observe, readText(`${procRoot}/meminfo`));
    observeDisks(observe, readText(`${procRoot}/diskstats`) ?? '');
    observeNetwork(observe, readText(`${procRoot}/net/dev`) ?? '');
    for (const { path, states, total } of spaces()) {
      for (const [state, bytes] of Object.entries(states)) {
        const attributes = { 'system.filesystem.mountpoint': path, 'system.filesystem.state': state };
        observe('fsUsage', bytes, attributes);
        if (total > 0) observe('fsUtilization', bytes / total, attributes);
      }
    }
  });
}
