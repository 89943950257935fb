/** What the kernel tells of this process: processor time, memory, files, threads, switches, disk. */
import { readdirSync, readFileSync, statSync } from 'node:fs';
import type { Clock } from '../../base/clock.ts';
import { systemClock } from '../../base/clock.ts';
import { PROCESS_METRICS } from './host-names.ts';
import { createShares, observeTable } from './observe.ts';
import { parseFields } from './proc-files.ts';

/** Missing outside Linux, and in containers that hide parts of /proc: those figures are then left out. */
function fieldsOf(file: string): Record<string, number> {
  try {
    return parseFields(readFileSync(file, 'utf8'));
  } catch {
    return {};
  }
}

function openFiles(): number {
  try {
    // Linux 6.2 and later say the count as the size of the directory; a process may have too many to list them.
    // While it is listed the directory itself is open.
    return statSync('/proc/self/fd').size || readdirSync('/proc/self/fd').length - 1;
  } catch {
    return Number.NaN;
  }
}

/** Files of /proc that cost the most to read and change the least. */
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

/** Call once an SDK is registered. Returns what takes the metrics away again. */
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
