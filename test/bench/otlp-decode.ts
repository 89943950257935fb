/**
 * OTLP decoding against protobufjs' generated code, in one process, in interleaved pairs: `node test/bench/otlp-decode.ts`.
 * 512 spans of 10 attributes; 512 metric points, half of them histograms with 15 buckets. Prints medians and ratios.
 */
import { readFileSync } from 'node:fs';
import { attributesOf } from '../../src/monitor/ingest/metrics/metric-points.ts';
import { ingestRig } from '../support/telemetry/ingest-bench.ts';
import { encodeProto, protoType } from '../support/telemetry/otlp-proto.ts';
import { median, spread } from '../support/quantile.ts';
import { decodeMetrics, decodeTraces } from '../support/telemetry/decoders.ts';

const PAIRS = 21;
const ITEMS = 512;
const TARGET_MS = 60;
const NOW = BigInt(Date.now()) * 1_000_000n;

const attributes = (i: number): object[] => [
  { key: 'http.request.method', value: { stringValue: 'GET' } },
  { key: 'url.scheme', value: { stringValue: 'http' } },
  { key: 'url.path', value: { stringValue: `/api/orders/${i * 7919}` } },
  { key: 'http.route', value: { stringValue: '/api/orders/:id' } },
  { key: 'http.response.status_code', value: { intValue: 200 } },
  { key: 'server.address', value: { stringValue: '127.0.0.1' } },
  { key: 'server.port', value: { intValue: 8080 } },
  { key: 'network.protocol.version', value: { stringValue: '1.1' } },
  { key: 'user_agent.original', value: { stringValue: 'Mozilla/5.0 (X11; Linux x86_64)' } },
  { key: 'client.address', value: { stringValue: `10.0.0.${i % 250}` } },
];
const resource = { attributes: [{ key: 'service.name', value: { stringValue: 'shop' } }] };
const id = (i: number, bytes: number): Buffer => Buffer.alloc(bytes, String(i + 1).padStart(8, '0'));

const spans = encodeProto('ExportTraces', {
  resourceSpans: [
    {
      resource,
      scopeSpans: [
        {
          scope: { name: 'http' },
          spans: Array.from({ length: ITEMS }, (_, i) => ({
            traceId: id(i, 16),
            spanId: id(i, 8),
            parentSpanId: id(i + 1, 8),
            name: 'GET /api/orders/:id',
            kind: 2,
            startTimeUnixNano: String(NOW + BigInt(i)),
            endTimeUnixNano: String(NOW + BigInt(i + 1_000_000)),
            attributes: attributes(i),
            status: {},
          })),
        },
      ],
    },
  ],
});

const bounds = Array.from({ length: 14 }, (_, i) => 0.001 * 2 ** i);
const head = (i: number): object => ({
  attributes: [
    ...attributes(0).slice(0, 2),
    ...attributes(0).slice(3, 6),
    { key: 'i', value: { stringValue: `s${i}` } },
  ],
  startTimeUnixNano: String(NOW - 60_000_000_000n),
  timeUnixNano: String(NOW),
});
const points = encodeProto('ExportMetrics', {
  resourceMetrics: [
    {
      resource,
      scopeMetrics: [
        {
          scope: { name: 'http' },
          metrics: [
            {
              name: 'http.requests',
              unit: '{request}',
              sum: {
                aggregationTemporality: 2,
                isMonotonic: true,
                dataPoints: Array.from({ length: ITEMS / 2 }, (_, i) => ({ ...head(i), asDouble: i * 1.5 })),
              },
            },
            {
              name: 'http.server.request.duration',
              unit: 's',
              histogram: {
                aggregationTemporality: 2,
                dataPoints: Array.from({ length: ITEMS / 2 }, (_, i) => ({
                  ...head(i),
                  count: 150,
                  sum: i * 0.5,
                  explicitBounds: bounds,
                  bucketCounts: Array.from({ length: 15 }, () => 10),
                })),
              },
            },
          ],
        },
      ],
    },
  ],
});

const metricsType = protoType('ExportMetrics');
const tracesType = protoType('ExportTraces');
const { intake } = ingestRig();
intake.clock.now = () => Date.now();
const nullSink = {
  resolve: intake.sinks.samples.resolve.bind(intake.sinks.samples),
  append: () => Promise.resolve({ accepted: 0, rejected: [] }),
};
Object.assign(intake.sinks.samples, { append: nullSink.append });

/** Items a second of `run`, called for about TARGET_MS. */
async function rate(run: () => unknown): Promise<number> {
  const start = performance.now();
  let rounds = 0;
  let elapsed = 0;
  for (; elapsed < TARGET_MS; elapsed = performance.now() - start) {
    await run();
    rounds += 1;
  }
  return (rounds * ITEMS * 1000) / elapsed;
}

const thousands = (number: number): string => `${Math.round(number / 1000)} k/s`;

async function compare(name: string, ours: () => unknown, peer: () => unknown): Promise<void> {
  const [mine, theirs, ratios]: number[][] = [[], [], []];
  for (let i = -3; i < PAIRS; i += 1) {
    const pair = i % 2 === 0 ? [await rate(ours), await rate(peer)] : [await rate(peer), await rate(ours)].reverse();
    if (i < 0) continue;
    mine.push(pair[0]);
    theirs.push(pair[1]);
    ratios.push(pair[0] / pair[1]);
  }
  console.log(
    `${name}: ${thousands(median(mine))} against ${thousands(median(theirs))}, ratio ${median(ratios).toFixed(2)} (${spread(ratios, 2)})`,
  );
}

const { version } = JSON.parse(
  readFileSync(new URL('../../node_modules/protobufjs/package.json', import.meta.url), 'utf8'),
) as { version: string };
console.log(
  `Node ${process.version}, protobufjs ${version}, ${PAIRS} pairs; items of ${Math.round(spans.length / ITEMS)} B (spans) and ${Math.round(points.length / ITEMS)} B (points)`,
);
await compare(
  'spans as objects',
  () => decodeTraces(spans),
  () => tracesType.decode(spans),
);
await compare(
  'metric points as objects, attributes too',
  () => {
    for (const { metrics } of decodeMetrics(points))
      for (const metric of metrics) for (const point of metric.points) attributesOf(point);
  },
  () => metricsType.decode(points),
);
await compare(
  'metric points with attributes as keys',
  () => decodeMetrics(points),
  () => metricsType.decode(points),
);
await compare(
  'metric points decoded and turned into samples of known series',
  () => intake.metrics(decodeMetrics(points), 'otlp_http'),
  () => metricsType.decode(points),
);
