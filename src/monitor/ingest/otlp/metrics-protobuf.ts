/**
 * ExportMetricsServiceRequest out of protobuf (opentelemetry-proto, metrics/v1). Attributes of points stay bytes in their
 * key; they are decoded when a series is new. Throws VitrineError `bad_request`.
 */
import type { Metric, NumberPoint, PointExemplar, ResourceMetrics, Temporality } from '../metrics/metric-points.ts';
import { ProtobufReader, fields } from '../protobuf/reader.ts';
import { readResource, readScope } from '../protobuf/attributes.ts';
import { ITEMS_A_STEP, type Steps } from '../request/steps.ts';
import { readExemplar, readKeyRun } from './point-parts-protobuf.ts';
import { readExponentialPoint, readHistogramPoint, readSummaryPoint } from './distributions-protobuf.ts';

const METRIC = fields(1, 2, 3, 5, 7, 9, 10, 11);
const POINT = fields(2, 3, 4, 5, 6, 7, 8);
const NO_RECORDED_VALUE = 1;

export function* decodeMetrics(bytes: Uint8Array): Steps<ResourceMetrics[]> {
  const r = new ProtobufReader(bytes);
  const out: ResourceMetrics[] = [];
  while (r.pos < r.end) {
    const tag = r.tag();
    if (tag === 0x0a) out.push(yield* readResourceMetrics(r));
    else r.skip(tag, 1 << 1);
  }
  return out;
}

function* readResourceMetrics(r: ProtobufReader): Steps<ResourceMetrics> {
  const outer = r.enter();
  const metrics: Metric[] = [];
  let resource = {};
  let key = '';
  while (r.pos < r.end) {
    const tag = r.tag();
    if (tag === 0x0a) {
      const start = r.pos;
      resource = readResource(r).attributes;
      key = r.key(start, r.pos);
    } else if (tag === 0x12) yield* readScopeMetrics(r, metrics);
    else if (tag === 0x1a) r.skip(tag);
    else r.skip(tag, fields(1, 2, 3));
  }
  r.leave(outer);
  return { key, resource, metrics };
}

function* readScopeMetrics(r: ProtobufReader, into: Metric[]): Steps<void> {
  const outer = r.enter();
  while (r.pos < r.end) {
    const tag = r.tag();
    if (tag === 0x0a) readScope(r);
    else if (tag === 0x12) {
      const metric = yield* readMetric(r);
      if (metric && into.push(metric) % ITEMS_A_STEP === 0) yield;
    } else if (tag === 0x1a) r.skip(tag);
    else r.skip(tag, fields(1, 2, 3));
  }
  r.leave(outer);
}

type MetricData =
  | { kind: 'gauge' | 'sum'; points: NumberPoint[]; temporality: Temporality; monotonic: boolean }
  | Extract<Metric, { kind: 'histogram' | 'exponential' | 'summary' }>;

/** Undefined for a metric without data, which the specification allows. */
function* readMetric(r: ProtobufReader): Steps<Metric | undefined> {
  const outer = r.enter();
  let name = '';
  let description = '';
  let unit = '';
  let data: Omit<MetricData, 'name' | 'unit' | 'description'> | undefined;
  while (r.pos < r.end) {
    const tag = r.tag();
    switch (tag) {
      case 0x0a:
        name = r.name();
        break;
      case 0x12:
        description = r.name();
        break;
      case 0x1a:
        unit = r.name();
        break;
      case 0x2a:
        data = yield* readData(r, 'gauge', readNumberPoint);
        break;
      case 0x3a:
        data = yield* readData(r, 'sum', readNumberPoint);
        break;
      case 0x4a:
        data = yield* readData(r, 'histogram', readHistogramPoint);
        break;
      case 0x52:
        data = yield* readData(r, 'exponential', readExponentialPoint);
        break;
      case 0x5a:
        data = yield* readData(r, 'summary', readSummaryPoint);
        break;
      default:
        r.skip(tag, METRIC);
    }
  }
  r.leave(outer);
  return data && ({ name, unit, description, ...data } as Metric);
}

interface Data<K, P> {
  kind: K;
  points: P[];
  temporality: Temporality;
  monotonic: boolean;
}

/** Gauge, Sum, Histogram, ExponentialHistogram and Summary share their field numbers. */
function* readData<K, P>(r: ProtobufReader, kind: K, readPoint: (r: ProtobufReader) => P): Steps<Data<K, P>> {
  const outer = r.enter();
  const points: P[] = [];
  let temporality: Temporality = 0;
  let monotonic = false;
  while (r.pos < r.end) {
    const tag = r.tag();
    if (tag === 0x0a) {
      if (points.push(readPoint(r)) % ITEMS_A_STEP === 0) yield;
    } else if (tag === 0x10) temporality = temporalityOf(r.uint32());
    else if (tag === 0x18) monotonic = r.bool();
    else r.skip(tag, fields(1, 2, 3));
  }
  r.leave(outer);
  return { kind, points, temporality, monotonic };
}

export function temporalityOf(value: number): Temporality {
  return value === 1 || value === 2 ? value : 0;
}

function readNumberPoint(r: ProtobufReader): NumberPoint {
  const outer = r.enter();
  let startMs = 0;
  let timeMs = 0;
  // A point without a value has proto3's default value.
  let value = 0;
  let flags = 0;
  let exemplars: PointExemplar[] | undefined;
  let key = '';
  while (r.pos < r.end) {
    const at = r.pos;
    const tag = r.tag();
    switch (tag) {
      case 0x3a:
        r.pass();
        key = key === '' ? readKeyRun(r, at, tag) : key + r.key(at, r.pos);
        break;
      case 0x11:
        r.fixed64();
        startMs = r.nanosAsMs();
        break;
      case 0x19:
        r.fixed64();
        timeMs = r.nanosAsMs();
        break;
      case 0x21:
        value = r.double();
        break;
      case 0x31:
        r.fixed64();
        value = r.signed();
        break;
      case 0x2a:
        exemplars ??= [];
        exemplars.push(readExemplar(r));
        break;
      case 0x40:
        flags = r.uint32();
        break;
      default:
        r.skip(tag, POINT);
    }
  }
  r.leave(outer);
  const stale = (flags & NO_RECORDED_VALUE) !== 0;
  return { key, attributes: undefined, startMs, timeMs, stale, exemplars, value };
}
