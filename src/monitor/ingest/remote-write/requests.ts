/**
 * Both versions of Prometheus' remote write out of protobuf: prometheus.WriteRequest (1.0) and
 * io.prometheus.write.v2.Request (2.0, prometheus.io/docs/specs/prw/remote_write_spec_2_0), straight into sample columns.
 * Throws VitrineError `bad_request`.
 */
import { Labels } from '../../../model/labels.ts';
import type { MetricType } from '../../../model/series.ts';
import { ProtobufReader, fields, malformed } from '../protobuf/reader.ts';
import { ITEMS_A_STEP, type Steps } from '../request/steps.ts';
import type { WriteSeries } from './write-series.ts';
import type { WriteSteps } from './write-steps.ts';
import { readHistogram } from './histogram-message.ts';
import { isStaleNaN } from './stale.ts';

const TYPES: readonly MetricType[] = [
  'unknown',
  'counter',
  'gauge',
  'histogram',
  'gaugehistogram',
  'summary',
  'info',
  'stateset',
];

/**
 * WriteRequest { timeseries = 1, metadata = 3 }; TimeSeries { labels = 1, samples = 2, exemplars = 3, histograms = 4 }, labels
 * come first. At a yield what was read may be taken and stored; the store may release references then, so the series is
 * looked up again.
 */
export function* readWriteRequestV1(bytes: Uint8Array, steps: WriteSteps): Steps<void> {
  const r = new ProtobufReader(bytes);
  let count = 0;
  while (r.pos < r.end) {
    const tag = r.tag();
    if (tag === 0x0a) {
      const outer = r.enter();
      const key = labelRun(r);
      let series = steps.cache.get(key, () => pairsOf(key));
      steps.beginSeries();
      while (r.pos < r.end) {
        readFieldV1(r, series, steps);
        count += 1;
        if (count % ITEMS_A_STEP !== 0) continue;
        yield;
        series = steps.cache.get(key, () => pairsOf(key));
      }
      steps.endSeries();
      r.leave(outer);
    } else if (tag === 0x1a) readMetadataV1(r, steps);
    else r.skip(tag, fields(1, 3));
    count += 1;
    if (count % ITEMS_A_STEP === 0) yield;
  }
}

/** The bytes of the labels at the begin of a series. */
function labelRun(r: ProtobufReader): string {
  const start = r.pos;
  while (r.pos < r.end && r.bytes[r.pos] === 0x0a) {
    r.pos += 1;
    r.pass();
  }
  return r.key(start, r.pos);
}

function readFieldV1(r: ProtobufReader, series: WriteSeries, steps: WriteSteps): void {
  const tag = r.tag();
  if (tag === 0x12) readSample(r, series, steps);
  else if (tag === 0x1a) readExemplar(r, series, steps, undefined);
  else if (tag === 0x22) steps.histogram(series, readHistogram(r));
  else r.skip(tag, fields(1, 2, 3, 4));
}

/** Label { name = 1, value = 2 }, one after the other. */
function pairsOf(key: string): string[] {
  const r = new ProtobufReader(Buffer.from(key, 'latin1'));
  const pairs: string[] = [];
  while (!r.done) {
    r.tag();
    readLabel(r, pairs);
  }
  return pairs;
}

function readLabel(r: ProtobufReader, pairs: string[]): void {
  const outer = r.enter();
  let name = '';
  let value = '';
  while (r.pos < r.end) {
    const tag = r.tag();
    if (tag === 0x0a) name = r.name();
    else if (tag === 0x12) value = r.string();
    else r.skip(tag, fields(1, 2));
  }
  r.leave(outer);
  pairs.push(name, value);
}

/** Sample { value = 1, timestamp = 2, start_timestamp = 3 (2.0) }. */
function readSample(r: ProtobufReader, series: WriteSeries, steps: WriteSteps, createdMs = 0): void {
  const outer = r.enter();
  let value = 0;
  let stale = false;
  let timeMs = 0;
  let startMs = createdMs;
  while (r.pos < r.end) {
    const tag = r.tag();
    if (tag === 0x09) {
      r.fixed64();
      stale = isStaleNaN(r.lo, r.hi);
      value = stale ? Number.NaN : r.view.getFloat64(r.pos - 8, true);
    } else if (tag === 0x10) {
      r.varint64();
      timeMs = r.signed();
    } else if (tag === 0x18) {
      r.varint64();
      startMs = r.signed();
    } else r.skip(tag, fields(1, 2, 3));
  }
  r.leave(outer);
  steps.sample(series, timeMs, value, stale, startMs);
}

/** Exemplar { labels or labels_refs = 1, value = 2, timestamp = 3 }. */
function readExemplar(
  r: ProtobufReader,
  series: WriteSeries,
  steps: WriteSteps,
  symbols: readonly string[] | undefined,
): void {
  const outer = r.enter();
  let pairs: string[] = [];
  let value = 0;
  let timestampMs = 0;
  while (r.pos < r.end) {
    const tag = r.tag();
    if (tag === 0x0a && symbols === undefined) readLabel(r, pairs);
    else if (tag === 0x0a) pairs = namesOf(readRefs(r, []), symbols ?? []);
    else if (tag === 0x11) value = r.double();
    else if (tag === 0x18) {
      r.varint64();
      timestampMs = r.signed();
    } else r.skip(tag, fields(1, 2, 3));
  }
  r.leave(outer);
  const named = pairs.flatMap((name, i): [string, string][] => (i % 2 === 0 ? [[name, pairs[i + 1]]] : []));
  const labels = Labels.from(named);
  steps.exemplar(series, { labels, value, timestampMs });
}

