/** The configuration section `sample`: the services that are started and balanced when no upstream is named. */
import { z } from 'zod';

const port = z.int().min(1).max(65_535);

export const sampleConfig = z.strictObject({
  ports: z
    .array(port)
    .min(1)
    .max(16)
    .default([8081, 8082])
    .describe('One sample service listens on each of these ports of 127.0.0.1.'),
  path: z
    .string()
    .min(1)
    .optional()
    .describe('Directory of the ledger and the signing key; by default `sample` within the data directory.'),
});

export type SampleConfig = z.output<typeof sampleConfig>;
