/**
 * One collection of one process, reduced to the figures that the live view needs: cumulative sums over all other attributes.
 * Pure. The number of routes and upstreams of a process is limited; those beyond the limit are counted.
 */
import type { FrameHistogram, FrameMetric, FramePoint } from '../../model/frame.ts';
import { METRICS } from '../../telemetry/names.ts';
import type { Phase } from './contract.ts';

export const PHASES: readonly Phase[] = ['queue', 'cache', 'connect', 'upstream', 'transfer'];
const MAX_ROUTES = 500;
const MAX_UPSTREAMS = 200;
const MAX_NAME_LENGTH = 200;

/**
 * Counts by bucket (one more than there are bounds). The first layout sets `bounds`; other layouts add to `count` and `sum`
 * only.
 */
export interface Buckets {
  count: number;
  sum: number;
  bounds: readonly number[];
  counts: number[];
}

export interface UpstreamSample {
  up: boolean | null;
  requests: number;
  errors: number;
}

export interface RouteSample {
  requests: number;
  errors: number;
  /** Seconds in each phase of PHASES. */
  readonly phaseSeconds: Float64Array;
}

/** Cumulative since the process started, except for the gauges. */
export interface LiveSample {
  readonly timeMs: number;
  readonly requests: Buckets;
  /** By class of the status code: `2xx` … `5xx`, `other`. */
  readonly byStatus: Map<string, number>;
  errors: number;
  /** By `METHOD route`, with a space between the two. */
  readonly routes: Map<string, RouteSample>;
  readonly lookups: Map<string, number>;
  readonly lookupDuration: Buckets;
  readonly upstreams: Map<string, UpstreamSample>;
  readonly uptimeSeconds: Map<string, number>;
  queueSize: number | null;
  cacheEntries: number | null;
  cacheSizeBytes: number | null;
  cpuSeconds: number | null;
  memoryBytes: number | null;
  processUptimeSeconds: number | null;
  /** Number of routes and upstreams beyond the limit. */
  refused: number;
}

export function emptyBuckets(): Buckets {
  return { count: 0, sum: 0, bounds: [], counts: [] };
}

export function emptySample(timeMs: number): LiveSample {
  return {
    timeMs,
    requests: emptyBuckets(),
    byStatus: new Map(),
    errors: 0,
    routes: new Map(),
    lookups: new Map(),
    lookupDuration: emptyBuckets(),
    upstreams: new Map(),
    uptimeSeconds: new Map(),
    queueSize: null,
    cacheEntries: null,
    cacheSizeBytes: null,
    cpuSeconds: null,
    memoryBytes: null,
    processUptimeSeconds: null,
    refused: 0,
  };
}

const text = (point: FramePoint, key: string): string => {
  const value = Object.hasOwn(point.attributes, key) ? point.attributes[key] : undefined;
  if (typeof value === 'string') return value.slice(0, MAX_NAME_LENGTH);
  return typeof value === 'number' ? String(value) : '';
};

const asNumber = (point: FramePoint): number | undefined =>
  typeof point.value === 'number' && Number.isFinite(point.value) ? point.value : undefined;

const sameBounds = (a: readonly number[], b: readonly number[]): boolean =>
  a.length === b.length && a.every((bound, at) => bound === b[at]);

/** Adds counts that are finite. For a layout other than the first, adds only count and sum. */
export function addBuckets(into: Buckets, from: Pick<FrameHistogram, 'bounds' | 'counts' | 'sum' | 'count'>): void {
  if (!Number.isFinite(from.count) || !Number.isFinite(from.sum)) return;
  into.count += from.count;
  into.sum += from.sum;
  if (from.bounds.length === 0) return;
  if (into.bounds.length === 0) {
    into.bounds = from.bounds;
    into.counts = [...from.counts];
  } else if (sameBounds(into.bounds, from.bounds)) {
    for (let at = 0; at < into.counts.length; at += 1) into.counts[at] += from.counts[at];
  }
}

function addHistogram(into: Buckets, value: FramePoint['value']): void {
  if (typeof value === 'number') return;
  if (value.kind === 'histogram') addBuckets(into, value);
  else addBuckets(into, { bounds: [], counts: [], sum: value.sum, count: value.count });
}

/** `503` → `5xx`; any text that is not a status code → `other`. */
export function statusClass(status: string): string {
  return /^[1-5]\d\d$/.test(status) ? `${status[0]}xx` : 'other';
}

const failed = (status: string, errorType: string): boolean =>
  status.startsWith('5') || (status === '' && errorType !== '');

