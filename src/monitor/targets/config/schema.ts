/**
 * The configuration of targets. The schema checks and does not convert, so a target in the file, one made by REST and one that is
 * exported have the same form.
 */
import { z } from 'zod';
import { duration, secret } from '../../../config/types.ts';
import { parseDurationMs } from '../../../base/units.ts';
import { checkRegex } from '../../../model/text/regex.ts';
import { jsonCondition } from '../net/json-path.ts';

const MAX_TARGETS = 5_000;

function durationText(minMs: number, maxMs: number) {
  return z.string().check(({ value, issues }) => {
    const ms = parseDurationMs(value);
    if (ms !== undefined && ms >= minMs && ms <= maxMs) return;
    issues.push({ code: 'custom', message: 'a duration like "30s" within the limits', input: value });
  });
}
const pattern = z.string().check(({ value, issues }) => {
  const reason = checkRegex(value);
  if (reason !== undefined) issues.push({ code: 'custom', message: reason, input: value });
});
const condition = z.string().check(({ value, issues }) => {
  const read = jsonCondition(value);
  if (typeof read === 'string') issues.push({ code: 'custom', message: read, input: value });
});
const LATENCY = /^<\s*(\d+(?:\.\d+)?(?:ms|s))$/;
const STATUS = /^(?:[1-5]xx|[1-5]\d\d(?:-[1-5]\d\d)?)$/i;
const oneOrMany = <T extends z.ZodType>(one: T) => z.union([one, z.array(one).max(50)]);
const address = z.string().regex(/^(?:\[[0-9a-fA-F:.]+\]|[^\s:[\]/@]+):\d{1,5}$/, 'an address like "db.local:5432"');
const url = (schemes: RegExp, example: string) =>
  z.string().refine((text) => {
    // `${NAME}` stands for a value that an earlier step saves.
    const found = URL.parse(text.replaceAll(/\$\{\w+\}/g, 'x'));
    return found !== null && schemes.test(found.protocol) && found.username === '' && found.password === '';
  }, `a URL like "${example}", without user and password`);
const webUrl = url(/^https?:$/, 'https://shop.example');

const expect = z
  .strictObject({
    status: oneOrMany(z.union([z.int(), z.string().regex(STATUS, 'a status like 200, "2xx" or "200-204"')])),
    latency: z.string().regex(LATENCY, 'a limit like "<300ms"'),
    body: oneOrMany(pattern).describe('RE2 that the body must match.'),
    body_not: oneOrMany(pattern),
    headers: z.record(z.string(), pattern).describe('Header to the RE2 that it must match.'),
    json: oneOrMany(condition).describe('Conditions such as `$.status == "ok"`.'),
    certificate_days: z.int().min(0).max(3_650),
    broken_resources: z.int().min(0).describe('Of a page: more broken resources than this fail the check.'),
  })
  .partial();

const tlsConfig = z
  .strictObject({
    ca_file: z.string(),
    cert_file: z.string(),
    key_file: z.string(),
    server_name: z.string(),
    insecure_skip_verify: z.boolean(),
  })
  .partial();

