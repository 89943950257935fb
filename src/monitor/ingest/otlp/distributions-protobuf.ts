/** Histogram, exponential histogram and summary points out of protobuf (opentelemetry-proto, metrics/v1). */
import type {
  Buckets,
  ExponentialPoint,
  HistogramPoint,
  PointExemplar,
  SummaryPoint,
} from '../metrics/metric-points.ts';
import { NO_BUCKETS } from '../metrics/metric-points.ts';
import type { ProtobufReader } from '../protobuf/reader.ts';
import { fields, malformed } from '../protobuf/reader.ts';
import { readExemplar, readKeyRun } from './point-parts-protobuf.ts';

const HISTOGRAM = fields(2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12);
const EXPONENTIAL = fields(1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14);
const SUMMARY = fields(2, 3, 4, 5, 6, 7, 8);

/** The fields common to the three kinds of points, filled while they are read. */
class PointFields {
  key = '';
  startMs = 0;
  timeMs = 0;
  flags = 0;
  count = 0;
  sum: number | undefined = undefined;
  exemplars: PointExemplar[] | undefined = undefined;

  attribute(r: ProtobufReader, at: number, tag: number): void {
    r.pass();
    this.key = this.key === '' ? readKeyRun(r, at, tag) : this.key + r.key(at, r.pos);
  }

  /** Fields 2 to 5, which have the same meaning in all of them; false for any other. */
  common(r: ProtobufReader, tag: number): boolean {
    switch (tag) {
      case 0x11:
        r.fixed64();
        this.startMs = r.nanosAsMs();
        return true;
      case 0x19:
        r.fixed64();
        this.timeMs = r.nanosAsMs();
        return true;
      case 0x21:
        r.fixed64();
        this.count = r.unsigned();
        return true;
      case 0x29:
        this.sum = r.double();
        return true;
      default:
        return false;
    }
  }

  exemplar(r: ProtobufReader): void {
    this.exemplars ??= [];
    this.exemplars.push(readExemplar(r));
  }

  get stale(): boolean {
    return (this.flags & 1) !== 0;
  }
}

export function readHistogramPoint(r: ProtobufReader): HistogramPoint {
  const outer = r.enter();
  const point = new PointFields();
  const counts: number[] = [];
  const bounds: number[] = [];
  while (r.pos < r.end) {
    const at = r.pos;
    const tag = r.tag();
    if (point.common(r, tag)) continue;
    switch (tag) {
      case 0x4a:
        point.attribute(r, at, tag);
        break;
      case 0x32:
      case 0x31:
        readFixed64s(r, tag, counts);
        break;
      case 0x3a:
      case 0x39:
        readDoubles(r, tag, bounds);
        break;
      case 0x42:
        point.exemplar(r);
        break;
      case 0x50:
        point.flags = r.uint32();
        break;
      case 0x59:
      case 0x61:
        r.skip(tag);
        break;
      default:
        r.skip(tag, HISTOGRAM);
    }
  }
  r.leave(outer);
  const { key, startMs, timeMs, stale, exemplars, count, sum } = point;
  return { key, attributes: undefined, startMs, timeMs, stale, exemplars, count, sum, bounds, counts };
}

export function readExponentialPoint(r: ProtobufReader): ExponentialPoint {
  const outer = r.enter();
  const point = new PointFields();
  let scale = 0;
  let zeroCount = 0;
  let zeroThreshold = 0;
  let positive = NO_BUCKETS;
  let negative = NO_BUCKETS;
  while (r.pos < r.end) {
    const at = r.pos;
    const tag = r.tag();
    if (point.common(r, tag)) continue;
    switch (tag) {
      case 0x0a:
        point.attribute(r, at, tag);
        break;
      case 0x30:
        scale = r.sint32();
        break;
      case 0x39:
        r.fixed64();
        zeroCount = r.unsigned();
        break;
      case 0x42:
        positive = readBuckets(r);
        break;
      case 0x4a:
        negative = readBuckets(r);
        break;
      case 0x50:
        point.flags = r.uint32();
        break;
      case 0x5a:
        point.exemplar(r);
        break;
      case 0x61:
      case 0x69:
        r.skip(tag);
        break;
      case 0x71:
        zeroThreshold = r.double();
        break;
      default:
        r.skip(tag, EXPONENTIAL);
    }
  }
  r.leave(outer);
  const { key, startMs, timeMs, stale, exemplars, count, sum = 0 } = point;
  const value = { scale, count, sum, zeroCount, zeroThreshold, positive, negative };
  return { key, attributes: undefined, startMs, timeMs, stale, exemplars, value };
}

export function readSummaryPoint(r: ProtobufReader): SummaryPoint {
  const outer = r.enter();
  const point = new PointFields();
  const quantiles: { quantile: number; value: number }[] = [];
  while (r.pos < r.end) {
    const at = r.pos;
    const tag = r.tag();
    if (point.common(r, tag)) continue;
    if (tag === 0x3a) point.attribute(r, at, tag);
    else if (tag === 0x32) quantiles.push(readQuantile(r));
    else if (tag === 0x40) point.flags = r.uint32();
    else r.skip(tag, SUMMARY);
  }
  r.leave(outer);
  const { key, startMs, timeMs, stale, exemplars, count, sum = 0 } = point;
  return { key, attributes: undefined, startMs, timeMs, stale, exemplars, count, sum, quantiles };
}

function readQuantile(r: ProtobufReader): { quantile: number; value: number } {
  const outer = r.enter();
  let quantile = 0;
  let value = 0;
  while (r.pos < r.end) {
    const tag = r.tag();
    if (tag === 0x09) quantile = r.double();
    else if (tag === 0x11) value = r.double();
    else r.skip(tag, fields(1, 2));
  }
  r.leave(outer);
  return { quantile, value };
}

function readBuckets(r: ProtobufReader): Buckets {
  const outer = r.enter();
  const counts: number[] = [];
  let offset = 0;
  while (r.pos < r.end) {
    const tag = r.tag();
    if (tag === 0x08) offset = r.sint32();
    else if (tag === 0x12) {
      const list = r.enter();
      while (r.pos < r.end) {
        r.varint64();
        counts.push(r.unsigned());
      }
      r.leave(list);
    } else if (tag === 0x10) {
      r.varint64();
      counts.push(r.unsigned());
    } else r.skip(tag, fields(1, 2));
  }
  r.leave(outer);
  return { offset, counts };
}

/** A repeated fixed64, packed or not. */
function readFixed64s(r: ProtobufReader, tag: number, into: number[]): void {
  if ((tag & 7) === 1) {
    r.fixed64();
    into.push(r.unsigned());
    return;
  }
  const length = r.length();
  if (length % 8 !== 0) throw malformed('a packed list is cut inside a value');
  const { view } = r;
  const end = r.pos + length;
  for (let at = r.pos; at < end; at += 8) {
    into.push(view.getUint32(at + 4, true) * 4_294_967_296 + view.getUint32(at, true));
  }
  r.pos = end;
}

/** A repeated double, packed or not. */
function readDoubles(r: ProtobufReader, tag: number, into: number[]): void {
  if ((tag & 7) === 1) {
    into.push(r.double());
    return;
  }
  const length = r.length();
  if (length % 8 !== 0) throw malformed('a packed list is cut inside a value');
  const { view } = r;
  const end = r.pos + length;
  for (let at = r.pos; at < end; at += 8) into.push(view.getFloat64(at, true));
  r.pos = end;
}
