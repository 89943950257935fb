/**
 * The current figures, computed from the stack's own collections without the store or a query. For each process that
 * reports, keeps the samples of one minute (one a second) and of a quarter of an hour (one every 15 s), which limits the
 * memory. Processes beyond the limit are refused and counted. Gaps stay gaps: without traffic a figure is null.
 */
import type { Frame, FrameMetric } from '../../model/frame.ts';
import type { Attributes } from '../../model/records.ts';
import { serviceOf } from '../../model/records.ts';
import type { ComponentUptime, CurrentFigures, LiveHistory, ServiceFigures } from './contract.ts';
import { between, cacheOf, ledgerOf, together, trafficOf, upstreamsOf } from './live-figures.ts';
import type { LiveSample } from './live-sample.ts';
import { emptySample, sampleOf } from './live-sample.ts';

const WINDOW_MS = 60_000;
const STEP_MS = 15_000;
const STEPS = 60;
/** A process that sent nothing for this time, or for this many intervals, no longer counts. */
const SILENT_MS = 10_000;
const SILENT_INTERVALS = 3;
const FORGET_MS = STEP_MS * STEPS;
/** A shorter window gives no rate: divided by milliseconds, a few requests are thousands a second. */
const LEAST_WINDOW_SECONDS = 0.5;
export const MAX_PROCESSES = 100;
const BALANCER = 'vitrine-balancer';
const MONITOR = 'vitrine-monitor';

type PastFigure = Exclude<keyof LiveHistory, 'stepMs' | 'timesMs'>;

interface Process {
  service: string;
  /** Samples of the last minute, oldest first; at most one a second. */
  fine: LiveSample[];
  /** The first sample of each 15 s step, by the number of the step. */
  readonly coarse: Map<number, LiveSample>;
}

interface Window {
  readonly process: Process;
  readonly now: LiveSample;
  /** The increase in the window. */
  readonly delta: LiveSample;
  readonly seconds: number;
  readonly since: LiveSample;
}

const stepOf = (timeMs: number): number => Math.floor(timeMs / STEP_MS);

export class LiveState {
  readonly #windowMs: number;
  readonly #silentMs: number;
  readonly #processes = new Map<string, Process>();
  readonly #resources = new Map<string, Attributes>();
  #refused = 0;
  #past: LiveHistory | undefined;

  /**
   * `intervalMs` is the time between two collections of a process. A window is three such intervals long, and at least a
   * minute.
   */
  constructor(intervalMs = 1_000) {
    this.#silentMs = Math.max(SILENT_MS, SILENT_INTERVALS * intervalMs);
    this.#windowMs = Math.max(WINDOW_MS, SILENT_INTERVALS * intervalMs);
  }

  /** Samples of processes beyond the limit. */
  get refused(): number {
    return this.#refused;
  }

