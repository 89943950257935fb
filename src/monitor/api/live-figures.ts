/**
 * Figures from cumulative samples: the difference between two samples of a process, the sum of such differences over several
 * processes, and the figures shown to people. Pure. When a counter falls, it was reset, and its new value is the increase,
 * as Prometheus counts a reset.
 */
import type { CacheFigures, LatencyFigures, Phase, RouteLedger, TrafficFigures, UpstreamFigures } from './contract.ts';
import type { Buckets, LiveSample, RouteSample } from './live-sample.ts';
import { addBuckets, emptyBuckets, emptySample, PHASES } from './live-sample.ts';

const grown = (newer: number, older: number): number => (newer < older ? newer : newer - older);

export const ratioOf = (part: number, whole: number): number | null => (whole > 0 ? part / whole : null);

function bucketsBetween(older: Buckets, newer: Buckets): Buckets {
  const comparable = newer.count >= older.count && older.counts.length === newer.counts.length;
  return {
    count: grown(newer.count, older.count),
    sum: newer.count < older.count ? newer.sum : newer.sum - older.sum,
    bounds: newer.bounds,
    counts: comparable ? newer.counts.map((count, at) => Math.max(0, count - older.counts[at])) : [...newer.counts],
  };
}

function mapBetween(older: ReadonlyMap<string, number>, newer: ReadonlyMap<string, number>): Map<string, number> {
  return new Map([...newer].map(([key, value]) => [key, grown(value, older.get(key) ?? 0)]));
}

function routeBetween(older: RouteSample | undefined, newer: RouteSample): RouteSample {
  return {
    requests: grown(newer.requests, older?.requests ?? 0),
    errors: grown(newer.errors, older?.errors ?? 0),
    phaseSeconds: newer.phaseSeconds.map((seconds, at) => grown(seconds, older?.phaseSeconds[at] ?? 0)),
  };
}

/** The increase between two samples of one process; gauges are taken from the newer sample. */
export function between(older: LiveSample, newer: LiveSample): LiveSample {
  return {
    ...newer,
    requests: bucketsBetween(older.requests, newer.requests),
    byStatus: mapBetween(older.byStatus, newer.byStatus),
    errors: grown(newer.errors, older.errors),
    routes: new Map([...newer.routes].map(([key, route]) => [key, routeBetween(older.routes.get(key), route)])),
    lookups: mapBetween(older.lookups, newer.lookups),
    lookupDuration: bucketsBetween(older.lookupDuration, newer.lookupDuration),
    upstreams: new Map(
      [...newer.upstreams].map(([name, upstream]) => {
        const was = older.upstreams.get(name);
        const requests = grown(upstream.requests, was?.requests ?? 0);
        return [name, { up: upstream.up, requests, errors: grown(upstream.errors, was?.errors ?? 0) }];
      }),
    ),
    cpuSeconds:
      newer.cpuSeconds === null || older.cpuSeconds === null ? null : grown(newer.cpuSeconds, older.cpuSeconds),
  };
}

const addNull = (a: number | null, b: number | null): number | null => (b === null ? a : (a ?? 0) + b);

const addMap = (into: Map<string, number>, from: ReadonlyMap<string, number>): void => {
  for (const [key, value] of from) into.set(key, (into.get(key) ?? 0) + value);
};

function addInto(total: LiveSample, part: LiveSample): void {
  addBuckets(total.requests, part.requests);
  addBuckets(total.lookupDuration, part.lookupDuration);
  addMap(total.byStatus, part.byStatus);
  addMap(total.lookups, part.lookups);
  total.errors += part.errors;
  for (const [key, route] of part.routes) {
    const sum = total.routes.get(key) ?? { requests: 0, errors: 0, phaseSeconds: new Float64Array(PHASES.length) };
    sum.requests += route.requests;
    sum.errors += route.errors;
    for (let at = 0; at < PHASES.length; at += 1) sum.phaseSeconds[at] += route.phaseSeconds[at];
    total.routes.set(key, sum);
  }
  for (const [name, upstream] of part.upstreams) {
    const sum = total.upstreams.get(name) ?? { up: null, requests: 0, errors: 0 };
    sum.requests += upstream.requests;
    sum.errors += upstream.errors;
    // Two balancers may disagree on an upstream. It counts as up while at least one of them sends to it.
    if (upstream.up !== null) sum.up = sum.up === true || upstream.up;
    total.upstreams.set(name, sum);
  }
  for (const [component, seconds] of part.uptimeSeconds) {
    const known = total.uptimeSeconds.get(component);
    total.uptimeSeconds.set(component, known === undefined ? seconds : Math.min(known, seconds));
  }
  total.queueSize = addNull(total.queueSize, part.queueSize);
  total.cacheEntries = addNull(total.cacheEntries, part.cacheEntries);
  total.cacheSizeBytes = addNull(total.cacheSizeBytes, part.cacheSizeBytes);
  total.cpuSeconds = addNull(total.cpuSeconds, part.cpuSeconds);
  total.memoryBytes = addNull(total.memoryBytes, part.memoryBytes);
  if (part.processUptimeSeconds !== null) {
    total.processUptimeSeconds = Math.min(total.processUptimeSeconds ?? Infinity, part.processUptimeSeconds);
  }
  total.refused += part.refused;
}

/** Adds up the figures of several processes. The uptime is that of the process that started last. */
export function together(parts: readonly LiveSample[]): LiveSample {
  const total: LiveSample = {
    ...emptySample(Math.max(0, ...parts.map(({ timeMs }) => timeMs))),
    requests: emptyBuckets(),
  };
  for (const part of parts) addInto(total, part);
  return total;
}

