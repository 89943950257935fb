/** Every large request gives the thread back in steps of some hundred items, whatever its form. */
import { compress } from 'snappyjs';
import { describe, expect, it } from 'vitest';
import { decodeLogsJson } from '../../../../src/monitor/ingest/otlp/logs-json.ts';
import { decodeLogs } from '../../../../src/monitor/ingest/otlp/logs-protobuf.ts';
import { decodeMetricsJson } from '../../../../src/monitor/ingest/otlp/metrics-json.ts';
import { decodeMetrics } from '../../../../src/monitor/ingest/otlp/metrics-protobuf.ts';
import { decodeTracesJson } from '../../../../src/monitor/ingest/otlp/traces-json.ts';
import { decodeTraces } from '../../../../src/monitor/ingest/otlp/traces-protobuf.ts';
import { readWriteRequestV1, readWriteRequestV2 } from '../../../../src/monitor/ingest/remote-write/requests.ts';
import { decodeSnappy } from '../../../../src/monitor/ingest/remote-write/snappy.ts';
import { WriteSeriesCache } from '../../../../src/monitor/ingest/remote-write/write-series.ts';
import { WriteSteps } from '../../../../src/monitor/ingest/remote-write/write-steps.ts';
import { LABEL_LIMITS } from '../../../../src/monitor/ingest/metrics/series-labels.ts';
import { inSteps, type Steps } from '../../../../src/monitor/ingest/request/steps.ts';
import { Turns } from '../../../../src/base/clock.ts';
import { encodeProto } from '../../../support/telemetry/otlp-proto.ts';
import { MemorySampleSink } from '../../../support/telemetry/memory-sinks.ts';
import { NOW_MS, ingestRig, ingestServer, stillClock } from '../../../support/telemetry/ingest-bench.ts';
import { postWrite } from '../../../support/telemetry/remote-write.ts';

const ITEMS = 4_000;
const STEPS = 20;
const T = `${NOW_MS}000000`;
const each = (item: (i: number) => object): object[] => Array.from({ length: ITEMS }, (_, i) => item(i));

const points = each((i) => ({ timeUnixNano: T, asDouble: i }));
const metrics = { resourceMetrics: [{ scopeMetrics: [{ metrics: [{ name: 'g', gauge: { dataPoints: points } }] }] }] };
const many = each((i) => ({ name: `g${i}`, gauge: { dataPoints: [{ timeUnixNano: T, asDouble: i }] } }));
const short = { resourceMetrics: [{ scopeMetrics: [{ metrics: many }] }] };
const traces = { resourceSpans: [{ scopeSpans: [{ spans: each(() => ({ name: 's' })) }] }] };
const logs = { resourceLogs: [{ scopeLogs: [{ logRecords: each(() => ({ severityNumber: 9 })) }] }] };
const json = (value: object): Buffer => Buffer.from(JSON.stringify(value));

const sample = (i: number): object => ({ timestamp: NOW_MS + i, value: i });
const oneSeries = { timeseries: [{ labels: [{ name: '__name__', value: 'm' }], samples: each(sample) }] };
const manySeries = {
  timeseries: each((i) => ({ labels: [{ name: '__name__', value: `m${i}` }], samples: [sample(i)] })),
};
const V2 = {
  symbols: ['', '__name__', 'm', ...Array.from({ length: ITEMS }, (_, i) => `s${i}`)],
  timeseries: [{ labelsRefs: [1, 2], samples: each(sample) }],
};
const writeSteps = (): WriteSteps =>
  new WriteSteps(new WriteSeriesCache(new MemorySampleSink(), LABEL_LIMITS, 100), { maxAheadMs: 0, anyTime: true }, 0);

function stepsOf(work: Steps<unknown>): number {
  for (let steps = 0; ; steps += 1) if (work.next().done === true) return steps;
}

describe('a large request is read in steps', () => {
  it.each<[string, () => Steps<unknown>]>([
    ['points of one metric in protobuf', () => decodeMetrics(encodeProto('ExportMetrics', metrics))],
    ['metrics of one point in protobuf', () => decodeMetrics(encodeProto('ExportMetrics', short))],
    ['points of one metric in JSON', () => decodeMetricsJson(json(metrics))],
    ['metrics of one point in JSON', () => decodeMetricsJson(json(short))],
    ['spans in protobuf', () => decodeTraces(encodeProto('ExportTraces', traces))],
    ['spans in JSON', () => decodeTracesJson(json(traces))],
    ['log records in protobuf', () => decodeLogs(encodeProto('ExportLogs', logs))],
    ['log records in JSON', () => decodeLogsJson(json(logs))],
    ['samples of one series', () => readWriteRequestV1(encodeProto('WriteV1', oneSeries), writeSteps())],
    ['series of one sample', () => readWriteRequestV1(encodeProto('WriteV1', manySeries), writeSteps())],
    ['symbols and samples of version 2', () => readWriteRequestV2(encodeProto('WriteV2', V2), writeSteps())],
    ['a block of snappy', () => decodeSnappy(compress(Buffer.alloc(8 * 1024 * 1024, 'a line of text ')), 1e8)],
  ])('%s', (_, work) => {
    expect(stepsOf(work())).toBeGreaterThan(STEPS);
  });

  it('and others get the thread when the turn is over', async () => {
    const clock = stillClock();
    const turns = new Turns(clock, 5);
    const order: string[] = [];
    const work = function* (): Steps<string> {
      for (const step of ['a', 'b', 'c', 'd']) {
        order.push(step);
        clock.nowMs += 3;
        yield;
      }
      return 'done';
    };
    await turns.next();
    setImmediate(() => order.push('another'));
    expect(await inSteps(turns, work())).toBe('done');
    expect(order).toEqual(['a', 'b', 'another', 'c', 'd']);
  });
});

it('a remote write request of many parts is stored whole, also when the store released its references meanwhile', async () => {
  const rig = ingestRig();
  await using server = await ingestServer(rig.intake);
  const { samples } = rig.sinks;
  const append = samples.append.bind(samples);
  let parts = 0;
  samples.append = (batch) => {
    parts += 1;
    samples.generation += 1;
    return append(batch);
  };
  const timeseries = Array.from({ length: 3 }, (_, n) => ({
    labels: [{ name: '__name__', value: `m${n}` }],
    samples: Array.from({ length: 6_000 }, (__, i) => ({ timestamp: NOW_MS - 6_000 + i, value: i })),
  }));
  const answer = await postWrite(server.url, Buffer.from(compress(encodeProto('WriteV1', { timeseries }))));
  expect(answer.status).toBe(204);
  expect(parts).toBeGreaterThan(2);
  for (const name of ['m0', 'm1', 'm2']) {
    expect(samples.of(name).map(({ v }) => v)).toEqual(Array.from({ length: 6_000 }, (_, i) => i));
  }
});
