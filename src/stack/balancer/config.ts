/**
 * The section `balancer` of the configuration: what may be written, its defaults, and the complete options that the balancer
 * is built from (milliseconds, bytes, ratios). Unknown keys are errors. docs/config.md is generated from the descriptions:
 * each says what the key does and what 0 means. `prefault` gives the default.
 */
import { z } from 'zod';
import { address, duration as durationText, ratio as ratioText, size as sizeText } from '../../config/types.ts';
import { policySchema, routeSchema, type Policy, type RouteSection } from './options/route-options.ts';
import { tlsSchema } from './options/tls-options.ts';
import { upstreamSchema, type Endpoint } from './options/upstream-options.ts';

const duration = (preset: string, about: string) => durationText().prefault(preset).describe(about);
const size = (preset: string, about: string) => sizeText().prefault(preset).describe(about);
const ratio = (preset: string, about: string) => ratioText().prefault(preset).describe(about);
const count = (preset: number, about: string) => z.int().min(0).prefault(preset).describe(about);

const listenAddress = address()
  .prefault('127.0.0.1:8080')
  .describe('Address of the listener, host:port. Port 0 takes any free port.');

const upstreams = z.array(upstreamSchema).max(256);

const timeouts = z.strictObject({
  connect: duration('5s', 'To open a connection to an upstream. 0: no limit.'),
  first_byte: duration('60s', 'From the request sent to the first byte of the answer, for each try. 0: no limit.'),
  hedge: duration(
    '0s',
    'A safe request without body is also sent to another upstream when its own has sent no byte to any client for this time; the first answer wins, and the slower upstream is not blamed. 0: never.',
  ),
  idle: duration(
    '10m',
    'Between two bytes of an answer from an upstream; not for event streams and tunnels. 0: no limit.',
  ),
  total: duration('3m', 'From the first try to the first byte of an answer, retries included. 0: no limit.'),
  client_head: duration('10s', 'For a client to send the head of a request. 0: no limit.'),
  client_request: duration('5m', 'For a client to send a whole request. 0: no limit.'),
  client_stall: duration(
    '60s',
    'For a client to take the next byte of its answer; then it is disconnected. 0: no limit.',
  ),
  client_keep_alive: duration('65s', 'An idle connection of a client is kept so long. 0: no limit.'),
  upstream_keep_alive: duration(
    '4s',
    'An idle connection to an upstream is kept so long; below its own limit. 0: none is kept.',
  ),
});

