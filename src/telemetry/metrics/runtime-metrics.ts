/**
 * Metrics of the event loop, garbage collection and heap of this process, with the names and sources of
 * `@opentelemetry/instrumentation-runtime-node`. That instrumentation wakes an idle process fifty times a second to measure
 * how late a timer fires, and walks that histogram seven times a collection. Here the delay is the time that an iteration of
 * the event loop takes besides waiting. This needs no timer, and the reported values cover the last seconds.
 */
import {
  constants,
  monitorEventLoopDelay,
  performance,
  type PerformanceEntry,
  PerformanceObserver,
} from 'node:perf_hooks';
import { getHeapSpaceStatistics } from 'node:v8';
import type { Clock } from '../../base/clock.ts';
import { systemClock } from '../../base/clock.ts';
import { boundHistogram } from './cells.ts';
import { GC_DURATION, RUNTIME_METRICS } from './host-names.ts';
import { observeTable, type Observe } from './observe.ts';

type ObserveRuntime = Observe<keyof typeof RUNTIME_METRICS>;

const SCOPE = 'vitrine.runtime';
const DELAY_WINDOW_MS = 5_000;
/** In seconds; the bounds of the instrumentation. */
const GC_BOUNDS = [0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10] as const;
const GC_KINDS: ReadonlyMap<number, string> = new Map([
  [constants.NODE_PERFORMANCE_GC_MAJOR, 'major'],
  [constants.NODE_PERFORMANCE_GC_MINOR, 'minor'],
  [constants.NODE_PERFORMANCE_GC_INCREMENTAL, 'incremental'],
  [constants.NODE_PERFORMANCE_GC_WEAKCB, 'weakcb'],
]);

const ACTIVE = { 'nodejs.eventloop.state': 'active' };
const IDLE = { 'nodejs.eventloop.state': 'idle' };

type Delay = readonly (readonly [key: keyof typeof RUNTIME_METRICS, seconds: number])[];

/** The delay of the last complete window. It is read once a window because each figure walks the histogram. */
function watchDelay(clock: Clock): { readonly read: () => Delay; readonly stop: () => void } {
  // Node versions without the first option measure by a timer with the second.
  const options: { resolution: number } = Object.assign({ samplePerIteration: true }, { resolution: 20 });
  const histogram = monitorEventLoopDelay(options);
  histogram.enable();
  let sinceMs = clock.monotonic();
  let last: Delay = [];
  const read = (): Delay => {
    const now = clock.monotonic();
    if (histogram.count === 0 || (last.length > 0 && now - sinceMs < DELAY_WINDOW_MS)) return last;
    last = [
      ['delayMin', histogram.min / 1e9],
      ['delayMax', histogram.max / 1e9],
      ['delayMean', histogram.mean / 1e9],
      ['delayStddev', histogram.stddev / 1e9],
      ['delayP50', histogram.percentile(50) / 1e9],
      ['delayP90', histogram.percentile(90) / 1e9],
      ['delayP99', histogram.percentile(99) / 1e9],
    ];
    histogram.reset();
    sinceMs = now;
    return last;
  };
  return { read, stop: () => void histogram.disable() };
}

function watchCollections(): () => void {
  const histogram = boundHistogram(SCOPE, GC_DURATION, GC_BOUNDS);
  const observer = new PerformanceObserver((list) => {
    for (const entry of list.getEntries()) {
      const { kind } = (entry as PerformanceEntry & { detail: { kind: number } }).detail;
      histogram.bind({ 'v8js.gc.type': GC_KINDS.get(kind) ?? 'unknown' }).record(entry.duration / 1e3);
    }
  });
  observer.observe({ entryTypes: ['gc'] });
  return () => observer.disconnect();
}

function observeHeap(observe: ObserveRuntime): void {
  for (const space of getHeapSpaceStatistics()) {
    const attributes = { 'v8js.heap.space.name': space.space_name };
    observe('heapSize', space.space_size, attributes);
    observe('heapUsed', space.space_used_size, attributes);
    observe('heapAvailable', space.space_available_size, attributes);
    observe('heapPhysical', space.physical_space_size, attributes);
  }
}

/** A kind that was seen once is reported as 0 while there is none of it. */
function observeResources(observe: ObserveRuntime, known: Set<string>): void {
  const counts = new Map<string, number>();
  for (const type of process.getActiveResourcesInfo()) counts.set(type, (counts.get(type) ?? 0) + 1);
  for (const type of counts.keys()) known.add(type);
  for (const type of known) observe('resources', counts.get(type) ?? 0, { 'v8js.resource.type': type });
}

/** Call once an SDK is registered. Returns a function that removes the metrics. */
export function registerRuntimeMetrics(clock: Clock = systemClock): () => void {
  const delay = watchDelay(clock);
  const endCollections = watchCollections();
  const known = new Set<string>();
  let before = performance.eventLoopUtilization();
  const endTable = observeTable(SCOPE, RUNTIME_METRICS, clock, (observe) => {
    const now = performance.eventLoopUtilization();
    observe('utilization', performance.eventLoopUtilization(now, before).utilization);
    before = now;
    observe('time', now.active / 1e3, ACTIVE);
    observe('time', now.idle / 1e3, IDLE);
    for (const [key, seconds] of delay.read()) observe(key, seconds);
    observeHeap(observe);
    observeResources(observe, known);
  });
  return () => {
    endTable();
    endCollections();
    delay.stop();
  };
}