function routeOf(sample: LiveSample, point: FramePoint): RouteSample | undefined {
  const route = text(point, 'http.route');
  if (route === '') return undefined;
  const key = `${text(point, 'http.request.method')} ${route}`;
  let found = sample.routes.get(key);
  if (found === undefined) {
    if (sample.routes.size >= MAX_ROUTES) {
      sample.refused += 1;
      return undefined;
    }
    found = { requests: 0, errors: 0, phaseSeconds: new Float64Array(PHASES.length) };
    sample.routes.set(key, found);
  }
  return found;
}

function upstreamOf(sample: LiveSample, point: FramePoint): UpstreamSample | undefined {
  const name = text(point, 'vitrine.upstream');
  let found = sample.upstreams.get(name);
  if (found === undefined) {
    if (name === '' || sample.upstreams.size >= MAX_UPSTREAMS) {
      sample.refused += 1;
      return undefined;
    }
    found = { up: null, requests: 0, errors: 0 };
    sample.upstreams.set(name, found);
  }
  return found;
}

type Reader = (sample: LiveSample, point: FramePoint) => void;

const plus = (a: number | null, b: number | undefined): number | null => (b === undefined ? a : (a ?? 0) + b);

const READERS: Readonly<Record<string, Reader>> = {
  [METRICS.httpServerDuration.name](sample, point) {
    if (typeof point.value === 'number') return;
    addHistogram(sample.requests, point.value);
    const status = text(point, 'http.response.status_code');
    const group = statusClass(status);
    const { count } = point.value;
    sample.byStatus.set(group, (sample.byStatus.get(group) ?? 0) + count);
    const errors = failed(status, text(point, 'error.type')) ? count : 0;
    sample.errors += errors;
    const route = routeOf(sample, point);
    if (route === undefined) return;
    route.requests += count;
    route.errors += errors;
  },
  [METRICS.phaseDuration.name](sample, point) {
    const at = PHASES.findIndex((phase) => phase === text(point, 'vitrine.phase'));
    if (typeof point.value === 'number' || at < 0) return;
    const route = routeOf(sample, point);
    if (route !== undefined) route.phaseSeconds[at] += point.value.sum;
  },
  [METRICS.cacheLookups.name](sample, point) {
    const result = text(point, 'vitrine.cache.result');
    if (['hit', 'miss', 'stale', 'bypass', 'error'].includes(result)) {
      sample.lookups.set(result, (sample.lookups.get(result) ?? 0) + (asNumber(point) ?? 0));
    }
  },
  [METRICS.cacheLookupDuration.name]: (sample, point) => addHistogram(sample.lookupDuration, point.value),
  [METRICS.cacheEntries.name](sample, point) {
    sample.cacheEntries = plus(sample.cacheEntries, asNumber(point));
  },
  [METRICS.cacheSize.name](sample, point) {
    sample.cacheSizeBytes = plus(sample.cacheSizeBytes, asNumber(point));
  },
  [METRICS.queueSize.name](sample, point) {
    sample.queueSize = plus(sample.queueSize, asNumber(point));
  },
  [METRICS.upstreamUp.name](sample, point) {
    const upstream = upstreamOf(sample, point);
    if (upstream !== undefined) upstream.up = point.value === 1;
  },
  [METRICS.upstreamRequests.name](sample, point) {
    const upstream = upstreamOf(sample, point);
    if (upstream === undefined) return;
    const count = asNumber(point) ?? 0;
    upstream.requests += count;
    if (failed(text(point, 'http.response.status_code'), text(point, 'error.type'))) upstream.errors += count;
  },
  [METRICS.componentUptime.name](sample, point) {
    const component = text(point, 'vitrine.component');
    const seconds = asNumber(point);
    if (seconds !== undefined && ['balancer', 'cache', 'server', 'monitor'].includes(component)) {
      sample.uptimeSeconds.set(component, seconds);
    }
  },
  'process.cpu.time'(sample, point) {
    sample.cpuSeconds = plus(sample.cpuSeconds, asNumber(point));
  },
  'process.memory.usage'(sample, point) {
    sample.memoryBytes = plus(sample.memoryBytes, asNumber(point));
  },
  'process.uptime'(sample, point) {
    sample.processUptimeSeconds = asNumber(point) ?? sample.processUptimeSeconds;
  },
};

export function sampleOf(metrics: readonly FrameMetric[], timeMs: number): LiveSample {
  const sample = emptySample(timeMs);
  for (const metric of metrics) {
    const read = Object.hasOwn(READERS, metric.name) ? READERS[metric.name] : undefined;
    if (read !== undefined) for (const point of metric.points) read(sample, point);
  }
  return sample;
}
