/**
 * Query results → JSON text, directly from the columns, without an object for each point. Yields chunks of about 64 KiB, so
 * a large matrix is never in memory as one text.
 */
import type { Histogram } from '../../../model/histogram.ts';
import type { MatrixSeries, Point, QueryResult, QueryValue } from '../../../model/ports.ts';
import { formatValue } from '../../../model/go-float.ts';
import { SUCCESS_HEAD, successTail } from './envelope.ts';
import { histogramBuckets } from './histogram-buckets.ts';

const CHUNK_LENGTH = 64 * 1024;

/** Milliseconds → JSON number of seconds with at most three decimals. */
export function secondsText(ms: number): string {
  const whole = Math.trunc(ms / 1_000);
  const rest = Math.abs(Math.round(ms - whole * 1_000));
  if (rest === 0) return String(whole);
  const sign = ms < 0 && whole === 0 ? '-' : '';
  return `${sign}${whole}.${String(rest).padStart(3, '0')}`;
}

export function histogramJson(h: Histogram): string {
  const buckets = histogramBuckets(h).map(
    ({ rule, lower, upper, count }) =>
      `[${rule},"${formatValue(lower)}","${formatValue(upper)}","${formatValue(count)}"]`,
  );
  const list = buckets.length === 0 ? '' : `,"buckets":[${buckets.join(',')}]`;
  return `{"count":"${formatValue(h.count)}","sum":"${formatValue(h.sum)}"${list}}`;
}

function pointJson({ t, v, h }: Point): string {
  if (h !== undefined) return `"histogram":[${secondsText(t)},${histogramJson(h)}]`;
  return `"value":[${secondsText(t)},"${formatValue(v)}"]`;
}

function* seriesJson({ labels, t, v, h }: MatrixSeries): Generator<string> {
  yield `{"metric":${JSON.stringify(labels)}`;
  yield* pointsJson('values', t, (i) => (h?.[i] === undefined ? `"${formatValue(v[i])}"` : undefined));
  if (h !== undefined) {
    yield* pointsJson('histograms', t, (i) => {
      const histogram = h[i];
      return histogram === undefined ? undefined : histogramJson(histogram);
    });
  }
  yield '}';
}

/** `,"name":[[time,text],…]` with the points that have a text; nothing when no point has one. */
function* pointsJson(name: string, t: Float64Array, textAt: (index: number) => string | undefined): Generator<string> {
  let out = '';
  let open = false;
  for (let i = 0; i < t.length; i += 1) {
    const text = textAt(i);
    if (text === undefined) continue;
    out += `${open ? ',' : `,"${name}":[`}[${secondsText(t[i])},${text}]`;
    open = true;
    if (out.length >= CHUNK_LENGTH) {
      yield out;
      out = '';
    }
  }
  if (open) yield `${out}]`;
}

function* valueJson(value: QueryValue): Generator<string> {
  if (value.kind === 'scalar') yield `[${secondsText(value.t)},"${formatValue(value.v)}"]`;
  else if (value.kind === 'string') yield `[${secondsText(value.t)},${JSON.stringify(value.v)}]`;
  else {
    yield '[';
    let first = true;
    for (const series of value.series) {
      if (!first) yield ',';
      first = false;
      if ('point' in series) yield `{"metric":${JSON.stringify(series.labels)},${pointJson(series.point)}}`;
      else yield* seriesJson(series);
    }
    yield ']';
  }
}

/** The whole body in chunks. `resultType` comes before `result`, because streaming readers rely on that order. */
export function* resultJson({ value, warnings, infos, stats }: QueryResult): Generator<string> {
  let text = `${SUCCESS_HEAD}{"resultType":"${value.kind}","result":`;
  for (const part of valueJson(value)) {
    text += part;
    if (text.length >= CHUNK_LENGTH) {
      yield text;
      text = '';
    }
  }
  if (stats !== undefined) text += `,"stats":${JSON.stringify(stats)}`;
  yield `${text}}${successTail({ warnings, infos })}`;
}
