/**
 * `GET /api/timeseries`: one signal in equal buckets that end at round times. The caller needs no PromQL. A bucket without
 * data is null, so that readers can distinguish missing data from zero.
 */
import { VitrineError } from '../../base/errors.ts';
import { formatDurationMs, parseDurationMs } from '../../base/units.ts';
import type { SignalName } from '../../dashboards/services.ts';
import { SIGNALS } from '../../dashboards/services.ts';
import { MAX_POINTS } from '../promql/point-limit.ts';
import type { MatrixSeries, Querier } from '../../model/ports.ts';
import { textFrom } from './routes.ts';

/** `GET /api/timeseries`. */
export interface TimeseriesAnswer {
  readonly service: string | null;
  readonly metric: string;
  readonly unit: string;
  readonly window_seconds: number;
  readonly bucket_seconds: number;
  readonly series: readonly {
    readonly labels: Readonly<Record<string, string>>;
    /** [end of the bucket in milliseconds, value]; a bucket without data has null. */
    readonly points: readonly (readonly [number, number | null])[];
  }[];
  /** Prometheus' warnings about the values; absent without any. */
  readonly warnings?: readonly string[];
}

const MAX_SERIES = 200;

function durationFrom(query: URLSearchParams, name: string, fallbackMs: number): number {
  const text = textFrom(query, name);
  if (text === undefined) return fallbackMs;
  const ms = parseDurationMs(text);
  if (ms === undefined || ms < 1_000) {
    throw new VitrineError('bad_request', `"${name}" must be a duration of at least 1s.`, {
      hint: 'For example 1m or 1h.',
    });
  }
  return ms;
}

const isSignal = (name: string): name is SignalName => Object.hasOwn(SIGNALS, name);

function signalFrom(query: URLSearchParams): SignalName {
  const name = textFrom(query, 'metric') ?? 'requests';
  if (isSignal(name)) return name;
  throw new VitrineError('bad_request', `"metric" must be one of ${Object.keys(SIGNALS).join(', ')}.`, {
    hint: 'Other series are at /api/v1/query_range.',
  });
}

/** A label matcher. Its value is quoted, so that the value cannot add PromQL. */
const matcherOf = (service: string | undefined): string =>
  service === undefined ? '' : `job="${service.replace(/[\\"]/g, '\\$&').replaceAll('\n', '\\n')}"`;

function pointsOf({ t, v }: MatrixSeries, times: readonly number[]): [number, number | null][] {
  const at = new Map([...t].map((time, index) => [time, v[index]]));
  return times.map((time) => {
    const value = at.get(time);
    return [time, value === undefined || !Number.isFinite(value) ? null : value];
  });
}

/** @throws VitrineError `bad_request`, and the errors of the querier */
export async function timeseriesAnswer(
  querier: Querier,
  query: URLSearchParams,
  nowMs: number,
): Promise<TimeseriesAnswer> {
  const windowMs = durationFrom(query, 'window', 3_600_000);
  const bucketMs = durationFrom(query, 'bucket', 60_000);
  const count = Math.floor(windowMs / bucketMs);
  if (count < 1 || count > MAX_POINTS) {
    throw new VitrineError('bad_request', `"window" must hold between 1 and ${MAX_POINTS} buckets.`);
  }
  const metric = signalFrom(query);
  const service = textFrom(query, 'service');
  const endMs = Math.floor(nowMs / bucketMs) * bucketMs;
  const startMs = endMs - (count - 1) * bucketMs;
  const expr = SIGNALS[metric].expr(matcherOf(service), formatDurationMs(bucketMs));
  const { value, warnings } = await querier.range(expr, startMs, endMs, bucketMs);
  const times = Array.from({ length: count }, (_, at) => startMs + at * bucketMs);
  const series = value.kind === 'matrix' ? value.series.slice(0, MAX_SERIES) : [];
  return {
    service: service ?? null,
    metric,
    unit: SIGNALS[metric].unit,
    window_seconds: windowMs / 1_000,
    bucket_seconds: bucketMs / 1_000,
    series: series.map((one) => ({ labels: one.labels.toJSON(), points: pointsOf(one, times) })),
    ...(warnings.length === 0 ? {} : { warnings }),
  };
}
