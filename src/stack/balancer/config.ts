/**
 * The section `balancer` of the configuration: what may be written, its defaults, and the complete options the balancer
 * is built from (milliseconds, bytes, ratios). Unknown keys are errors. Descriptions are the reference that docs/config.md
 * is made of: what, default by `prefault`, and what 0 means.
 */
import { z } from 'zod';
import { address, duration as durationText, ratio as ratioText, size as sizeText } from '../../config/types.ts';

const duration = (preset: string, about: string) => durationText().prefault(preset).describe(about);
const size = (preset: string, about: string) => sizeText().prefault(preset).describe(about);
const ratio = (preset: string, about: string) => ratioText().prefault(preset).describe(about);
const count = (preset: number, about: string) => z.int().min(0).prefault(preset).describe(about);

export interface Endpoint {
  readonly host: string;
  readonly port: number;
}

const listenAddress = address()
  .prefault('127.0.0.1:8080')
  .describe('Address of the listener, host:port. Port 0 takes any free port.');

const upstreamAddress = z.string().transform((text, context): Endpoint => {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  const bare = url && (url.pathname === '' || url.pathname === '/') && url.search === '' && url.hash === '';
  if (url?.protocol === 'http:' && bare && url.username === '' && url.hostname !== '') {
    return { host: url.hostname.replace(/^\[|\]$/g, ''), port: url.port === '' ? 80 : Number(url.port) };
  }
  context.addIssue({ code: 'custom', message: 'an address like "http://127.0.0.1:3001"' });
  return z.NEVER;
});
const upstreams = z.array(upstreamAddress).max(256);
const policy = z.enum(['round_robin', 'least_inflight']);

