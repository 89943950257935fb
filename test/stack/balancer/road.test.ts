/** The balancer under the telemetry of the product: its lean records must reach every reader exactly as those of the API do. */
import { metrics, propagation, trace } from '@opentelemetry/api';
import { W3CTraceContextPropagator } from '@opentelemetry/core';
import type { ResourceMetrics } from '@opentelemetry/sdk-metrics';
import { MeterProvider, MetricReader } from '@opentelemetry/sdk-metrics';
import { InMemorySpanExporter, SimpleSpanProcessor, TracerProvider } from '@opentelemetry/sdk-trace';
import { afterEach, expect, it } from 'vitest';
import { silentLogger } from '../../../src/base/logger.ts';
import type { Frame } from '../../../src/model/frame.ts';
import type { SpanRecord } from '../../../src/model/records.ts';
import { startTelemetry } from '../../../src/telemetry/sdk.ts';
import { durationViews } from '../../../src/telemetry/metrics/views.ts';
import { toFrameMetrics } from '../../../src/telemetry/road/collect-to-frame.ts';
import { toSpanRecord } from '../../../src/telemetry/spans/span-record.ts';
import { answering, raw, Rig } from './rig.ts';
import { until } from '../../support/until.ts';

class Reader extends MetricReader {
  protected onShutdown(): Promise<void> {
    return Promise.resolve();
  }
  protected onForceFlush(): Promise<void> {
    return Promise.resolve();
  }
}

const disable = (): void => {
  for (const api of [trace, metrics, propagation]) api.disable();
};
afterEach(disable);

const PARENT = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';

/** Two hits, a miss, a refused request, and one that no upstream answers. */
async function traffic(): Promise<{ upstreamPort: number }> {
  await using rig = new Rig();
  const upstream = await rig.tcp(answering('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok'));
  const { port } = await rig.balancer({ upstreams: [upstream.url] });
  for (const id of [1, 2])
    await raw(port, `GET /users/${id} HTTP/1.1\r\nHost: a\r\ntraceparent: ${PARENT}\r\nConnection: close\r\n\r\n`);
  await raw(port, 'GET /users/3 HTTP/1.1\r\n\r\n');
  upstream.server.close();
  return { upstreamPort: upstream.port };
}

interface Told {
  readonly metrics: unknown;
  readonly spans: unknown;
}

/** Removes the values that differ between runs: ids, times, ports, and phases that a fast answer may not have. */
function told(
  frame: Pick<Frame, 'metrics'> & { readonly spans: readonly Omit<SpanRecord, 'resource'>[] },
  port: number,
): Told {
  const plain = (value: unknown): unknown =>
    JSON.parse(
      JSON.stringify(value, (_key, one: unknown) => (typeof one === 'bigint' ? String(one) : one)).replaceAll(
        String(port),
        '1',
      ),
    );
  const metricsTold = frame.metrics
    .filter(({ name }) => name.startsWith('http.') || name === 'vitrine.balancer.upstream.requests')
    .map(({ points, ...metric }) => ({
      ...metric,
      points: points.map(({ attributes, value }) => ({
        attributes,
        value:
          typeof value === 'number'
            ? value
            : 'bounds' in value
              ? { bounds: value.bounds, count: value.count }
              : value.kind,
      })),
    }))
    .sort((a, b) => a.name.localeCompare(b.name));
  const spansTold = frame.spans.map(({ name, kind, status, attributes, traceId, parentSpanId, scope }) => ({
    name,
    kind,
    status,
    scope,
    traceId,
    parent: parentSpanId === 'b7ad6b7169203331' ? 'remote' : parentSpanId.length,
    attributes: Object.fromEntries(
      Object.entries(attributes).filter(([key]) => !/^vitrine\.(?:phase\.|duration$)/.test(key)),
    ),
  }));
  return { metrics: plain(metricsTold), spans: plain(spansTold) };
}

it('gives the frames the same data as the plain API gives a reader', async () => {
  const exporter = new InMemorySpanExporter();
  const reader = new Reader();
  metrics.setGlobalMeterProvider(new MeterProvider({ readers: [reader], views: durationViews() }));
  trace.setGlobalTracerProvider(new TracerProvider({ spanProcessors: [new SimpleSpanProcessor({ exporter })] }));
  propagation.setGlobalPropagator(new W3CTraceContextPropagator());
  const { upstreamPort } = await traffic();
  await until(() => exporter.getFinishedSpans().length === 4);
  const collected: ResourceMetrics = (await reader.collect()).resourceMetrics;
  const api = told(
    { metrics: toFrameMetrics(collected), spans: exporter.getFinishedSpans().map(toSpanRecord) },
    upstreamPort,
  );
  disable();

  const frames: Frame[] = [];
  const telemetry = await startTelemetry({
    serviceName: 'balancer',
    instanceId: 'here',
    env: {},
    logger: silentLogger,
    frames: {},
  });
  telemetry.frames?.connect((frame) => frames.push(frame));
  const again = await traffic();
  await telemetry.frames?.tick();
  await telemetry.shutdown();
  const own = told(frames[0], again.upstreamPort);
  expect(own.spans).toEqual(api.spans);
  expect(own.metrics).toEqual(api.metrics);
  expect(JSON.stringify(own.metrics)).toContain('http.server.request.duration');
});
