/** The configuration section `cache`. */
import { z } from 'zod';
import { parseDurationMs, parseSizeBytes } from '../../base/units.ts';

const size = z.string().transform((text, ctx) => {
  const bytes = parseSizeBytes(text);
  if (bytes !== undefined && bytes > 0) return bytes;
  ctx.addIssue({ code: 'custom', message: `expected a size like "64MiB", got ${JSON.stringify(text)}` });
  return z.NEVER;
});
const duration = z.string().transform((text, ctx) => {
  const ms = parseDurationMs(text);
  if (ms !== undefined) return ms;
  ctx.addIssue({ code: 'custom', message: `expected a duration like "60s", got ${JSON.stringify(text)}` });
  return z.NEVER;
});

const DEFAULT_TTL = '60s';
const DEFAULT_SIZE = '64MiB';
const DEFAULT_ENTRY = '4MiB';

const responses = z.strictObject({
  enabled: z
    .boolean()
    .default(true)
    .describe('Keep cacheable answers of upstreams (RFC 9111) and serve them from the balancer.'),
  max_size: size
    .prefault(DEFAULT_SIZE)
    .describe('Bytes of all kept answers in memory; the least recently used leave first.'),
  max_entry: size.prefault(DEFAULT_ENTRY).describe('Bytes of one answer; a larger one is passed on and not kept.'),
});

/** Sizes come out in bytes, durations in milliseconds. */
export const cacheConfig = z.strictObject({
  url: z
    .string()
    .regex(/^(memory:\/\/$|rediss?:\/\/\S+$)/, 'expected memory://, redis://host:port or rediss://host:port')
    .default('memory://')
    .describe(
      'Where entries are kept: memory://, or redis:// / rediss:// (Redis or Valkey) when several processes share them.',
    ),
  max_size: size.prefault(DEFAULT_SIZE).describe('Bytes of all entries of the data cache in memory.'),
  ttl: duration
    .prefault(DEFAULT_TTL)
    .describe('How long an entry of the data cache is kept when its user names no time; 0s = until it is pushed out.'),
  responses: responses.prefault({}).describe('The HTTP response cache of the balancer.'),
});

export type CacheConfig = z.output<typeof cacheConfig>;