  /**
   * Takes a frame of a stack process. `connection` names the channel that the frame came by; the first frame of a channel
   * contains the resource.
   */
  push(connection: string, frame: Frame): void {
    if (frame.resource !== undefined && (this.#resources.has(connection) || this.#resources.size < MAX_PROCESSES)) {
      this.#resources.set(connection, frame.resource);
    }
    const attributes = this.#resources.get(connection) ?? {};
    this.observe(connection, serviceOf({ attributes }), frame.metrics, frame.timeMs);
  }

  /** Forgets the resource of a channel that has closed. Its figures leave the window with time. */
  disconnected(connection: string): void {
    this.#resources.delete(connection);
  }

  /** Takes a cumulative collection of any process, from any source. */
  observe(instance: string, service: string, metrics: readonly FrameMetric[], timeMs: number): void {
    let process = this.#processes.get(instance);
    if (process === undefined) {
      this.#forget(timeMs);
      if (this.#processes.size >= MAX_PROCESSES) {
        this.#refused += 1;
        return;
      }
      process = { service, fine: [], coarse: new Map() };
      this.#processes.set(instance, process);
    }
    process.service = service;
    add(process, sampleOf(metrics, timeMs), this.#windowMs);
  }

  current(nowMs: number): CurrentFigures {
    const windows = [...this.#processes.values()]
      .map((process) => this.#windowOf(process, nowMs))
      .filter((found): found is Window => found !== undefined);
    const balancers = windows.filter(({ process }) => process.service === BALANCER);
    const others = windows.filter(({ process }) => process.service !== BALANCER && process.service !== MONITOR);
    const seconds = Math.max(0, ...balancers.map((window) => window.seconds));
    const total = together(balancers.map(({ delta }) => delta));
    const stack = together(windows.map(({ delta }) => delta));
    const before = together(balancers.map(usualOf).filter((found): found is LiveSample => found !== undefined));
    const services = servicesOf([...balancers, ...others]);
    return {
      time: new Date(nowMs).toISOString(),
      window_seconds: Math.round(seconds),
      balancer: trafficOf(total, seconds),
      server: serverOf(services, total, seconds),
      services,
      cache: cacheOf(total),
      queue_size: total.queueSize,
      upstreams: upstreamsOf(total, seconds),
      components: componentsOf(stack),
      routes: seconds > 0 ? ledgerOf(total, before, seconds) : [],
      cpu_cores: coresOf(windows),
      memory_bytes: stack.memoryBytes,
    };
  }

  /** The last 15 minutes in steps of 15 s. A step without traffic is null. */
  history(nowMs: number): LiveHistory {
    const last = stepOf(nowMs);
    const steps = Array.from({ length: STEPS }, (_, at) => last - STEPS + 1 + at);
    const rows = steps.map((step) => this.#step(step));
    const past = this.#past;
    const column = (figure: PastFigure, live: (row: (typeof rows)[number]) => number | null | undefined) =>
      rows.map((row, at) => live(row) ?? past?.[figure][past.timesMs.indexOf(steps[at] * STEP_MS)] ?? null);
    return {
      stepMs: STEP_MS,
      timesMs: steps.map((step) => step * STEP_MS),
      requestsPerSecond: column('requestsPerSecond', ({ traffic }) => traffic?.requests_per_second),
      serverRequestsPerSecond: column('serverRequestsPerSecond', ({ server }) => server),
      averageSeconds: column('averageSeconds', ({ traffic }) => traffic?.average_seconds),
      p95Seconds: column('p95Seconds', ({ traffic }) => traffic?.p95_seconds),
      errorRatio: column('errorRatio', ({ traffic }) => traffic?.error_ratio),
      hitRatio: column('hitRatio', ({ hitRatio }) => hitRatio),
      cpuCores: column('cpuCores', ({ cpu }) => cpu),
    };
  }

  /** Takes the figures of steps before this process began. */
  remember(past: LiveHistory): void {
    this.#past = past;
  }

  #step(step: number): {
    traffic: ReturnType<typeof trafficOf>;
    server: number | null;
    hitRatio: number | null;
    cpu: number | null;
  } {
    const parts = [...this.#processes.values()]
      .map((process): Window | undefined => {
        const newer = process.coarse.get(step);
        const older = process.coarse.get(step - 1);
        if (newer === undefined || older === undefined) return undefined;
        const seconds = (newer.timeMs - older.timeMs) / 1_000;
        return { process, now: newer, delta: between(older, newer), seconds, since: older };
      })
      .filter((found): found is Window => found !== undefined);
    const balancers = parts.filter(({ process }) => process.service === BALANCER);
    const total = together(balancers.map(({ delta }) => delta));
    const seconds = Math.max(0, ...balancers.map((part) => part.seconds));
    return {
      traffic: trafficOf(total, seconds),
      server: serverOf(servicesOf(parts), total, seconds)?.requests_per_second ?? null,
      hitRatio: cacheOf(total)?.hit_ratio ?? null,
      cpu: coresOf(parts),
    };
  }

  #windowOf(process: Process, nowMs: number): Window | undefined {
    const now = process.fine.at(-1);
    const since = process.fine.find(({ timeMs }) => timeMs >= nowMs - this.#windowMs - 1_000);
    if (now === undefined || since === undefined || now.timeMs < nowMs - this.#silentMs) return undefined;
    const seconds = (now.timeMs - since.timeMs) / 1_000;
    // A single sample has gauges, but no increase.
    if (seconds < LEAST_WINDOW_SECONDS) return { process, now, since: now, seconds: 0, delta: between(now, now) };
    return { process, now, since, seconds, delta: between(since, now) };
  }

  #forget(nowMs: number): void {
    for (const [instance, { fine }] of this.#processes) {
      if ((fine.at(-1)?.timeMs ?? 0) < nowMs - FORGET_MS) this.#processes.delete(instance);
    }
  }
}

function add(process: Process, sample: LiveSample, windowMs: number): void {
  const last = process.fine.at(-1);
  if (last !== undefined && sample.timeMs <= last.timeMs) return;
  const uptimeMs = (sample.processUptimeSeconds ?? Infinity) * 1_000;
  // A process that started within the window started with zero counts, so its counts before its first collection belong to
  // the window too.
  if (last === undefined && uptimeMs < windowMs) process.fine.push(birth(sample.timeMs - Math.ceil(uptimeMs)));
  if (last !== undefined && restarted(last, sample)) {
    process.fine = [birth(last.timeMs)];
    process.coarse.clear();
  }
  process.fine.push(sample);
  // One sample before the window stays. Without it, the first second of the window would have no figures.
  while (process.fine.length > 2 && process.fine[1].timeMs <= sample.timeMs - windowMs) process.fine.shift();
  if (process.fine.length > WINDOW_MS / 500) process.fine.shift();
  const step = stepOf(sample.timeMs);
  if (!process.coarse.has(step)) process.coarse.set(step, sample);
  for (const known of process.coarse.keys()) if (known < step - STEPS) process.coarse.delete(known);
}

/** The counts of a process at its start. */
const birth = (timeMs: number): LiveSample => ({ ...emptySample(timeMs), cpuSeconds: 0 });

/** Request counts only rise. When they fall (or the uptime falls), a new process has the same name. */
function restarted(older: LiveSample, newer: LiveSample): boolean {
  if (newer.requests.count < older.requests.count) return true;
  return (newer.processUptimeSeconds ?? 0) < (older.processUptimeSeconds ?? 0) - 1;
}

/** The balancer's figures from the oldest step to the start of the window: the baseline for comparison. */
function usualOf({ process, since }: Window): LiveSample | undefined {
  const oldest = Math.min(...process.coarse.keys());
  const older = process.coarse.get(oldest);
  return older === undefined || older.timeMs >= since.timeMs ? undefined : between(older, since);
}

function servicesOf(windows: readonly Window[]): ServiceFigures[] {
  const byService = Map.groupBy(windows, ({ process }) => process.service);
  return [...byService]
    .map(([service, parts]): ServiceFigures => {
      const total = together(parts.map(({ delta }) => delta));
      return {
        service,
        instances: parts.length,
        traffic: trafficOf(total, Math.max(0, ...parts.map(({ seconds }) => seconds))),
        cpu_cores: coresOf(parts),
        memory_bytes: total.memoryBytes,
        uptime_seconds: total.processUptimeSeconds,
      };
    })
    .sort((a, b) => (a.service < b.service ? -1 : 1));
}

function serverOf(
  services: readonly ServiceFigures[],
  balancer: LiveSample,
  seconds: number,
): CurrentFigures['server'] {
  const own = services.filter(
    ({ service, traffic }) => service !== BALANCER && service !== MONITOR && traffic !== null,
  );
  if (own.length > 0) {
    let rate = 0;
    for (const { traffic } of own) rate += traffic?.requests_per_second ?? 0;
    return { requests_per_second: rate, source: 'services' };
  }
  let sent = 0;
  for (const { requests } of balancer.upstreams.values()) sent += requests;
  return sent > 0 && seconds > 0 ? { requests_per_second: sent / seconds, source: 'upstreams' } : null;
}

function componentsOf(stack: LiveSample): ComponentUptime[] {
  return ['balancer', 'server', 'cache', 'monitor']
    .filter((component) => stack.uptimeSeconds.has(component))
    .map((component) => ({ component, uptime_seconds: stack.uptimeSeconds.get(component) ?? 0 }));
}

function coresOf(windows: readonly Window[]): number | null {
  let cores: number | null = null;
  for (const { delta, seconds } of windows) {
    if (delta.cpuSeconds !== null && seconds > 0) cores = (cores ?? 0) + delta.cpuSeconds / seconds;
  }
  return cores;
}
