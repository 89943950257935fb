/** The samples of the Querier suite and a whole metrics side in this process to keep them. */
import http from 'node:http';
import { mkdtempSync, rmSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { metrics } from '@opentelemetry/api';
import Koa from 'koa';
import { silentLogger } from '../../../src/base/logger.ts';
import { systemClock } from '../../../src/base/clock.ts';
import type { Querier, SampleSource } from '../../../src/model/ports.ts';
import { prometheusRouter } from '../../../src/monitor/api/prometheus/router.ts';
import { IngestCounters } from '../../../src/monitor/ingest/checks/counters.ts';
import { ingestHttp } from '../../../src/monitor/ingest/http.ts';
import { Intake } from '../../../src/monitor/ingest/request/intake.ts';
import { embeddedQuerier } from '../../../src/monitor/promql/embedded.ts';
import { compileMatcher } from '../../../src/monitor/promql/syntax/matchers.ts';
import { openSampleStore } from '../../../src/monitor/store/open-sample-store.ts';
import { memorySinks } from '../telemetry/memory-sinks.ts';
import type { WrittenSeries } from '../telemetry/remote-write.ts';

const STEP_MS = 15_000;
const COUNT = 121;
const SPAN_MS = (COUNT - 1) * STEP_MS;
const BOUNDS = ['0.1', '0.5', '1', '+Inf'];

/** Half an hour at 15 s: counters with a reset, gauges with odd values, a classic and native histograms. */
export function querierData(endMs: number): WrittenSeries[] {
  const startMs = endMs - SPAN_MS;
  const filled = (labels: Record<string, string>, value: (k: number) => number): WrittenSeries => ({
    labels,
    samples: Array.from({ length: COUNT }, (_, k) => ({ t: startMs + k * STEP_MS, v: value(k) })),
  });
  const out: WrittenSeries[] = [];
  for (const [i, job] of ['api', 'api', 'db'].entries()) {
    const labels = { job, instance: `10.0.0.${i}:80` };
    out.push(filled({ __name__: 'requests_total', ...labels }, (k) => (k < 60 ? k * (i + 1) : (k - 60) * (i + 2))));
    out.push(filled({ __name__: 'temperature', ...labels, 'place.name': 'hall' }, (k) => Math.sin(k / 7 + i) * 20));
    for (const [b, le] of BOUNDS.entries())
      out.push(filled({ __name__: 'latency_seconds_bucket', ...labels, le }, (k) => k * (b + 1) * (i + 1)));
  }
  out.push(filled({ __name__: 'odd' }, (k) => [NaN, Infinity, -Infinity, 1e-300, 12_345_678_901_234_568][k % 5]));
  out.push({ labels: { __name__: 'brief' }, samples: [{ t: endMs - 60_000, v: 7 }] });
  return out;
}

/** Exponential buckets on both sides of zero, and custom bounds. */
export function nativeData(endMs: number): WrittenSeries[] {
  const startMs = endMs - SPAN_MS;
  const times = Array.from({ length: COUNT }, (_, k) => startMs + k * STEP_MS);
  const exponential = times.map((timestamp, k) => ({
    timestamp,
    countFloat: 8 * (k + 1),
    sum: 21.5 * (k + 1),
    schema: 1,
    zeroThreshold: 0.001,
    zeroCountFloat: k + 1,
    positiveSpans: [
      { offset: 0, length: 2 },
      { offset: 3, length: 1 },
    ],
    positiveCounts: [k + 1, 2 * (k + 1), k + 1],
    negativeSpans: [{ offset: -2, length: 2 }],
    negativeCounts: [k + 1, 2 * (k + 1)],
  }));
  const custom = times.map((timestamp, k) => ({
    timestamp,
    countFloat: 6 * (k + 1),
    sum: 30 * (k + 1),
    schema: -53,
    customValues: [1, 5, 10],
    positiveSpans: [{ offset: 0, length: 4 }],
    positiveCounts: [k + 1, 2 * (k + 1), 2 * (k + 1), k + 1],
  }));
  return [
    { labels: { __name__: 'native', kind: 'exponential' }, samples: [], histograms: exponential },
    { labels: { __name__: 'native', kind: 'custom' }, samples: [], histograms: custom },
  ];
}

export interface EmbeddedMetrics extends AsyncDisposable {
  /** Base of remote write and the Prometheus API. */
  readonly url: string;
  readonly querier: Querier;
  readonly source: SampleSource;
}

/** Store, ingest, engine and API behind one port, without processes. */
export async function embeddedMetrics(): Promise<EmbeddedMetrics> {
  const dir = mkdtempSync(path.join(tmpdir(), 'vitrine-querier-'));
  const store = openSampleStore({ dir, compileMatcher, testMode: true });
  const intake = new Intake({
    sinks: { ...memorySinks(), samples: store },
    clock: systemClock,
    counters: new IngestCounters(metrics.getMeter('test')),
    times: { maxAheadMs: 0, anyTime: true },
  });
  const querier = embeddedQuerier(store);
  const app = new Koa().use(prometheusRouter({ querier }).routes());
  const ingest = ingestHttp({ intake, logger: silentLogger });
  const serve = app.callback();
  const server = http.createServer((request, response) => {
    void ingest(request, response).then((done) => (done ? undefined : serve(request, response)));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', () => resolve()));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    querier,
    source: store,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
      await store.close();
      rmSync(dir, { recursive: true, force: true });
    },
  };
}