const route = z.strictObject({
  name: z
    .string()
    .min(1)
    .max(128)
    .optional()
    .describe('Value of `http.route` for the whole route. Default: from the path.'),
  host: z.string().toLowerCase().optional().describe('Host this route answers for, without port. Default: any.'),
  path: z
    .string()
    .regex(/^\/[^\s?#]*$/)
    .prefault('/')
    .describe('Path prefix, by whole segments. The longest one wins.'),
  policy: policy.optional().describe('Policy of this route. Default: `balancer.policy`.'),
  upstreams: upstreams.min(1).describe('Addresses the route is spread over.'),
});

const timeouts = z.strictObject({
  connect: duration('1s', 'To open a connection to an upstream. 0: no limit.'),
  first_byte: duration('5s', 'From the request sent to the first byte of the answer, for each try. 0: no limit.'),
  hedge: duration(
    '700ms',
    'A safe request without body is also sent to another upstream when its own has been silent, to everyone, for so long; the first answer wins. 0: never.',
  ),
  idle: duration('30s', 'Without a byte moving in an answer, in either direction. 0: no limit.'),
  total: duration('15s', 'From the first try to the first byte of an answer, retries included. 0: no limit.'),
  client_head: duration('10s', 'For a client to send the head of a request. 0: no limit.'),
  client_request: duration('5m', 'For a client to send a whole request. 0: no limit.'),
  client_keep_alive: duration('65s', 'An idle connection of a client is kept so long. 0: no limit.'),
  upstream_keep_alive: duration(
    '4s',
    'An idle connection to an upstream is kept so long; below its own limit. 0: none is kept.',
  ),
});

const section = z.strictObject({
  listen: listenAddress,
  upstreams: upstreams.prefault([]).describe('Short for one catch-all route.'),
  routes: z.array(route).max(256).prefault([]).describe('Routes by host and path.'),
  policy: policy.prefault('least_inflight').describe('How an upstream is picked.'),
  queue: z
    .strictObject({
      max: count(1000, 'Requests that may wait for an upstream. 0: none waits.'),
      deadline: duration('2s', 'How long one may wait before it is answered 503. 0: it does not wait.'),
      max_inflight: count(512, 'Requests at one upstream at a time; more wait. 0: no limit.'),
    })
    .prefault({}),
  timeouts: timeouts.prefault({}),
  health_check: z
    .strictObject({
      path: z
        .string()
        .startsWith('/')
        .prefault('/readyz')
        .describe('Asked by GET. Any status below 500 is good; 503 takes the upstream out at once.'),
      interval: duration('1s', 'Between two checks of an upstream, and the limit of each. 0: no checks.'),
      up: z.int().min(1).prefault(2).describe('Good checks in a row that bring an upstream up.'),
      down: z.int().min(1).prefault(3).describe('Bad checks in a row that take it down.'),
    })
    .prefault({}),
  ejection: z
    .strictObject({
      failures: count(3, 'Failed requests in a row that take an upstream out. 0: never.'),
      base: duration('5s', 'It stays out for so long times the number of times it was out.'),
      max: duration('5m', 'And never longer than this.'),
      max_ratio: ratio(
        '50%',
        'Share of the upstreams of a route that may be out at once, unless they refuse connections.',
      ),
      slow_start: duration('10s', 'An upstream that comes back gets its share over so long. 0: at once.'),
    })
    .prefault({}),
  retries: z
    .strictObject({
      max: count(2, 'Further tries of one request. 0: none.'),
      budget: ratio('20%', 'Retries per request over ten seconds. Connections refused do not count: nothing was sent.'),
      min: count(3, 'Retries a second that are always allowed.'),
    })
    .prefault({}),
  limits: z
    .strictObject({
      header: size('16KiB', 'Head of a request. More is answered 431.'),
      fields: z.int().min(1).prefault(100).describe('Fields in a head. More is answered 431.'),
      target: size('8KiB', 'Request target. Longer is answered 414.'),
      body: size('10MiB', 'Body of a request. Larger is answered 413. 0B: no limit.'),
      connections: count(20_000, 'Connections of clients at a time. 0: no limit.'),
      min_rate: size('240B', 'Bytes a second a body must move after five seconds, else 408. 0B: no limit.'),
    })
    .prefault({}),
  trusted_proxies: z
    .array(z.union([z.ipv4(), z.ipv6(), z.cidrv4(), z.cidrv6()]))
    .prefault([])
    .describe('Addresses whose `Forwarded`, `X-Forwarded-*` and `X-Real-IP` fields are believed.'),
  health_prefix: z
    .string()
    .regex(/^(\/[A-Za-z0-9._~-]+)*$/)
    .prefault('')
    .describe('Put before `/health`, `/livez` and `/readyz`.'),
  server_timing: z.boolean().prefault(true).describe('Whether answers carry `Server-Timing`.'),
  drain: z
    .strictObject({
      announce: duration(
        '1s',
        'On shutdown, `/readyz` says 503 and answers close their connection for so long before the listener closes.',
      ),
      limit: duration('9s', 'After this the rest is cut.'),
    })
    .prefault({}),
});

export type BalancerSection = z.output<typeof section>;
export type Policy = z.output<typeof policy>;

export interface RouteOptions {
  readonly name?: string | undefined;
  readonly host?: string | undefined;
  readonly path: string;
  readonly policy: Policy;
  readonly upstreams: readonly Endpoint[];
}

/** Complete and checked. `routes` holds the short form too. */
export interface BalancerOptions extends Omit<BalancerSection, 'routes' | 'upstreams' | 'policy'> {
  readonly policy: Policy;
  readonly routes: readonly RouteOptions[];
  /**
   * Answers keep the framing of the upstream's, and an upgrade that it refuses by closing is closed. For a proxy that must not
   * be noticed; no key of the configuration.
   */
  readonly transparent?: boolean;
}

function complete(written: BalancerSection): BalancerOptions {
  const { upstreams: short, routes, ...rest } = written;
  const all: RouteOptions[] = routes.map((one) => ({ ...one, policy: one.policy ?? written.policy }));
  if (short.length > 0) all.push({ path: '/', policy: written.policy, upstreams: short });
  return { ...rest, routes: all };
}

/** Schema of the section: takes what is in the file, gives `BalancerOptions`. */
export const balancerSchema = section.transform(complete).prefault({});
