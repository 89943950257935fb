/** The options of a load test, checked and bounded. */
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
      .describe('Duration in milliseconds, including the ramp.'),
    rate: z
      .number()
      .positive()
      .max(1_000_000)
      .optional()
      .describe(
        'Requests a second that arrive whether or not earlier ones have been answered (open loop). Without it each user waits for the answer (closed loop).',
      ),
    rampMs: z
      .number()
      .min(0)
      .max(24 * HOUR_MS)
      .default(0)
      .describe('Milliseconds in which the number of users, or the rate, rises from zero to its full value.'),
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
      .describe('Milliseconds after which a request without an answer has failed.'),
    maxRequests: z.int().min(1).max(1e9).default(100_000_000).describe('The test ends after this many requests.'),
    seed: z
      .int()
      .min(0)
      .max(0xffff_ffff)
      .default(1)
      .describe('The same seed gives the same users with the same requests.'),
  })
  .describe('A load test');

export type LoadOptions = z.output<typeof loadOptions>;
export type LoadOptionsInput = z.input<typeof loadOptions>;

/** The name and account of user number `index`, for the payments scenario. */
export interface Person {
  readonly user: string;
  readonly password: string;
  readonly account: string;
}
export type People = (index: number) => Person;
