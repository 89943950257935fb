/** Our exporter of spans beside the standard one: the same environment must make the same requests. */
import { gunzipSync } from 'node:zlib';
import { SpanKind } from '@opentelemetry/api';
import { ExportResultCode, type ExportResult } from '@opentelemetry/core';
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-proto';
import { resourceFromAttributes } from '@opentelemetry/resources';
import type { ReadableSpan, SpanExporter } from '@opentelemetry/sdk-trace';
import { TracerProvider } from '@opentelemetry/sdk-trace';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { createOtlpSpanExporter } from '../../../src/telemetry/road/otlp-span-exporter.ts';
import { RingSpanProcessor } from '../../../src/telemetry/road/record-buffer.ts';
import { decodeProto } from '../../support/telemetry/otlp-proto.ts';
import { startCollector, type Collector } from '../collector.ts';

const open: Collector[] = [];
afterEach(async () => {
  vi.unstubAllEnvs();
  for (const collector of open.splice(0)) await collector.close();
});

function someSpans(): ReadableSpan[] {
  const ring = new RingSpanProcessor(10);
  const resource = resourceFromAttributes({ 'service.name': 'shop' });
  const tracer = new TracerProvider({ resource, spanProcessors: [ring] }).getTracer('scope', '1');
  for (const name of ['GET /a', 'GET /b']) {
    tracer
      .startSpan(name, { kind: SpanKind.SERVER, attributes: { 'http.response.status_code': 200, text: 'ü' } })
      .end();
  }
  return [...ring.buffer.drain().items];
}

async function sendWith(exporter: SpanExporter, spans: ReadableSpan[]): Promise<ExportResult> {
  const result = await new Promise<ExportResult>((resolve) => exporter.export(spans, resolve));
  await exporter.shutdown();
  return result;
}

describe('the exporter of spans', () => {
  it.each([
    ['plain', {}],
    [
      'gzip',
      {
        OTEL_EXPORTER_OTLP_COMPRESSION: 'gzip',
        OTEL_EXPORTER_OTLP_HEADERS: 'a=1',
        OTEL_EXPORTER_OTLP_TRACES_HEADERS: 'b=2',
      },
    ],
  ])('makes the request the standard exporter makes: %s', async (_name, env) => {
    const collector = await startCollector();
    open.push(collector);
    vi.stubEnv('OTEL_EXPORTER_OTLP_ENDPOINT', `${collector.url}/base`);
    for (const [name, value] of Object.entries(env)) vi.stubEnv(name, value);
    const spans = someSpans();
    for (const exporter of [createOtlpSpanExporter(), new OTLPTraceExporter()]) {
      expect((await sendWith(exporter, spans)).code).toBe(ExportResultCode.SUCCESS);
    }
    const [ours, standard] = collector.bodies.map(({ path, headers, body }) => {
      const { 'content-length': length, ...rest } = headers;
      const bytes = headers['content-encoding'] === 'gzip' ? gunzipSync(body) : body;
      return { path, headers: rest, hasLength: length !== undefined, request: decodeProto('ExportTraces', bytes) };
    });
    expect(ours).toEqual(standard);
    expect(ours.path).toBe('/base/v1/traces');
    expect(JSON.stringify(ours.request)).toContain('GET /b');
  });

  it('reports a refusal, and sends nothing for no spans', async () => {
    const collector = await startCollector('garbage');
    open.push(collector);
    vi.stubEnv('OTEL_EXPORTER_OTLP_TRACES_ENDPOINT', `${collector.url}/v1/traces`);
    vi.stubEnv('OTEL_EXPORTER_OTLP_TIMEOUT', '300');
    expect((await sendWith(createOtlpSpanExporter(), someSpans())).code).toBe(ExportResultCode.FAILED);
    expect(await sendWith(createOtlpSpanExporter(), [])).toMatchObject({ code: ExportResultCode.FAILED });
  });
});