const requestFields = {
  method: z
    .string()
    .regex(/^[A-Z]{1,16}$/, 'a method like GET')
    .optional(),
  headers: z.record(z.string().regex(/^[\w!#$%&'*+.^`|~-]+$/, 'a header name'), z.string()).optional(),
  body: z.string().max(65_536).optional(),
  expect: expect.optional(),
  follow_redirects: z.boolean().optional().describe('Default true.'),
  compression: z.enum(['gzip', 'br', 'deflate']).optional(),
} as const;

const step = z.strictObject({
  name: z.string().max(100).optional(),
  url: webUrl,
  ...requestFields,
  save: z.record(z.string().regex(/^[A-Za-z_]\w*$/, 'a name of letters, digits and _'), z.string()).optional(),
});

const dns = z.strictObject({
  server: z.string(),
  name: z.string(),
  type: z.enum(['A', 'AAAA', 'CNAME', 'MX', 'NS', 'PTR', 'SOA', 'SRV', 'TXT', 'CAA']).default('A'),
  answer: pattern.optional().describe('RE2 that one record of the answer must match.'),
});

/** The keys of which a target has exactly one. */
export const KIND_KEYS = [
  'url',
  'tcp',
  'tls',
  'dns',
  'websocket',
  'grpc',
  'heartbeat',
  'exec',
  'steps',
  'module',
] as const;

const oneKind = z.check<Record<string, unknown>>(({ value, issues }) => {
  const given = KIND_KEYS.filter((key) => value[key] !== undefined);
  if (given.length === 1) return;
  const message =
    given.length === 0
      ? `a target needs one of ${KIND_KEYS.join(', ')}`
      : `a target has one of ${given.join(' and ')}, not both`;
  issues.push({ code: 'custom', message, input: value, path: given.length === 0 ? [] : [given[1]] });
});

export const targetConfig = z
  .strictObject({
    name: z.string().min(1).max(100),
    url: webUrl.optional(),
    type: z.enum(['web', 'api', 'http']).optional().describe('Of `url`: `web` loads the page and its resources.'),
    tcp: address.optional(),
    tls: address.optional(),
    dns: dns.optional(),
    websocket: url(/^wss?:$/, 'wss://shop.example/live').optional(),
    grpc: address.optional().describe('grpc.health.v1 is asked.'),
    heartbeat: durationText(1_000, 400 * 86_400_000)
      .optional()
      .describe('The longest time between two beats.'),
    exec: z.array(z.string()).min(1).max(100).optional().describe('A program with Nagios’ exit codes; file only.'),
    steps: z.array(step).min(1).max(20).optional(),
    module: z.string().optional().describe('A module of the blackbox exporter, with `target`.'),
    target: z.string().optional(),
    ...requestFields,
    auth: z.strictObject({ username: z.string(), password: secret() }).optional(),
    bearer_token: secret().optional(),
    send: z.string().max(4_096).optional().describe('Of `tcp` and `websocket`: sent after the connection.'),
    answer: pattern.optional().describe('Of `tcp` and `websocket`: RE2 that the answer must match.'),
    service: z.string().max(120).optional().describe('Of `grpc`.'),
    grace: durationText(0, 7 * 86_400_000)
      .optional()
      .describe('Of `heartbeat`: added to its period.'),
    warning_is_up: z.boolean().optional().describe('Of `exec`. Default true.'),
    interval: durationText(1_000, 86_400_000).optional().describe('Default 30s.'),
    timeout: durationText(10, 300_000).optional().describe('Default 10s, at most the interval.'),
    retry_interval: durationText(100, 3_600_000).optional().describe('Between failed checks that do not yet decide.'),
    failures: z.int().min(1).max(20).optional().describe('Failed checks in a row until it is down. Default 2.'),
    successes: z.int().min(1).max(20).optional().describe('Good checks in a row until it is up. Default 1.'),
    ip: z.enum(['4', '6', 'only-4', 'only-6']).optional().describe('The preferred IP version. Default 4.'),
    http2: z.boolean().optional().describe('Offer HTTP/2 to servers that speak TLS; true when absent.'),
    proxy: url(/^http:$/, 'http://proxy.local:3128').optional(),
    tls_config: tlsConfig.optional(),
    depends_on: z.array(z.string()).max(20).optional().describe('While one of these is down, this one does not page.'),
    tags: z.array(z.string().min(1).max(60)).max(20).optional(),
    group: z.string().max(100).optional(),
    competitor: z.boolean().optional().describe('Somebody else’s site, checked for comparison: it never pages.'),
    enabled: z.boolean().optional(),
  })
  .check(oneKind);

export type TargetConfig = z.output<typeof targetConfig>;
export type StepConfig = z.output<typeof step>;

const list = z.array(targetConfig).max(MAX_TARGETS);
const options = z.strictObject({
  list: list.default([]),
  allow_private: z
    .array(z.string())
    .default([])
    .describe('Addresses, ranges and names that targets and receivers made by API or page may reach.'),
  concurrency: z.int().min(1).max(5_000).default(1_000).describe('Checks that run at the same time.'),
  keep_checks: duration({ min: 3_600_000 })
    .prefault('30d')
    .describe('Single checks; runs of up and down are kept for years.'),
});

export const targetsConfig = z
  .union([list, options])
  .transform((value) => (Array.isArray(value) ? { ...options.parse({}), list: value } : value));

export const probeConfig = z.strictObject({
  modules_file: z.string().optional().describe('A `blackbox.yml`, whose modules add to the usual ones.'),
});

/** The section `monitoring` of a single-file performance monitor, accepted as it is. */
export const monitoringConfig = z.strictObject({
  interval: z.number().min(1).max(86_400).optional().describe('Seconds between two checks of each of its targets.'),
  duration: z.number().min(1).optional().describe('Seconds for which its targets are checked; for ever when absent.'),
  targets: z
    .array(
      z.strictObject({ name: z.string().min(1).max(100), url: webUrl, type: z.enum(['web', 'api']).default('web') }),
    )
    .max(MAX_TARGETS)
    .default([]),
});
export type MonitoringConfig = z.output<typeof monitoringConfig>;
