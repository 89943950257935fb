/**
 * OTLP and remote write messages for protobufjs, written down from the published field numbers: an encoder and decoder
 * that are independent of Vitrine's, for tests and benchmarks.
 */
import protobuf from 'protobufjs';

type Rule = 'repeated';
type FieldSpec = readonly [type: string, id: number, rule?: Rule, packed?: boolean];

function message(fields: Readonly<Record<string, FieldSpec>>): object {
  return {
    fields: Object.fromEntries(
      Object.entries(fields).map(([name, [type, id, rule, packed]]) => [
        name,
        { type, id, ...(rule ? { rule } : {}), ...(packed ? { options: { packed: true } } : {}) },
      ]),
    ),
  };
}

function oneof(fields: Readonly<Record<string, FieldSpec>>, name: string, members: readonly string[]): object {
  return { ...message(fields), oneofs: { [name]: { oneof: [...members] } } };
}

const time = { startTimeUnixNano: ['fixed64', 2], timeUnixNano: ['fixed64', 3] } as const;

const nested = {
  AnyValue: oneof(
    {
      stringValue: ['string', 1],
      boolValue: ['bool', 2],
      intValue: ['int64', 3],
      doubleValue: ['double', 4],
      arrayValue: ['ArrayValue', 5],
      kvlistValue: ['KeyValueList', 6],
      bytesValue: ['bytes', 7],
    },
    'value',
    ['stringValue', 'boolValue', 'intValue', 'doubleValue', 'arrayValue', 'kvlistValue', 'bytesValue'],
  ),
  ArrayValue: message({ values: ['AnyValue', 1, 'repeated'] }),
  KeyValueList: message({ values: ['KeyValue', 1, 'repeated'] }),
  KeyValue: message({ key: ['string', 1], value: ['AnyValue', 2] }),
  Resource: message({ attributes: ['KeyValue', 1, 'repeated'], droppedAttributesCount: ['uint32', 2] }),
  Scope: message({ name: ['string', 1], version: ['string', 2] }),

  ExportMetrics: message({ resourceMetrics: ['ResourceMetrics', 1, 'repeated'] }),
  ResourceMetrics: message({
    resource: ['Resource', 1],
    scopeMetrics: ['ScopeMetrics', 2, 'repeated'],
    schemaUrl: ['string', 3],
  }),
  ScopeMetrics: message({ scope: ['Scope', 1], metrics: ['Metric', 2, 'repeated'], schemaUrl: ['string', 3] }),
  Metric: oneof(
    {
      name: ['string', 1],
      description: ['string', 2],
      unit: ['string', 3],
      gauge: ['Gauge', 5],
      sum: ['Sum', 7],
      histogram: ['Histogram', 9],
      exponentialHistogram: ['ExponentialHistogram', 10],
      summary: ['Summary', 11],
    },
    'data',
    ['gauge', 'sum', 'histogram', 'exponentialHistogram', 'summary'],
  ),
  Gauge: message({ dataPoints: ['NumberDataPoint', 1, 'repeated'] }),
  Sum: message({
    dataPoints: ['NumberDataPoint', 1, 'repeated'],
    aggregationTemporality: ['int32', 2],
    isMonotonic: ['bool', 3],
  }),
  Histogram: message({ dataPoints: ['HistogramDataPoint', 1, 'repeated'], aggregationTemporality: ['int32', 2] }),
  ExponentialHistogram: message({
    dataPoints: ['ExponentialHistogramDataPoint', 1, 'repeated'],
    aggregationTemporality: ['int32', 2],
  }),
  Summary: message({ dataPoints: ['SummaryDataPoint', 1, 'repeated'] }),
  NumberDataPoint: oneof(
    {
      attributes: ['KeyValue', 7, 'repeated'],
      ...time,
      asDouble: ['double', 4],
      asInt: ['sfixed64', 6],
      exemplars: ['Exemplar', 5, 'repeated'],
      flags: ['uint32', 8],
    },
    'value',
    ['asDouble', 'asInt'],
  ),
  HistogramDataPoint: oneof(
    {
      attributes: ['KeyValue', 9, 'repeated'],
      ...time,
      count: ['fixed64', 4],
      sum: ['double', 5],
      bucketCounts: ['fixed64', 6, 'repeated', true],
      explicitBounds: ['double', 7, 'repeated', true],
      exemplars: ['Exemplar', 8, 'repeated'],
      flags: ['uint32', 10],
      min: ['double', 11],
      max: ['double', 12],
    },
    '_sum',
    ['sum'],
  ),
  Buckets: message({ offset: ['sint32', 1], bucketCounts: ['uint64', 2, 'repeated', true] }),
  ExponentialHistogramDataPoint: message({
    attributes: ['KeyValue', 1, 'repeated'],
    ...time,
    count: ['fixed64', 4],
    sum: ['double', 5],
    scale: ['sint32', 6],
    zeroCount: ['fixed64', 7],
    positive: ['Buckets', 8],
    negative: ['Buckets', 9],
    flags: ['uint32', 10],
    exemplars: ['Exemplar', 11, 'repeated'],
    min: ['double', 12],
    max: ['double', 13],
    zeroThreshold: ['double', 14],
  }),
  ValueAtQuantile: message({ quantile: ['double', 1], value: ['double', 2] }),
  SummaryDataPoint: message({
    attributes: ['KeyValue', 7, 'repeated'],
    ...time,
    count: ['fixed64', 4],
    sum: ['double', 5],
    quantileValues: ['ValueAtQuantile', 6, 'repeated'],
    flags: ['uint32', 8],
  }),
  Exemplar: oneof(
    {
      filteredAttributes: ['KeyValue', 7, 'repeated'],
      timeUnixNano: ['fixed64', 2],
      asDouble: ['double', 3],
      asInt: ['sfixed64', 6],
      spanId: ['bytes', 4],
      traceId: ['bytes', 5],
    },
    'value',
    ['asDouble', 'asInt'],
  ),

  ExportTraces: message({ resourceSpans: ['ResourceSpans', 1, 'repeated'] }),
  ResourceSpans: message({
    resource: ['Resource', 1],
    scopeSpans: ['ScopeSpans', 2, 'repeated'],
    schemaUrl: ['string', 3],
  }),
  ScopeSpans: message({ scope: ['Scope', 1], spans: ['Span', 2, 'repeated'], schemaUrl: ['string', 3] }),
  Span: message({
    traceId: ['bytes', 1],
    spanId: ['bytes', 2],
    traceState: ['string', 3],
    parentSpanId: ['bytes', 4],
    flags: ['fixed32', 16],
    name: ['string', 5],
    kind: ['int32', 6],
    startTimeUnixNano: ['fixed64', 7],
    endTimeUnixNano: ['fixed64', 8],
    attributes: ['KeyValue', 9, 'repeated'],
    droppedAttributesCount: ['uint32', 10],
    events: ['Event', 11, 'repeated'],
    links: ['Link', 13, 'repeated'],
    status: ['Status', 15],
  }),
  Event: message({ timeUnixNano: ['fixed64', 1], name: ['string', 2], attributes: ['KeyValue', 3, 'repeated'] }),
  Link: message({
    traceId: ['bytes', 1],
    spanId: ['bytes', 2],
    traceState: ['string', 3],
    attributes: ['KeyValue', 4, 'repeated'],
  }),
  Status: message({ message: ['string', 2], code: ['int32', 3] }),

  ExportLogs: message({ resourceLogs: ['ResourceLogs', 1, 'repeated'] }),
  ResourceLogs: message({ resource: ['Resource', 1], scopeLogs: ['ScopeLogs', 2, 'repeated'] }),
  ScopeLogs: message({ scope: ['Scope', 1], logRecords: ['LogRecord', 2, 'repeated'] }),
  LogRecord: message({
    timeUnixNano: ['fixed64', 1],
    observedTimeUnixNano: ['fixed64', 11],
    severityNumber: ['int32', 2],
    severityText: ['string', 3],
    body: ['AnyValue', 5],
    attributes: ['KeyValue', 6, 'repeated'],
    flags: ['fixed32', 8],
    traceId: ['bytes', 9],
    spanId: ['bytes', 10],
    eventName: ['string', 12],
  }),

  ExportResponse: message({ partialSuccess: ['PartialSuccess', 1] }),
  PartialSuccess: message({ rejected: ['int64', 1], errorMessage: ['string', 2] }),
  RpcStatus: message({ code: ['int32', 1], message: ['string', 2], details: ['Any', 3, 'repeated'] }),
  Any: message({ typeUrl: ['string', 1], value: ['bytes', 2] }),

  WriteV1: message({ timeseries: ['SeriesV1', 1, 'repeated'], metadata: ['MetadataV1', 3, 'repeated'] }),
  SeriesV1: message({
    labels: ['Label', 1, 'repeated'],
    samples: ['Sample', 2, 'repeated'],
    exemplars: ['ExemplarV1', 3, 'repeated'],
    histograms: ['NativeHistogram', 4, 'repeated'],
  }),
  Label: message({ name: ['string', 1], value: ['string', 2] }),
  Sample: message({ value: ['double', 1], timestamp: ['int64', 2], startTimestamp: ['int64', 3] }),
  ExemplarV1: message({ labels: ['Label', 1, 'repeated'], value: ['double', 2], timestamp: ['int64', 3] }),
  MetadataV1: message({
    type: ['int32', 1],
    metricFamilyName: ['string', 2],
    help: ['string', 4],
    unit: ['string', 5],
  }),
  BucketSpan: message({ offset: ['sint32', 1], length: ['uint32', 2] }),
  NativeHistogram: oneof(
    {
      countInt: ['uint64', 1],
      countFloat: ['double', 2],
      sum: ['double', 3],
      schema: ['sint32', 4],
      zeroThreshold: ['double', 5],
      zeroCountInt: ['uint64', 6],
      zeroCountFloat: ['double', 7],
      negativeSpans: ['BucketSpan', 8, 'repeated'],
      negativeDeltas: ['sint64', 9, 'repeated', true],
      negativeCounts: ['double', 10, 'repeated', true],
      positiveSpans: ['BucketSpan', 11, 'repeated'],
      positiveDeltas: ['sint64', 12, 'repeated', true],
      positiveCounts: ['double', 13, 'repeated', true],
      resetHint: ['int32', 14],
      timestamp: ['int64', 15],
      customValues: ['double', 16, 'repeated', true],
      startTimestamp: ['int64', 17],
    },
    'count',
    ['countInt', 'countFloat'],
  ),
  WriteV2: message({ symbols: ['string', 4, 'repeated'], timeseries: ['SeriesV2', 5, 'repeated'] }),
  SeriesV2: message({
    labelsRefs: ['uint32', 1, 'repeated', true],
    samples: ['Sample', 2, 'repeated'],
    histograms: ['NativeHistogram', 3, 'repeated'],
    exemplars: ['ExemplarV2', 4, 'repeated'],
    metadata: ['MetadataV2', 5],
  }),
  ExemplarV2: message({ labelsRefs: ['uint32', 1, 'repeated', true], value: ['double', 2], timestamp: ['int64', 3] }),
  MetadataV2: message({ type: ['int32', 1], helpRef: ['uint32', 3], unitRef: ['uint32', 4] }),
};

const root = protobuf.Root.fromJSON({ nested });

/** The type's generated encoder and decoder. */
export function protoType(name: keyof typeof nested): protobuf.Type {
  return root.lookupType(name);
}

export function encodeProto(name: keyof typeof nested, value: object): Buffer {
  const type = protoType(name);
  return Buffer.from(type.encode(type.fromObject(value)).finish());
}

export function decodeProto(name: keyof typeof nested, bytes: Uint8Array): Record<string, unknown> {
  const type = protoType(name);
  return type.toObject(type.decode(bytes), { longs: String, bytes: String, enums: Number });
}
