/**
 * Native histograms as bytes. Bucket counts that are whole are written as differences to the histogram before when the
 * layout is the same (which it nearly always is: counters that grow a little), others as floats. Exact for every value.
 */
import type { BucketSpan, Histogram, ResetHint } from '../../../model/histogram.ts';
import type { ByteReader, ByteWriter } from './bytes.ts';

const HINTS: readonly ResetHint[] = ['unknown', 'reset', 'not_reset', 'gauge'];
const SAME_LAYOUT = 1;
const WHOLE_COUNTS = 2;
/** Above this, differences could leave the range of exact numbers. */
const WHOLE_MAX = 2 ** 50;

const isWhole = (value: number): boolean =>
  Number.isInteger(value) && Math.abs(value) <= WHOLE_MAX && !Object.is(value, -0);

function sameSpans(a: readonly BucketSpan[], b: readonly BucketSpan[]): boolean {
  return a.length === b.length && a.every((span, i) => span.offset === b[i].offset && span.length === b[i].length);
}

function sameLayout(a: Histogram, b: Histogram): boolean {
  return (
    a.schema === b.schema &&
    a.zeroThreshold === b.zeroThreshold &&
    sameSpans(a.positiveSpans, b.positiveSpans) &&
    sameSpans(a.negativeSpans, b.negativeSpans) &&
    a.positiveBuckets.length === b.positiveBuckets.length &&
    a.negativeBuckets.length === b.negativeBuckets.length &&
    a.customValues.length === b.customValues.length &&
    a.customValues.every((bound, i) => bound === b.customValues[i])
  );
}

export function sameHistogram(a: Histogram | undefined, b: Histogram | undefined): boolean {
  if (a === undefined || b === undefined) return a === b;
  return (
    sameLayout(a, b) &&
    Object.is(a.sum, b.sum) &&
    a.count === b.count &&
    a.zeroCount === b.zeroCount &&
    a.positiveBuckets.every((count, i) => count === b.positiveBuckets[i]) &&
    a.negativeBuckets.every((count, i) => count === b.negativeBuckets[i])
  );
}

function countsOf(h: Histogram): number[] {
  return [h.count, h.zeroCount, ...h.positiveBuckets, ...h.negativeBuckets];
}

function writeSpans(writer: ByteWriter, spans: readonly BucketSpan[]): void {
  writer.varint(spans.length);
  for (const { offset, length } of spans) {
    writer.svarint(offset);
    writer.varint(length);
  }
}

export function writeHistogram(writer: ByteWriter, h: Histogram, before: Histogram | undefined): void {
  const counts = countsOf(h);
  const old = before !== undefined && sameLayout(h, before) ? countsOf(before) : undefined;
  const whole = counts.every(isWhole) && (old === undefined || old.every(isWhole));
  writer.u8((old === undefined ? 0 : SAME_LAYOUT) | (whole ? WHOLE_COUNTS : 0) | (HINTS.indexOf(h.resetHint) << 2));
  if (old === undefined) {
    writer.svarint(h.schema);
    writer.f64(h.zeroThreshold);
    writeSpans(writer, h.positiveSpans);
    writeSpans(writer, h.negativeSpans);
    writer.varint(h.positiveBuckets.length);
    writer.varint(h.negativeBuckets.length);
    writer.varint(h.customValues.length);
    for (const bound of h.customValues) writer.f64(bound);
  }
  writer.f64(h.sum);
  for (let i = 0; i < counts.length; i += 1) {
    if (whole) writer.svarint(counts[i] - (old === undefined ? 0 : old[i]));
    else writer.f64(counts[i]);
  }
}

/** Lengths come from the blob, so each is checked against the bytes left before memory is allocated. */
function lengthOf(reader: ByteReader): number {
  const length = reader.varint();
  if (length > reader.source.length - reader.pos) throw new RangeError('a list in the blob is longer than the blob');
  return length;
}

function readSpans(reader: ByteReader): BucketSpan[] {
  const spans: BucketSpan[] = [];
  for (let left = lengthOf(reader); left > 0; left -= 1) {
    const offset = reader.svarint();
    spans.push({ offset, length: reader.varint() });
  }
  return spans;
}

type Layout = Pick<
  Histogram,
  | 'schema'
  | 'zeroThreshold'
  | 'positiveSpans'
  | 'negativeSpans'
  | 'positiveBuckets'
  | 'negativeBuckets'
  | 'customValues'
>;

function readLayout(reader: ByteReader): Layout {
  const schema = reader.svarint();
  const zeroThreshold = reader.f64();
  const positiveSpans = readSpans(reader);
  const negativeSpans = readSpans(reader);
  const positives = lengthOf(reader);
  const negatives = lengthOf(reader);
  const customValues = Array.from({ length: lengthOf(reader) }, () => reader.f64());
  const zeros = (length: number): number[] => Array.from({ length }, () => 0);
  return {
    schema,
    zeroThreshold,
    positiveSpans,
    negativeSpans,
    positiveBuckets: zeros(positives),
    negativeBuckets: zeros(negatives),
    customValues,
  };
}

export function readHistogram(reader: ByteReader, before: Histogram | undefined): Histogram {
  const head = reader.u8();
  const old = (head & SAME_LAYOUT) === 0 ? undefined : before;
  if ((head & SAME_LAYOUT) !== 0 && old === undefined) throw new RangeError('a histogram lacks the one before it');
  const layout: Layout = old ?? readLayout(reader);
  const whole = (head & WHOLE_COUNTS) !== 0;
  const sum = reader.f64();
  const oldCounts = old === undefined ? undefined : countsOf(old);
  const size = 2 + layout.positiveBuckets.length + layout.negativeBuckets.length;
  const counts: number[] = [];
  for (let i = 0; i < size; i += 1) {
    counts.push(whole ? reader.svarint() + (oldCounts === undefined ? 0 : oldCounts[i]) : reader.f64());
  }
  const middle = 2 + layout.positiveBuckets.length;
  return {
    schema: layout.schema,
    count: counts[0],
    sum,
    zeroThreshold: layout.zeroThreshold,
    zeroCount: counts[1],
    positiveSpans: layout.positiveSpans,
    positiveBuckets: counts.slice(2, middle),
    negativeSpans: layout.negativeSpans,
    negativeBuckets: counts.slice(middle),
    customValues: layout.customValues,
    resetHint: HINTS[(head >>> 2) & 3],
  };
}