const section = z.strictObject({
  listen: listenAddress,
  upstreams: upstreams.prefault([]).describe('Short for one catch-all route.'),
  routes: z.array(routeSchema).max(256).prefault([]).describe('Routes by host and path.'),
  policy: policySchema.prefault('least_inflight').describe('How an upstream is picked.'),
  queue: z
    .strictObject({
      max: count(1000, 'Requests that may wait for an upstream. 0: none waits.'),
      deadline: duration(
        '1s',
        'How long a request may wait before it is answered 503. When the queue has not been empty for this time, the newest request is served first and the others are answered 503 after 10 ms. 0: no request waits.',
      ),
      max_inflight: count(
        1024,
        'Requests at one upstream at a time; more wait. Event streams and tunnels do not count. 0: no limit.',
      ),
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
      budget: ratio(
        '20%',
        'Retries of a route per request over ten seconds. Connections refused do not count: nothing was sent.',
      ),
      min: count(3, 'Retries a second that are always allowed, for each route.'),
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
  tls: tlsSchema.optional().describe('TLS towards clients; off without it.'),
  name_servers: z
    .array(
      z.string().regex(/^(?:\d+\.\d+\.\d+\.\d+|\[[0-9a-fA-F:]+\])(?::\d{1,5})?$/, {
        error: 'an address like "10.0.0.2" or "10.0.0.2:53"',
      }),
    )
    .max(8)
    .prefault([])
    .describe('DNS servers that are asked for the names of upstreams. None: those of the system.'),
  access_log: z
    .string()
    .min(1)
    .optional()
    .describe(
      'File that gets one JSON line a request: phases, tries, reason, trace id. A reload opens it again, for logrotate. Off without it.',
    ),
  control: z
    .string()
    .min(1)
    .max(107)
    .optional()
    .describe('Path of a Unix socket (mode 0600) with the runtime API, for a balancer alone. Off without it.'),
  trusted_proxies: z
    .array(z.union([z.ipv4(), z.ipv6(), z.cidrv4(), z.cidrv6()]))
    .prefault([])
    .describe('Addresses whose `Forwarded`, `X-Forwarded-*` and `X-Real-IP` fields are believed.'),
  health_prefix: z
    .string()
    .regex(/^(\/[A-Za-z0-9._~-]+)*$/)
    .prefault('/-')
    .describe(
      'Prefix of `/health`, `/livez` and `/readyz` of the balancer itself, so that a service behind it may have its own. While the sample services are used, the bare paths answer too.',
    ),
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
export type Timeouts = BalancerSection['timeouts'];
export type RetryRules = BalancerSection['retries'];
export type Limits = BalancerSection['limits'];

/** A route with everything it leaves out taken from the section. */
export interface RouteOptions extends Omit<
  RouteSection,
  'policy' | 'timeouts' | 'hedge' | 'retries' | 'limits' | 'upstreams'
> {
  readonly policy: Policy;
  readonly upstreams: readonly Endpoint[];
  readonly timeouts: Timeouts;
  readonly retries: RetryRules;
  readonly limits: Limits;
}

/** Complete and checked. `routes` also contains the route of the short form. */
export interface BalancerOptions extends Omit<BalancerSection, 'routes' | 'upstreams' | 'policy'> {
  readonly policy: Policy;
  readonly routes: readonly RouteOptions[];
  /**
   * Answers keep the framing of the upstream's answers, and a refused upgrade is closed when the upstream closes it. This is
   * for a proxy that must not be noticeable; no key of the configuration sets it.
   */
  readonly transparent?: boolean;
}

function completeRoute(one: RouteSection, written: BalancerSection): RouteOptions {
  const { hedge, ...rest } = one;
  const timeouts = { ...written.timeouts, ...given(one.timeouts), ...(hedge === undefined ? {} : { hedge }) };
  const retries = { ...written.retries, ...given(one.retries) };
  const limits = { ...written.limits, ...given(one.limits) };
  return { ...rest, policy: one.policy ?? written.policy, timeouts, retries, limits };
}

/** A copy without the keys whose value is undefined. */
function given<T extends object>(some: T): { [K in keyof T]?: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(some).filter(([, value]) => value !== undefined)) as never;
}

/** The route that the section's short form stands for. */
export function catchAll(
  section: Pick<BalancerOptions, 'policy' | 'timeouts' | 'retries' | 'limits'>,
  upstreams: readonly Endpoint[],
): RouteOptions {
  const { policy, timeouts, retries, limits } = section;
  return { path: '/', policy, upstreams, timeouts, retries, limits };
}

function complete(written: BalancerSection): BalancerOptions {
  const { upstreams: short, routes, ...rest } = written;
  const all = routes.map((one) => completeRoute(one, written));
  if (short.length > 0) all.push(catchAll(written, short));
  return { ...rest, routes: all };
}

/** A route without upstreams must say what it answers instead. */
function checkRoutes(written: BalancerSection, context: z.RefinementCtx): void {
  const names = new Set<string>();
  for (const [at, { upstreams: own, redirect, name }] of written.routes.entries()) {
    const wrong = (key: string, message: string): void =>
      context.addIssue({ code: 'custom', message, path: ['routes', at, key], params: { sentence: true } });
    if (own.length === 0 && redirect === undefined) wrong('upstreams', 'a route needs upstreams or a redirect');
    if (own.length > 0 && own.every((one) => one.backup === true))
      wrong('upstreams', 'one upstream of a route must not be a backup');
    if (name !== undefined && names.has(name)) wrong('name', `another route is named "${name}" too`);
    if (name !== undefined) names.add(name);
  }
}

/** Schema of the section: takes the section as written in the file and returns `BalancerOptions`. */
export const balancerSchema = section.superRefine(checkRoutes).transform(complete).prefault({});
