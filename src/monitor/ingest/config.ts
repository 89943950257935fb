/** The configuration section `ingest`: limits on received data. */
import { z } from 'zod';
import { size } from '../../config/types.ts';

const logFile = z.strictObject({
  path: z.string().min(1).describe('A file, or a glob such as `/var/log/app/*.log`.'),
  format: z.enum(['auto', 'json', 'logfmt', 'text']).default('auto').describe('`auto` decides for each line.'),
  service: z.string().min(1).optional().describe('Of lines that state none. Default: the name of the file.'),
});

const redactRule = z.union([
  z.string().min(1),
  z.strictObject({ pattern: z.string().min(1), with: z.string().optional() }),
]);

const logs = z.strictObject({
  files: z
    .array(logFile)
    .default([])
    .describe('Files to follow; rotation, truncation and restarts lose no line and repeat none.'),
  mapping: z
    .record(z.string(), z.string())
    .default({})
    .describe(
      'Field of a record (`time`, `level`, `message`, `service`, `trace`, `span`, `host`, `pid` or an attribute) to the field of a line that holds it, such as `{ level: severity }`.',
    ),
  schema: z
    .string()
    .optional()
    .describe(
      'A JSON Schema for lines that are JSON or logfmt. Its `pattern`s are RE2 and must stand where they always hold; `patternProperties` is not supported.',
    ),
  misfits: z
    .enum(['keep', 'refuse'])
    .default('keep')
    .describe('Lines that do not fit the schema: kept with the reason in `vitrine.misfit`, or refused.'),
  redact: z
    .array(redactRule)
    .default([])
    .describe(
      'Rules as in `ingest.redact`, and they hold where those hold: a secret of a line stands in exceptions of spans too.',
    ),
});

export const ingestConfig = z.strictObject({
  max_compressed: size({ min: 1024 }).prefault('20MiB').describe('Of one request as it is sent.'),
  max_decompressed: size({ min: 1024 }).prefault('64MiB').describe('Of one request after decompression.'),
  in_flight: size({ min: 1024 })
    .prefault('128MiB')
    .describe('Of all requests being read; more is answered 503 with `Retry-After`.'),
  max_labels: z.int().min(4).default(40).describe('Labels of one series.'),
  redact: z
    .array(redactRule)
    .default([])
    .describe(
      'Secrets are replaced before anything is stored or passed on, for all senders and signals: log records, spans with their events and status, resources, labels of series and of exemplars. A name (`*` for any characters) replaces the value of that field; `{ pattern: RE2, with: text }` replaces matches in all texts. Names of metrics and their labels `le` and `quantile` stay as they are. Series that differ in a redacted label only become one; its samples of the same time are refused as duplicates.',
    ),
  logs: logs.prefault({}).describe('Log lines.'),
  span_metrics: z
    .strictObject({
      enabled: z.boolean().default(false),
      max_combinations: z
        .int()
        .min(1)
        .max(20_000)
        .default(500)
        .describe(
          'Combinations of labels, of span metrics and of the service graph each; one has about 20 series. Further ones are counted together with `otel_metric_overflow="true"`.',
        ),
    })
    .prefault({})
    .describe(
      'Series made of spans, with the names and labels of Grafana Tempo: `traces_spanmetrics_calls_total`, `…_latency`, `…_size_total`, and `traces_service_graph_request_total`, `…_failed_total`, `…_server_seconds`, `…_client_seconds`. They are written every 15 seconds.',
    ),
  max_label_value: size({ min: 16 }).prefault('4KiB').describe('One label value.'),
});
