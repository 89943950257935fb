/** What a load test does, checked and bounded. */
import { z } from 'zod';

const HOUR_MS = 3_600_000;

export const loadOptions = z
  .strictObject({
    url: z
      .string()
      .refine((text) => /^https?:$/.test(URL.parse(text)?.protocol ?? ''), 'expected an http:// or https:// URL')
      .describe('Where to send the load. For `get` the whole URL, for `payments` its origin.'),
    scenario: z
      .enum(['payments', 'get'])
      .default('payments')
      .describe('payments: users who sign in, look and transfer. get: the URL, again and again.'),
    users: z.int().min(1).max(10_000).default(20).describe('Users at once; with a rate, the most requests in flight.'),
    durationMs: z
      .number()
      .positive()
      .max(24 * HOUR_MS)
      .default(30_000)
      .describe('Milliseconds, the ramp included.'),
    rate: z
      .number()
      .positive()
      .max(1_000_000)
      .optional()
      .describe(
        'Requests a second that arrive whether or not earlier ones have been answered (open loop). Without it each user waits for his answer (closed loop).',
      ),
    rampMs: z
      .number()
      .min(0)
      .max(24 * HOUR_MS)
      .default(0)
      .describe('Milliseconds in which users, or the rate, rise from nothing to their number.'),
    thinkMs: z
      .number()
      .min(0)
      .max(HOUR_MS)
      .default(0)
      .describe('Closed loop: mean pause of a user between two requests, in milliseconds.'),
    timeoutMs: z
      .number()
      .positive()
      .max(HOUR_MS)
      .default(10_000)
      .describe('A request without an answer for so long has failed.'),
    maxRequests: z.int().min(1).max(1e9).default(100_000_000).describe('The test ends when so many were sent.'),
    seed: z
      .int()
      .min(0)
      .max(0xffff_ffff)
      .default(1)
      .describe('The same seed gives the same users doing the same things.'),
  })
  .describe('A load test');

export type LoadOptions = z.output<typeof loadOptions>;
export type LoadOptionsInput = z.input<typeof loadOptions>;

/** Who user number `index` is; for the payments scenario. */
export interface Person {
  readonly user: string;
  readonly password: string;
  readonly account: string;
}
export type People = (index: number) => Person;
