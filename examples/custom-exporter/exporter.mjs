// Your own exporter, named by its path in OTEL_TRACES_EXPORTER: one JSON line for each span, to SPANS_FILE or stdout.
// `createMetricReader`, `createMetricExporter` and `createLogRecordExporter` work in the same way for the other signals.
import { createWriteStream } from 'node:fs';

const SUCCESS = 0;
const FAILED = 1;
const lineOf = (span) =>
  JSON.stringify({
    trace: span.spanContext().traceId,
    name: span.name,
    ms: span.duration[0] * 1e3 + span.duration[1] / 1e6,
    service: span.resource.attributes['service.name'],
  });

export function createSpanExporter() {
  const file = process.env.SPANS_FILE;
  const out = file === undefined ? process.stdout : createWriteStream(file, { flags: 'a' });
  // When this callback runs, all earlier lines have been written.
  const flush = () => new Promise((resolve) => out.write('', () => resolve()));
  return {
    export(spans, done) {
      const lines = spans.map((span) => `${lineOf(span)}\n`).join('');
      out.write(lines, (error) => done(error ? { code: FAILED, error } : { code: SUCCESS }));
    },
    forceFlush: flush,
    shutdown: flush,
  };
}
