/** The decoders of requests, without a pause between their steps. */
import { decodeLogsJson as logsJson } from '../../../src/monitor/ingest/otlp/logs-json.ts';
import { decodeLogs as logs } from '../../../src/monitor/ingest/otlp/logs-protobuf.ts';
import { decodeMetricsJson as metricsJson } from '../../../src/monitor/ingest/otlp/metrics-json.ts';
import { decodeMetrics as metrics } from '../../../src/monitor/ingest/otlp/metrics-protobuf.ts';
import { decodeTracesJson as tracesJson } from '../../../src/monitor/ingest/otlp/traces-json.ts';
import { decodeTraces as traces } from '../../../src/monitor/ingest/otlp/traces-protobuf.ts';
import { decodeSnappy as snappy } from '../../../src/monitor/ingest/remote-write/snappy.ts';
import type { Steps } from '../../../src/monitor/ingest/request/steps.ts';

export function atOnce<T>(work: Steps<T>): T {
  for (;;) {
    const step = work.next();
    if (step.done === true) return step.value;
  }
}

const now =
  <A extends unknown[], T>(decode: (...of: A) => Steps<T>) =>
  (...of: A): T =>
    atOnce(decode(...of));

export const decodeMetrics = now(metrics);
export const decodeTraces = now(traces);
export const decodeLogs = now(logs);
export const decodeMetricsJson = now(metricsJson);
export const decodeTracesJson = now(tracesJson);
export const decodeLogsJson = now(logsJson);
export const decodeSnappy = now(snappy);
