/**
 * The OTLP/HTTP protobuf exporter of spans, put together as the standard one is, from the same parts: the environment is read,
 * bodies are compressed, sent and sent again by `otlp-exporter-base`. Only the bytes of a request are written by
 * `otlp-records.ts`, because the standard serializer took a quarter of all that a preload adds to a request.
 */
import { OTLPExporterBase } from '@opentelemetry/otlp-exporter-base';
import { convertLegacyHttpOptions, createOtlpHttpExportDelegate } from '@opentelemetry/otlp-exporter-base/node-http';
import { ProtobufTraceSerializer, TraceExporterMetricsHelper } from '@opentelemetry/otlp-transformer';
import type { ReadableSpan, SpanExporter } from '@opentelemetry/sdk-trace';
import { encodeSpans } from './otlp-records.ts';

/** Of the semantic conventions for SDK metrics: `otel.component.type`. */
const COMPONENT_TYPE = 'otlp_http_span_exporter';

const serializer: typeof ProtobufTraceSerializer = {
  serializeRequest: (spans) => (spans.length === 0 ? undefined : encodeSpans(spans)),
  deserializeResponse: (bytes) => ProtobufTraceSerializer.deserializeResponse(bytes),
};

/** To where OTEL_EXPORTER_OTLP_* says. Throws what the parts throw for variables they cannot use. */
export function createOtlpSpanExporter(): SpanExporter {
  const headers = { 'Content-Type': 'application/x-protobuf' };
  const options = convertLegacyHttpOptions({}, 'TRACES', 'v1/traces', headers);
  return new OTLPExporterBase<ReadableSpan[]>(
    createOtlpHttpExportDelegate(options, serializer, COMPONENT_TYPE, TraceExporterMetricsHelper, undefined),
  );
}
