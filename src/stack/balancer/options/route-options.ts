/**
 * One route as written in the configuration: what it matches and all its switches. docs/config.md is generated from this
 * table. A switch that is left out is off and costs a request nothing (`routes/route.ts` compiles the switches).
 */
import { z } from 'zod';
import { duration, ratio, size } from '../../../config/types.ts';
import { fieldMeaning, FIELD } from '../http/fields.ts';
import { compressSchema } from './compress-options.ts';
import { parseTemplate, type Template } from './template.ts';
import { upstreamSchema } from './upstream-options.ts';

export const policySchema = z.enum(['round_robin', 'least_inflight', 'weighted', 'two_choices', 'consistent_hash']);
export type Policy = z.output<typeof policySchema>;

const sentence = (message: string, input: unknown) => ({
  code: 'custom' as const,
  message,
  input,
  params: { sentence: true },
});

const template = z.string().transform((text, context): Template => {
  const read = parseTemplate(text);
  if (typeof read !== 'string' && !/[\r\n\0]/.test(text)) return read;
  context.addIssue(sentence(typeof read === 'string' ? read : 'a line break cannot stand here', text));
  return z.NEVER;
});

const fieldName = z.string().regex(/^[!#$%&'*+.^_`|~0-9A-Za-z-]{1,64}$/, { error: 'the name of a header field' });
/** Fields that frame a message or that the balancer writes itself; `Host` may be set for an upstream. */
const settable = (name: string): boolean =>
  [FIELD.pass, FIELD.cookie, FIELD.userAgent, FIELD.trace, FIELD.cacheStatus].includes(fieldMeaning(name) as 0);

function fieldEdits(forRequests: boolean) {
  const check = (names: readonly string[], key: string, context: z.RefinementCtx): void => {
    for (const name of names) {
      if (settable(name) || (forRequests && key === 'set' && name.toLowerCase() === 'host')) continue;
      const message = `"${name}" frames the message or is written by the balancer and cannot be changed`;
      context.addIssue({ ...sentence(message, name), path: [key] });
    }
  };
  return z
    .strictObject({
      set: z.record(fieldName, template).prefault({}).describe('Field → value; replaces fields of the same name.'),
      add: z.record(fieldName, template).prefault({}).describe('Field → value; added beside fields of the same name.'),
      remove: z.array(fieldName).max(64).prefault([]).describe('Fields that are taken out.'),
    })
    .superRefine((edits, context) => {
      check(Object.keys(edits.set), 'set', context);
      check(Object.keys(edits.add), 'add', context);
      check(edits.remove, 'remove', context);
    });
}

const KEY = 'client, route, header:NAME or cookie:NAME';
const limitKey = z
  .string()
  .regex(/^(?:client|route|(?:header|cookie):[!#$%&'*+.^_`|~0-9A-Za-z-]{1,64})$/, { error: KEY })
  .meta({ description: KEY });

const addressOrNetwork = z.union([z.ipv4(), z.ipv6(), z.cidrv4(), z.cidrv6()], {
  error: 'an address or a network like "10.0.0.0/8" or "2001:db8::/32"',
});
const addresses = z.array(addressOrNetwork).max(1024);

const pathPrefix = z.string().regex(/^\/[^\s?#]*$/, { error: 'a path like "/api"' });

/** A browser runs the text of other schemes, such as `javascript:`. */
const redirectTo = template.refine(({ texts: [first] }) => first === '' || /^(?:https?:\/\/|\/)/i.test(first), {
  error: 'a URL with http or https, or a path',
});
const redirect = z.strictObject({
  to: redirectTo.describe('Value of `Location`.'),
  status: z
    .union([z.literal(301), z.literal(302), z.literal(303), z.literal(307), z.literal(308)])
    .prefault(308)
    .describe('301, 302, 303, 307 or 308.'),
});

const maintenance = z.strictObject({
  enabled: z.boolean().prefault(true).describe('Whether it is on; the runtime API switches it too.'),
  status: z.int().min(200).max(599).prefault(503).describe('Status of the answer.'),
  retry_after: duration().prefault('2m').describe('Value of `Retry-After`. 0s: none.'),
  body: z.string().max(65_536).optional().describe('Body of the answer. Default: problem+json.'),
  content_type: z.string().max(128).prefault('text/html; charset=utf-8').describe('Type of `body`.'),
  allow: addresses.prefault([]).describe('Clients that are served all the same.'),
});

const rewrite = z.strictObject({
  pattern: z.string().min(1).max(512).describe('RE2 expression, matched against the path.'),
  to: z
    .string()
    .startsWith('/')
    .regex(/^[\x21-\x7e]*$/)
    .describe('New path; `$1` is the first group. The query stays.'),
});

const sticky = z.union([
  z.strictObject({
    cookie: z
      .string()
      .regex(/^[!#$%&'*+.^_`|~0-9A-Za-z-]{1,64}$/)
      .describe('Name of a signed cookie that keeps a client at the upstream it got first.'),
    secret: z
      .string()
      .min(16)
      .optional()
      .describe('Key of the signature; several balancers share it. Default: a random one.'),
    max_age: duration().prefault('0s').describe('How long browsers keep it. 0s: for the session.'),
  }),
  z.strictObject({ header: fieldName.describe('The value of this field chooses the upstream (consistent hash).') }),
  z.strictObject({ ip: z.literal(true).describe('The address of the client chooses the upstream (consistent hash).') }),
]);

const bypassKey = z.string().regex(/^(?:header|cookie|query):[!#$%&'*+.^_`|~0-9A-Za-z-]{1,64}$/, {
  error: 'header:NAME, cookie:NAME or query:NAME',
});

/** Limits of time, tries and sizes that a route may set itself; for those left out, the section's values apply. */
const own = {
  timeouts: z
    .strictObject({
      connect: duration().optional().describe('As `balancer.timeouts.connect`.'),
      first_byte: duration().optional().describe('As `balancer.timeouts.first_byte`.'),
      idle: duration().optional().describe('As `balancer.timeouts.idle`.'),
      total: duration().optional().describe('As `balancer.timeouts.total`.'),
      upstream_keep_alive: duration().optional().describe('As `balancer.timeouts.upstream_keep_alive`.'),
    })
    .prefault({}),
  hedge: duration().optional().describe('As `balancer.timeouts.hedge`.'),
  retries: z
    .strictObject({
      max: z.int().min(0).optional().describe('As `balancer.retries.max`.'),
      budget: ratio().optional().describe('As `balancer.retries.budget`.'),
      min: z.int().min(0).optional().describe('As `balancer.retries.min`.'),
    })
    .prefault({}),
  limits: z
    .strictObject({
      header: size().optional().describe('As `balancer.limits.header`.'),
      fields: z.int().min(1).optional().describe('As `balancer.limits.fields`.'),
      target: size().optional().describe('As `balancer.limits.target`.'),
      body: size().optional().describe('As `balancer.limits.body`.'),
      min_rate: size().optional().describe('As `balancer.limits.min_rate`.'),
    })
    .prefault({}),
};

export const routeSchema = z.strictObject({
  name: z
    .string()
    .min(1)
    .max(128)
    .optional()
    .describe('Value of `http.route` for the whole route, and its name in the runtime API. Default: from the path.'),
  host: z
    .string()
    .toLowerCase()
    .optional()
    .describe('Host this route answers for, without port; `*.example.com` for one label more. Default: any.'),
  path: z
    .string()
    .regex(/^\/[^\s?#]*$/)
    .prefault('/')
    .describe('Path prefix, by whole segments. The longest one wins.'),
  methods: z
    .array(z.string().regex(/^[A-Z]{1,32}$/, { error: 'a method like "GET"' }))
    .min(1)
    .max(32)
    .optional()
    .describe('Methods this route answers. Default: any.'),
  match_headers: z
    .record(fieldName, z.string().max(1024))
    .optional()
    .describe('Field → value it must have; `*` stands for any text. Default: any.'),
  policy: policySchema.optional().describe('Policy of this route. Default: `balancer.policy`.'),
  upstreams: z
    .array(upstreamSchema)
    .max(256)
    .prefault([])
    .describe('URLs (`http`, `https`, `h2c`, `unix:`), or `{ url, weight, backup, server_name, ca_file, verify }`.'),
  ...own,
  cache: z
    .strictObject({
      enabled: z.boolean().prefault(true).describe('false: nothing of this route is kept or served from the cache.'),
      default_ttl: duration()
        .prefault('0s')
        .describe('How long answers that say nothing of it may be kept. 0s: by the rules.'),
      bypass: z
        .array(bypassKey)
        .max(32)
        .prefault([])
        .describe('A request that has one of these (`header:NAME`, `cookie:NAME`, `query:NAME`) passes the cache by.'),
    })
    .optional()
    .describe('Rules of the response cache for this route.'),
  compress: compressSchema
    .optional()
    .describe('Compresses answers of upstreams: `true`, or `{ codings, min_size, types }`. Off without it.'),
  strip_prefix: z
    .union([z.literal(true), pathPrefix])
    .optional()
    .describe('Taken from the front of the path before it goes to the upstream; `true`: the route’s own path.'),
  add_prefix: pathPrefix.optional().describe('Put in front of the path, after `strip_prefix`.'),
  rewrite: rewrite.optional().describe('New path for the upstream, after the prefixes.'),
  redirect: z
    .union([redirectTo.transform((to) => ({ to, status: 308 as const })), redirect])
    .optional()
    .describe('Answers with a redirect instead of asking an upstream: a URL, or `{ to, status }`.'),
  request_headers: fieldEdits(true).optional().describe('Changes of the fields that go to the upstream.'),
  response_headers: fieldEdits(false).optional().describe('Changes of the fields that go to the client.'),
  sticky: sticky
    .optional()
    .describe('Keeps a client at one upstream: `{ cookie, secret, max_age }`, `{ header }` or `{ ip: true }`.'),
  rate_limit: z
    .strictObject({
      requests: z.int().min(1).max(1_000_000).describe('Requests in `per`, evenly spread (GCRA).'),
      per: duration({ min: 1_000, max: 86_400_000 }).prefault('1s').describe('The time they are counted over.'),
      by: limitKey
        .prefault('client')
        .describe('Whose: `client` (IPv6: its /64), `route`, `header:NAME`, `cookie:NAME`.'),
      burst: z.int().min(1).max(1_000_000).optional().describe('Requests that may come at once. Default: `requests`.'),
      max_keys: z
        .int()
        .min(16)
        .max(4_000_000)
        .prefault(65_536)
        .describe('Keys remembered; the longest unused is forgotten.'),
    })
    .optional()
    .describe('More is answered 429 with `RateLimit`, `RateLimit-Policy` and `Retry-After`.'),
  concurrency: z
    .union([
      z
        .int()
        .min(1)
        .transform((max) => ({ max, by: 'client' })),
      z.strictObject({ max: z.int().min(1), by: limitKey.prefault('client') }),
    ])
    .optional()
    .describe('Requests at a time of one client (or `{ max, by }`); more is answered 429.'),
  basic_auth: z
    .strictObject({
      file: z
        .string()
        .min(1)
        .describe(
          'htpasswd file: bcrypt, apr1, SHA-crypt (`$5$`, `$6$`), `{SSHA}`, `{SHA}`. Read again when it changes.',
        ),
      realm: z
        .string()
        .max(128)
        .regex(/^[^"\\\r\n]*$/)
        .prefault('restricted')
        .describe('Realm of the challenge.'),
    })
    .optional()
    .describe('Asks for a user and password.'),
  allow: addresses.optional().describe('Only these clients are served; others get 403.'),
  deny: addresses.optional().describe('These clients get 403; stronger than `allow`.'),
  maintenance: z
    .union([z.boolean().transform((enabled) => maintenance.parse({ enabled })), maintenance])
    .optional()
    .describe(
      'Answers 503 instead of asking an upstream: `true`, or `{ status, retry_after, body, content_type, allow }`.',
    ),
});

export type RouteSection = z.output<typeof routeSchema>;
export type FieldEdits = NonNullable<RouteSection['request_headers']>;
export type MaintenanceOptions = z.output<typeof maintenance>;
export type StickyOptions = z.output<typeof sticky>;
