/**
 * Names of the metrics of a machine, a process and its JavaScript runtime: those of the semantic conventions
 * (opentelemetry.io/docs/specs/semconv/system and …/runtime/nodejs-metrics, …/v8js-metrics). The conventions have no name for
 * the load average; it has the name that the Collector's hostmetrics receiver uses.
 */
import { metric, type MetricName } from '../names.ts';

const DISK = ['system.device', 'disk.io.direction'] as const;
const NET = ['network.interface.name', 'network.io.direction'] as const;
const FS = ['system.filesystem.mountpoint', 'system.filesystem.state'] as const;

export const HOST_METRICS = {
  cpuTime: metric('system.cpu.time', 's', 'counter', ['cpu.mode'], 'Time all processors spent, by mode.'),
  cpuUtilization: metric('system.cpu.utilization', '1', 'gauge', ['cpu.mode'], 'Share of all processors, by mode.'),
  cpuCount: metric('system.cpu.logical.count', '{cpu}', 'updowncounter', [], 'Logical processors.'),
  load1: metric('system.cpu.load_average.1m', '{thread}', 'gauge', [], 'Load average over 1 minute.'),
  load5: metric('system.cpu.load_average.5m', '{thread}', 'gauge', [], 'Load average over 5 minutes.'),
  load15: metric('system.cpu.load_average.15m', '{thread}', 'gauge', [], 'Load average over 15 minutes.'),
  memoryUsage: metric('system.memory.usage', 'By', 'updowncounter', ['system.memory.state'], 'Memory by state.'),
  memoryUtilization: metric('system.memory.utilization', '1', 'gauge', ['system.memory.state'], 'Share of memory.'),
  memoryLimit: metric('system.memory.limit', 'By', 'updowncounter', [], 'Memory of the machine.'),
  pagingUsage: metric('system.paging.usage', 'By', 'updowncounter', ['system.paging.state'], 'Swap by state.'),
  diskIo: metric('system.disk.io', 'By', 'counter', DISK, 'Bytes read from and written to disks.'),
  diskOperations: metric('system.disk.operations', '{operation}', 'counter', DISK, 'Reads and writes of disks.'),
  fsUsage: metric('system.filesystem.usage', 'By', 'updowncounter', FS, 'File system space by state.'),
  fsUtilization: metric('system.filesystem.utilization', '1', 'gauge', FS, 'Share of the file system.'),
  networkIo: metric('system.network.io', 'By', 'counter', NET, 'Bytes received and sent.'),
  networkErrors: metric('system.network.errors', '{error}', 'counter', NET, 'Errors of network interfaces.'),
  networkDropped: metric('system.network.packet.dropped', '{packet}', 'counter', NET, 'Packets dropped by interfaces.'),
  systemUptime: metric('system.uptime', 's', 'gauge', [], 'Time since the machine started.'),
} as const satisfies Record<string, MetricName>;

export const PROCESS_METRICS = {
  cpuTime: metric('process.cpu.time', 's', 'counter', ['cpu.mode'], 'Processor time of the process, by mode.'),
  cpuUtilization: metric('process.cpu.utilization', '1', 'gauge', ['cpu.mode'], 'Share of one processor, by mode.'),
  memoryUsage: metric('process.memory.usage', 'By', 'updowncounter', [], 'Physical memory in use.'),
  memoryVirtual: metric('process.memory.virtual', 'By', 'updowncounter', [], 'Committed virtual memory.'),
  uptime: metric('process.uptime', 's', 'gauge', [], 'Time since the process started.'),
  openFiles: metric('process.unix.file_descriptor.count', '{file_descriptor}', 'updowncounter', [], 'Open files.'),
  threads: metric('process.thread.count', '{thread}', 'updowncounter', [], 'Threads of the process.'),
  contextSwitches: metric(
    'process.context_switches',
    '{context_switch}',
    'counter',
    ['process.context_switch.type'],
    'Times the process was switched out.',
  ),
  diskIo: metric('process.disk.io', 'By', 'counter', ['disk.io.direction'], 'Bytes read from and written to disks.'),
} as const satisfies Record<string, MetricName>;

const SPACE = ['v8js.heap.space.name'] as const;

/** As `@opentelemetry/instrumentation-runtime-node` describes them. */
export const RUNTIME_METRICS = {
  utilization: metric('nodejs.eventloop.utilization', '1', 'gauge', [], 'Event loop utilization'),
  time: metric(
    'nodejs.eventloop.time',
    's',
    'counter',
    ['nodejs.eventloop.state'],
    'Cumulative duration of time the event loop has been in each state.',
  ),
  delayMin: metric('nodejs.eventloop.delay.min', 's', 'gauge', [], 'Event loop minimum delay.'),
  delayMax: metric('nodejs.eventloop.delay.max', 's', 'gauge', [], 'Event loop maximum delay.'),
  delayMean: metric('nodejs.eventloop.delay.mean', 's', 'gauge', [], 'Event loop mean delay.'),
  delayStddev: metric('nodejs.eventloop.delay.stddev', 's', 'gauge', [], 'Event loop standard deviation delay.'),
  delayP50: metric('nodejs.eventloop.delay.p50', 's', 'gauge', [], 'Event loop 50 percentile delay.'),
  delayP90: metric('nodejs.eventloop.delay.p90', 's', 'gauge', [], 'Event loop 90 percentile delay.'),
  delayP99: metric('nodejs.eventloop.delay.p99', 's', 'gauge', [], 'Event loop 99 percentile delay.'),
  heapSize: metric(
    'v8js.memory.heap.space.size',
    'By',
    'updowncounter',
    SPACE,
    'Total heap memory size pre-allocated for a heap space.',
  ),
  heapUsed: metric('v8js.memory.heap.used', 'By', 'gauge', SPACE, 'Heap Memory size allocated.'),
  heapAvailable: metric('v8js.memory.heap.space.available_size', 'By', 'gauge', SPACE, 'Heap space available size.'),
  heapPhysical: metric('v8js.memory.heap.space.physical_size', 'By', 'gauge', SPACE, 'Committed size of a heap space.'),
  resources: metric(
    'v8js.resource.active',
    '{resource}',
    'gauge',
    ['v8js.resource.type'],
    'Count of the active resources that are currently keeping the event loop alive.',
  ),
} as const satisfies Record<string, MetricName>;

export const GC_DURATION = metric(
  'v8js.gc.duration',
  's',
  'histogram',
  ['v8js.gc.type'],
  'Garbage collection duration by kind, one of major, minor, incremental or weakcb.',
);
