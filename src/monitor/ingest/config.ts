/** The configuration section `ingest`: limits on received data. */
import { z } from 'zod';
import { size } from '../../config/types.ts';

export const ingestConfig = z.strictObject({
  max_compressed: size({ min: 1024 }).prefault('20MiB').describe('Of one request as it is sent.'),
  max_decompressed: size({ min: 1024 }).prefault('64MiB').describe('Of one request after decompression.'),
  in_flight: size({ min: 1024 })
    .prefault('128MiB')
    .describe('Of all requests being read; more is answered 503 with `Retry-After`.'),
  max_labels: z.int().min(4).default(40).describe('Labels of one series.'),
  max_label_value: size({ min: 16 }).prefault('4KiB').describe('One label value.'),
});
