/** Native histograms of remote write (prompb.Histogram, the same in both versions) as Histogram: float counts throughout. */
import type { BucketSpan, Histogram, ResetHint } from '../../../model/histogram.ts';
import { CUSTOM_BUCKETS_SCHEMA } from '../../../model/histogram.ts';
import type { ProtobufReader } from '../protobuf/reader.ts';
import { fields } from '../protobuf/reader.ts';
import { isStaleNaN } from './stale.ts';

const HISTOGRAM = fields(1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17);
const RESET_HINTS: readonly ResetHint[] = ['unknown', 'reset', 'not_reset', 'gauge'];

export interface HistogramSample {
  readonly histogram: Histogram;
  readonly stale: boolean;
  readonly timeMs: number;
  /** 0 when unknown. */
  readonly startMs: number;
}

class Draft {
  schema = 0;
  count = 0;
  sum = 0;
  stale = false;
  zeroThreshold = 0;
  zeroCount = 0;
  readonly negativeSpans: BucketSpan[] = [];
  readonly positiveSpans: BucketSpan[] = [];
  readonly negativeDeltas: number[] = [];
  readonly positiveDeltas: number[] = [];
  readonly negativeCounts: number[] = [];
  readonly positiveCounts: number[] = [];
  readonly customValues: number[] = [];
  hint = 0;
  timeMs = 0;
  startMs = 0;
}

export function readHistogram(r: ProtobufReader): HistogramSample {
  const outer = r.enter();
  const draft = new Draft();
  while (r.pos < r.end) {
    const tag = r.tag();
    if (!readScalar(r, tag, draft) && !readBuckets(r, tag, draft)) r.skip(tag, HISTOGRAM);
  }
  r.leave(outer);
  const integer = draft.positiveDeltas.length > 0 || draft.negativeDeltas.length > 0;
  const histogram: Histogram = {
    schema: draft.schema,
    count: draft.count,
    sum: draft.sum,
    zeroThreshold: draft.zeroThreshold,
    zeroCount: draft.zeroCount,
    positiveSpans: draft.positiveSpans,
    positiveBuckets: integer ? absolute(draft.positiveDeltas) : draft.positiveCounts,
    negativeSpans: draft.negativeSpans,
    negativeBuckets: integer ? absolute(draft.negativeDeltas) : draft.negativeCounts,
    customValues: draft.customValues,
    resetHint: RESET_HINTS[draft.hint] ?? 'unknown',
  };
  return { histogram, stale: draft.stale, timeMs: draft.timeMs, startMs: draft.startMs };
}

function readScalar(r: ProtobufReader, tag: number, draft: Draft): boolean {
  switch (tag) {
    case 0x08:
      r.varint64();
      draft.count = r.unsigned();
      return true;
    case 0x11:
      draft.count = r.double();
      return true;
    case 0x19:
      r.fixed64();
      draft.stale = isStaleNaN(r.lo, r.hi);
      draft.sum = r.view.getFloat64(r.pos - 8, true);
      return true;
    case 0x20:
      draft.schema = r.sint32();
      return true;
    case 0x29:
      draft.zeroThreshold = r.double();
      return true;
    case 0x30:
      r.varint64();
      draft.zeroCount = r.unsigned();
      return true;
    case 0x39:
      draft.zeroCount = r.double();
      return true;
    case 0x70:
      draft.hint = r.uint32();
      return true;
    case 0x78:
      r.varint64();
      draft.timeMs = r.signed();
      return true;
    case 0x88:
      r.varint64();
      draft.startMs = r.signed();
      return true;
    default:
      return false;
  }
}

function readBuckets(r: ProtobufReader, tag: number, draft: Draft): boolean {
  switch (tag) {
    case 0x42:
      draft.negativeSpans.push(readSpan(r));
      return true;
    case 0x5a:
      draft.positiveSpans.push(readSpan(r));
      return true;
    case 0x4a:
    case 0x48:
      readSint64s(r, tag, draft.negativeDeltas);
      return true;
    case 0x62:
    case 0x60:
      readSint64s(r, tag, draft.positiveDeltas);
      return true;
    case 0x52:
    case 0x51:
      readDoubles(r, tag, draft.negativeCounts);
      return true;
    case 0x6a:
    case 0x69:
      readDoubles(r, tag, draft.positiveCounts);
      return true;
    case 0x82:
    case 0x81:
      readDoubles(r, tag, draft.customValues);
      return true;
    default:
      return false;
  }
}

function readSpan(r: ProtobufReader): BucketSpan {
  const outer = r.enter();
  let offset = 0;
  let length = 0;
  while (r.pos < r.end) {
    const tag = r.tag();
    if (tag === 0x08) offset = r.sint32();
    else if (tag === 0x10) length = r.uint32();
    else r.skip(tag, fields(1, 2));
  }
  r.leave(outer);
  return { offset, length };
}

function readSint64s(r: ProtobufReader, tag: number, into: number[]): void {
  if ((tag & 7) === 0) {
    r.varint64();
    into.push(r.zigzag());
    return;
  }
  const outer = r.enter();
  while (r.pos < r.end) {
    r.varint64();
    into.push(r.zigzag());
  }
  r.leave(outer);
}

function readDoubles(r: ProtobufReader, tag: number, into: number[]): void {
  if ((tag & 7) === 1) {
    into.push(r.double());
    return;
  }
  const outer = r.enter();
  while (r.pos < r.end) into.push(r.double());
  r.leave(outer);
}

function absolute(deltas: readonly number[]): number[] {
  let count = 0;
  return deltas.map((delta) => (count += delta));
}

/** The reason why a histogram is invalid, after Prometheus' Validate; undefined when it is valid. */
export function refuseHistogram(h: Histogram): string | undefined {
  const custom = h.schema === CUSTOM_BUCKETS_SCHEMA;
  if (!custom && (h.schema < -4 || h.schema > 8)) return `schema ${h.schema} is not known`;
  if (custom && h.customValues.some((bound, i) => i > 0 && bound <= h.customValues[i - 1])) {
    return 'the custom bounds do not rise';
  }
  if (custom && (h.negativeSpans.length > 0 || h.zeroCount !== 0)) return 'custom bounds go with positive buckets only';
  if (!custom && h.customValues.length > 0) return 'custom bounds need schema -53';
  return (
    refuseSide(h.positiveSpans, h.positiveBuckets) ??
    refuseSide(h.negativeSpans, h.negativeBuckets) ??
    (h.count < 0 || h.zeroCount < 0 ? 'a count is negative' : undefined)
  );
}

function refuseSide(spans: readonly BucketSpan[], buckets: readonly number[]): string | undefined {
  let length = 0;
  for (const [i, span] of spans.entries()) {
    if (i > 0 && span.offset < 0) return 'a span overlaps the one before';
    length += span.length;
  }
  if (length !== buckets.length) return `the spans need ${length} buckets, there are ${buckets.length}`;
  return buckets.some((count) => count < 0) ? 'a bucket has a negative count' : undefined;
}
