/** Metrics of this process from the kernel: processor time, memory, files, threads, context switches, disk. */
import { readdirSync, readFileSync, statSync } from 'node:fs';
import type { Clock } from '../../base/clock.ts';
import { systemClock } from '../../base/clock.ts';
import { PROCESS_METRICS } from './host-names.ts';
import { createShares, observeTable } from './observe.ts';
import { parseFields } from './proc-files.ts';

/** Empty outside Linux and in containers that hide parts of /proc; those metrics are then missing. */
function fieldsOf(file: string): Record<string, number> {
  try {
    return parseFields(readFileSync(file, 'utf8'));
  } catch {
    return {};
  }
}

function openFiles(): number {
  try {
    // Linux 6.2 and later give the count as the size of the directory, so that the files need not be listed.
    // While the directory is listed, it is itself one open file.
    return statSync('/proc/self/fd').size || readdirSync('/proc/self/fd').length - 1;
  } catch {
    return Number.NaN;
  }
}

/** The age at which the files of /proc that are expensive to read and change slowly are read again. */
const SLOW_AGE_MS = 5_000;

interface SlowFigures {
  readonly readAt: number;
  readonly status: Record<string, number>;
  readonly io: Record<string, number>;
  readonly files: number;
}

const readSlow = (readAt: number): SlowFigures => ({
  readAt,
  status: fieldsOf('/proc/self/status'),
  io: fieldsOf('/proc/self/io'),
  files: openFiles(),
});

/** Call once an SDK is registered. Returns a function that removes the metrics. */
export function registerProcessMetrics(clock: Clock = systemClock): () => void {
  const cpuShares = createShares();
  let slow: SlowFigures | undefined;
  return observeTable('vitrine.process', PROCESS_METRICS, clock, (observe, elapsed) => {
    const { user, system } = process.cpuUsage();
    const seconds = { user: user / 1e6, system: system / 1e6 };
    for (const [mode, value] of Object.entries(seconds)) observe('cpuTime', value, { 'cpu.mode': mode });
    for (const [mode, share] of cpuShares(seconds, elapsed)) observe('cpuUtilization', share, { 'cpu.mode': mode });
    slow = slow !== undefined && clock.monotonic() - slow.readAt < SLOW_AGE_MS ? slow : readSlow(clock.monotonic());
    const { status, io, files } = slow;
    observe('memoryUsage', process.memoryUsage.rss());
    observe('memoryVirtual', status['VmSize']);
    observe('threads', status['Threads']);
    observe('uptime', process.uptime());
    observe('openFiles', files);
    const { voluntaryContextSwitches, involuntaryContextSwitches } = process.resourceUsage();
    observe('contextSwitches', voluntaryContextSwitches, { 'process.context_switch.type': 'voluntary' });
    observe('contextSwitches', involuntaryContextSwitches, { 'process.context_switch.type': 'involuntary' });
    observe('diskIo', io['read_bytes'], { 'disk.io.direction': 'read' });
    observe('diskIo', io['write_bytes'], { 'disk.io.direction': 'write' });
  });
}
