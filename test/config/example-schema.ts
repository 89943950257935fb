/** A schema with one value of each kind. */
import { z } from 'zod';
import { address, duration, httpUrl, ratio, secret, size } from '../../src/config/types.ts';

const upstream = z.strictObject({ url: httpUrl(), weight: z.number().int().min(1).max(100).default(1) });

export const exampleSchema = z.strictObject({
  balancer: z
    .strictObject({
      listen: address().default({ host: '127.0.0.1', port: 8080 }),
      policy: z.enum(['round_robin', 'least_inflight']).default('least_inflight'),
      upstreams: z.array(z.union([httpUrl(), upstream])).default([]),
      timeout: duration({ min: 1, max: 600_000, words: 'from 1ms to 10m' }).default(30_000),
      access_log: z.boolean().default(false),
    })
    .prefault({}),
  cache: z
    .strictObject({
      max_size: size().default(1_024),
      hit_goal: ratio().default(0.5),
      name: z.string().min(1).default('a'),
    })
    .prefault({}),
  auth: z.strictObject({ token: secret().optional() }).prefault({}),
  alerts: z
    .array(
      z.strictObject({
        name: z.string(),
        above: z.number().positive(),
        for: duration().optional(),
        labels: z.record(z.string(), z.string()).optional(),
      }),
    )
    .default([]),
});
