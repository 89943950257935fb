/** The configuration section `store`. */
import { z } from 'zod';
import { duration, httpUrl, secret, size } from '../../config/types.ts';

const remote = z.strictObject({
  url: httpUrl().optional().describe('A Prometheus-compatible server that answers instead of the embedded store.'),
  bearer_token: secret().optional().describe('Sent as `Authorization: Bearer`.'),
  username: z.string().optional().describe('Basic authentication.'),
  password: secret().optional().describe('Basic authentication.'),
  timeout: duration({ min: 100 }).prefault('30s').describe('For one query.'),
});

const serviceLimits = z.strictObject({
  retention: duration({ min: 3_600_000 }).optional().describe('Records of this service are kept for so long.'),
  max_size: size({ min: 64 * 1024 })
    .optional()
    .describe('The oldest records of this service are deleted above this.'),
});

const signal = (retention: string, maxSize: string) => ({
  retention: duration({ min: 3_600_000 }).prefault(retention).describe('Records older than this are deleted.'),
  max_size: size({ min: 1024 * 1024 })
    .prefault(maxSize)
    .describe(
      'On disk; the oldest records are deleted above this. All records together take at most 70 % of `store.max_size`.',
    ),
  services: z.record(z.string(), serviceLimits).default({}).describe('Limits of single services, by name.'),
});

/** Sizes come out in bytes, durations in milliseconds. */
export const storeConfig = z.strictObject({
  path: z.string().min(1).default('./vitrine-data').describe('Data directory. `--data` overrules it.'),
  retention: duration({ min: 3_600_000 })
    .prefault('30d')
    .describe('Samples older than this are deleted, a day at a time.'),
  raw_retention: duration({ min: 86_400_000 })
    .prefault('7d')
    .describe('Raw samples older than this become five-minute roll-ups.'),
  max_size: size({ min: 1024 * 1024 })
    .prefault('10GiB')
    .describe('The oldest days are deleted above this.'),
  head_size: size({ min: 4 * 1024 * 1024 })
    .prefault('128MiB')
    .describe('Decoded samples in memory.'),
  query_samples: z
    .int()
    .min(10_000)
    .default(10_000_000)
    .describe(
      'Samples, of 16 bytes each, that all running queries together may hold; above this the largest query is ended.',
    ),
  durability: z
    .enum(['normal', 'full'])
    .default('normal')
    .describe('`normal` survives the end of the process, `full` a power cut as well, at a third of the speed.'),
  max_series: z
    .int()
    .min(100)
    .max(900_000)
    .default(200_000)
    .describe('Series in total; further series are merged into the overflow series of their metric.'),
  max_series_per_metric: z.int().min(10).default(10_000).describe('Series of one metric.'),
  spans_size: size({ min: 1024 * 1024 })
    .prefault('32MiB')
    .describe('Memory for spans: before they are written to disk in batches.'),
  logs_size: size({ min: 1024 * 1024 })
    .prefault('8MiB')
    .describe('Log records in memory before they are written to disk in batches.'),
  logs: z.strictObject(signal('14d', '5GiB')).prefault({}).describe('Log lines on disk.'),
  traces: z
    .strictObject({
      ...signal('14d', '5GiB'),
      ordinary: duration({ min: 3_600_000 })
        .prefault('2d')
        .describe('Traces that have no error and are not slow are kept for so long, less when space is short.'),
    })
    .prefault({})
    .describe('Spans on disk.'),
  requests: z
    .strictObject({
      ...signal('30d', '2GiB'),
      user_attribute: z
        .string()
        .optional()
        .describe(
          "The attribute of the application's server span that names the user of a request, such as `user.id`.",
        ),
    })
    .prefault({})
    .describe('Rows of the request ledger on disk.'),
  flight_recorder: z
    .strictObject({
      before: duration({ min: 0 }).prefault('10m').describe('Recorded before an alert began to fire.'),
      after: duration({ min: 0 }).prefault('5m').describe('Recorded after it began.'),
      max_size: size()
        .prefault('512MiB')
        .describe(
          'Room for records that are kept because of an alert only; above it the oldest recordings are released. ' +
            '0 switches the recorder off.',
        ),
    })
    .prefault({})
    .describe(
      'The time around each firing alert: its ordinary traces are kept as long as other traces, and its records are the last ' +
        'to go when space is short.',
    ),
  metrics: remote.prefault({}).describe('Where samples are read from.'),
});