/**
 * The time in seconds within which the share `q` of the requests ended, or null without requests. Linear inside a bucket;
 * the first bucket begins at 0. In the last, open bucket the result is the highest bound
 * (prometheus.io/docs/prometheus/latest/querying/functions/#histogram_quantile).
 */
export function quantileOf(buckets: Buckets, q: number): number | null {
  const { bounds, counts } = buckets;
  let total = 0;
  for (const count of counts) total += count;
  if (total === 0 || bounds.length === 0) return null;
  const rank = q * total;
  let below = 0;
  for (let at = 0; at < bounds.length; at += 1) {
    const count = counts[at];
    if (count > 0 && below + count >= rank) {
      const start = at === 0 ? 0 : bounds[at - 1];
      return start + ((bounds[at] - start) * (rank - below)) / count;
    }
    below += count;
  }
  return bounds.at(-1) ?? null;
}

export function latencyOf(buckets: Buckets): LatencyFigures {
  return {
    average_seconds: ratioOf(buckets.sum, buckets.count),
    p50_seconds: quantileOf(buckets, 0.5),
    p95_seconds: quantileOf(buckets, 0.95),
    p99_seconds: quantileOf(buckets, 0.99),
  };
}

const TRANSFER = PHASES.indexOf('transfer');

/** The mean over all requests of the phases before the transfer, as the rule SlowResponses has it. */
function firstByteOf({ routes }: LiveSample): number | null {
  let [seconds, requests] = [0, 0];
  for (const route of routes.values()) {
    requests += route.requests;
    for (const [at, spent] of route.phaseSeconds.entries()) if (at !== TRANSFER) seconds += spent;
  }
  return ratioOf(seconds, requests);
}

/** Null without traffic. */
export function trafficOf(delta: LiveSample, seconds: number): TrafficFigures | null {
  const { requests } = delta;
  if (requests.count === 0 || seconds <= 0) return null;
  return {
    requests: requests.count,
    requests_per_second: requests.count / seconds,
    errors: delta.errors,
    error_ratio: ratioOf(delta.errors, requests.count),
    by_status: Object.fromEntries(delta.byStatus),
    first_byte_seconds: firstByteOf(delta),
    ...latencyOf(requests),
  };
}

/** Null without a cache. */
export function cacheOf(delta: LiveSample): CacheFigures | null {
  if (delta.lookups.size === 0 && delta.cacheEntries === null) return null;
  const count = (result: string): number => delta.lookups.get(result) ?? 0;
  const answered = count('hit') + count('stale');
  return {
    hits: count('hit'),
    misses: count('miss'),
    stale: count('stale'),
    bypassed: count('bypass'),
    errors: count('error'),
    hit_ratio: ratioOf(answered, answered + count('miss')),
    lookup_average_seconds: ratioOf(delta.lookupDuration.sum, delta.lookupDuration.count),
    entries: delta.cacheEntries,
    size_bytes: delta.cacheSizeBytes,
  };
}

export function upstreamsOf(delta: LiveSample, seconds: number): UpstreamFigures[] {
  return [...delta.upstreams]
    .map(([upstream, { up, requests, errors }]) => ({
      upstream,
      up: up ?? false,
      requests_per_second: seconds > 0 ? requests / seconds : 0,
      errors,
      error_ratio: ratioOf(errors, requests),
    }))
    .sort((a, b) => Number(a.up) - Number(b.up) || (a.upstream < b.upstream ? -1 : 1));
}

const meansOf = (route: RouteSample): Record<Phase, number> =>
  Object.fromEntries(PHASES.map((phase, at) => [phase, route.phaseSeconds[at] / route.requests])) as Record<
    Phase,
    number
  >;
const sumOf = (values: Iterable<number>): number => {
  let total = 0;
  for (const value of values) total += value;
  return total;
};

/** A route that fails is listed, however little time it takes: a failure is often fast. */
const failureRank = ({ error_ratio: ratio, requests_per_second: rate }: RouteLedger): number =>
  ratio >= 0.01 ? ratio * rate : 0;

/**
 * The `limit` routes that fail most or took the most time, by mean, slowest first. Means are used because other figures do
 * not add up.
 */
export function ledgerOf(now: LiveSample, before: LiveSample | undefined, seconds: number, limit = 8): RouteLedger[] {
  const routes = [...now.routes].filter(([, { requests }]) => requests > 0);
  const all = sumOf(routes.map(([, { phaseSeconds }]) => sumOf(phaseSeconds)));
  return routes
    .map(([key, route]): RouteLedger => {
      const gap = key.indexOf(' ');
      const was = before?.routes.get(key);
      const usual = was !== undefined && was.requests > 0 ? was : undefined;
      const spent = sumOf(route.phaseSeconds);
      return {
        method: key.slice(0, gap),
        route: key.slice(gap + 1),
        requests_per_second: route.requests / seconds,
        error_ratio: route.errors / route.requests,
        mean_seconds: spent / route.requests,
        phases: meansOf(route),
        before:
          usual === undefined
            ? null
            : { mean_seconds: sumOf(usual.phaseSeconds) / usual.requests, phases: meansOf(usual) },
        time_share: all > 0 ? spent / all : 0,
      };
    })
    .sort((a, b) => failureRank(b) - failureRank(a) || b.time_share - a.time_share)
    .slice(0, limit)
    .sort((a, b) => b.mean_seconds - a.mean_seconds);
}
