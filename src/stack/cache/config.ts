/** The configuration section `cache`. */
import { z } from 'zod';
import { duration, size } from '../../config/types.ts';

const DEFAULT_TTL = '60s';
const DEFAULT_SIZE = '64MiB';
const DEFAULT_ENTRY = '4MiB';

const responses = z.strictObject({
  enabled: z
    .boolean()
    .default(true)
    .describe('Keep cacheable answers of upstreams (RFC 9111) and serve them from the balancer.'),
  max_size: size({ min: 1 })
    .prefault(DEFAULT_SIZE)
    .describe('Bytes of all kept answers in memory; the least recently used leave first.'),
  max_entry: size({ min: 1 })
    .prefault(DEFAULT_ENTRY)
    .describe('Bytes of one answer; a larger one is passed on and not kept.'),
  targeted: z
    .array(
      z
        .string()
        .regex(/^[A-Za-z0-9-]{1,64}$/)
        .toLowerCase(),
    )
    .max(8)
    .prefault(['CDN-Cache-Control'])
    .describe(
      'Targeted fields (RFC 9213) that replace Cache-Control and Expires for this cache; the first valid one counts. []: none.',
    ),
});

/** Sizes come out in bytes, durations in milliseconds. */
export const cacheConfig = z.strictObject({
  url: z
    .string()
    .regex(/^(memory:\/\/$|rediss?:\/\/\S+$)/, 'memory://, redis://host:port or rediss://host:port')
    .default('memory://')
    .describe(
      'Where entries are kept: memory://, or redis:// / rediss:// (Redis or Valkey) when several processes share them; the package needs `npm install redis@6` beside it for those.',
    ),
  max_size: size({ min: 1 }).prefault(DEFAULT_SIZE).describe('Bytes of all entries of the data cache in memory.'),
  ttl: duration()
    .prefault(DEFAULT_TTL)
    .describe('How long an entry of the data cache is kept when its user names no time; 0s = until it is pushed out.'),
  responses: responses.prefault({}).describe('The HTTP response cache of the balancer.'),
  purge: z
    .strictObject({
      allow: z
        .array(z.union([z.ipv4(), z.ipv6(), z.cidrv4(), z.cidrv6()]))
        .max(1024)
        .prefault([])
        .describe(
          'Addresses and networks whose PURGE requests remove the URL from the response cache. The address of the socket counts, not a forwarding field; a proxy in front on a listed address must refuse PURGE itself. All other PURGE requests reach the upstream.',
        ),
    })
    .prefault({})
    .describe('PURGE on the port of the balancer.'),
});

export type CacheConfig = z.output<typeof cacheConfig>;