/** MetricMetadata { type = 1, metric_family_name = 2, help = 4, unit = 5 }. */
function readMetadataV1(r: ProtobufReader, steps: WriteSteps): void {
  const outer = r.enter();
  let type = 0;
  let name = '';
  let help = '';
  let unit = '';
  while (r.pos < r.end) {
    const tag = r.tag();
    if (tag === 0x08) type = r.uint32();
    else if (tag === 0x12) name = r.string();
    else if (tag === 0x22) help = r.string();
    else if (tag === 0x2a) unit = r.string();
    else r.skip(tag, fields(1, 2, 4, 5));
  }
  r.leave(outer);
  steps.metadata({ name, type: TYPES[type] ?? 'unknown', help, unit });
}

/** Request { symbols = 4, timeseries = 5 }. The symbols are read first, wherever they stand. */
export function* readWriteRequestV2(bytes: Uint8Array, steps: WriteSteps): Steps<void> {
  const r = new ProtobufReader(bytes);
  const symbols = yield* readSymbols(r);
  let count = 0;
  while (r.pos < r.end) {
    const tag = r.tag();
    if (tag === 0x2a) {
      const outer = r.enter();
      const start = r.pos;
      const { pairs, createdMs, metadata } = readHeadV2(r, symbols);
      let series = steps.cache.ofPairs(pairs);
      if (metadata !== undefined) describe(series, metadata, symbols, steps);
      r.pos = start;
      steps.beginSeries();
      while (r.pos < r.end) {
        readFieldV2(r, series, steps, { symbols, createdMs });
        count += 1;
        if (count % ITEMS_A_STEP !== 0) continue;
        yield;
        series = steps.cache.ofPairs(pairs);
      }
      steps.endSeries();
      r.leave(outer);
    } else r.skip(tag, fields(5));
    count += 1;
    if (count % ITEMS_A_STEP === 0) yield;
  }
}

/** The reader stands at the begin again afterwards. */
function* readSymbols(r: ProtobufReader): Steps<string[]> {
  const symbols: string[] = [];
  while (r.pos < r.end) {
    const tag = r.tag();
    if (tag !== 0x22) r.skip(tag, fields(4));
    else if (symbols.push(r.name()) % ITEMS_A_STEP === 0) yield;
  }
  if (symbols.length > 0 && symbols[0] !== '') throw malformed('the first symbol is not the empty string');
  r.pos = 0;
  return symbols;
}

/**
 * TimeSeries { labels_refs = 1, samples = 2, histograms = 3, exemplars = 4, metadata = 5, created_timestamp = 6 }. The last
 * is from release candidates of the specification and counts for samples that name no start themselves.
 */
function readHeadV2(
  r: ProtobufReader,
  symbols: readonly string[],
): { pairs: string[]; createdMs: number; metadata: MetadataV2 | undefined } {
  const refs: number[] = [];
  let createdMs = 0;
  let metadata: MetadataV2 | undefined;
  while (r.pos < r.end) {
    const tag = r.tag();
    if (tag === 0x0a) readRefs(r, refs);
    else if (tag === 0x08) refs.push(r.uint32());
    else if (tag === 0x2a) metadata = readMetadataV2(r);
    else if (tag === 0x30) {
      r.varint64();
      createdMs = r.signed();
    } else r.skip(tag, fields(1, 5));
  }
  if (refs.length % 2 !== 0) throw malformed('a series has a label without a value');
  return { pairs: namesOf(refs, symbols), createdMs, metadata };
}

function describe(series: WriteSeries, metadata: MetadataV2, symbols: readonly string[], steps: WriteSteps): void {
  if (series.metadataSent) return;
  series.metadataSent = true;
  const [help, unit] = namesOf([metadata.help, metadata.unit], symbols);
  steps.metadata({ name: familyOf(series, metadata.type), type: TYPES[metadata.type] ?? 'unknown', help, unit });
}

function readFieldV2(
  r: ProtobufReader,
  series: WriteSeries,
  steps: WriteSteps,
  { symbols, createdMs }: { readonly symbols: readonly string[]; readonly createdMs: number },
): void {
  const tag = r.tag();
  if (tag === 0x12) readSample(r, series, steps, createdMs);
  else if (tag === 0x1a) steps.histogram(series, readHistogram(r));
  else if (tag === 0x22) readExemplar(r, series, steps, symbols);
  else r.skip(tag, fields(2, 3, 4));
}

interface MetadataV2 {
  type: number;
  help: number;
  unit: number;
}

/** Metadata { type = 1, help_ref = 3, unit_ref = 4 }. */
function readMetadataV2(r: ProtobufReader): MetadataV2 {
  const outer = r.enter();
  const found = { type: 0, help: 0, unit: 0 };
  while (r.pos < r.end) {
    const tag = r.tag();
    if (tag === 0x08) found.type = r.uint32();
    else if (tag === 0x18) found.help = r.uint32();
    else if (tag === 0x20) found.unit = r.uint32();
    else r.skip(tag, fields(1, 3, 4));
  }
  r.leave(outer);
  return found;
}

/** The family of a series: distributions leave their suffixes off. */
function familyOf(series: WriteSeries, type: number): string {
  const { name } = series.labels;
  return TYPES[type] === 'histogram' || TYPES[type] === 'summary' ? name.replace(/_(?:bucket|sum|count)$/, '') : name;
}

function readRefs(r: ProtobufReader, refs: number[]): number[] {
  const outer = r.enter();
  while (r.pos < r.end) refs.push(r.uint32());
  r.leave(outer);
  return refs;
}

function namesOf(refs: readonly number[], symbols: readonly string[]): string[] {
  return refs.map((ref) => {
    const symbol = symbols[ref];
    if (symbol === undefined && ref !== 0) throw malformed(`symbol ${ref} of ${symbols.length}`);
    return symbol ?? '';
  });
}
