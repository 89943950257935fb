/**
 * The modules of `blackbox.yml` (prometheus/blackbox_exporter, CONFIGURATION.md). An unknown field is an error, as the exporter
 * has it; a field that is known and not supported says so, because a check that silently tests less is worse than none.
 */
import { z } from 'zod';
import { parseDurationMs, parseSizeBytes } from '../../../base/units.ts';
import { checkRegex } from '../../../model/text/regex.ts';

const durationMs = z.string().transform((text, context) => {
  const ms = parseDurationMs(text);
  if (ms !== undefined) return ms;
  context.addIssue({ code: 'custom', message: `"${text}" is not a duration such as 5s` });
  return z.NEVER;
});
const regexp = z.string().check(({ value, issues }) => {
  const reason = checkRegex(value);
  if (reason !== undefined) issues.push({ code: 'custom', message: reason, input: value });
});
const unsupported = (what: string) =>
  z.undefined({ error: `${what} is not supported; leave it out, or check this with the exporter itself` }).optional();

const tlsConfig = z
  .strictObject({
    ca_file: z.string().optional(),
    cert_file: z.string().optional(),
    key_file: z.string().optional(),
    server_name: z.string().optional(),
    insecure_skip_verify: z.boolean().default(false),
    min_version: unsupported('min_version'),
    max_version: unsupported('max_version'),
  })
  .prefault({});

const family = {
  preferred_ip_protocol: z.enum(['ip4', 'ip6']).default('ip6'),
  ip_protocol_fallback: z.boolean().default(true),
} as const;
const headerMatch = z.strictObject({
  header: z.string(),
  regexp,
  allow_missing: z.boolean().default(false),
});
const patterns = z.array(regexp).default([]);

const http = z.strictObject({
  ...family,
  valid_status_codes: z.array(z.int()).default([]),
  valid_http_versions: z.array(z.string()).default([]),
  method: z.string().default('GET'),
  headers: z.record(z.string(), z.string()).default({}),
  body: z.string().optional(),
  body_file: z.string().optional(),
  body_size_limit: z
    .union([z.string(), z.int()])
    .transform((value) => (typeof value === 'number' ? value : (parseSizeBytes(value) ?? 0)))
    .optional(),
  compression: z.enum(['gzip', 'br', 'deflate', 'identity']).optional(),
  follow_redirects: z.boolean().default(true),
  no_follow_redirects: z.boolean().default(false),
  fail_if_ssl: z.boolean().default(false),
  fail_if_not_ssl: z.boolean().default(false),
  fail_if_body_matches_regexp: patterns,
  fail_if_body_not_matches_regexp: patterns,
  fail_if_header_matches: z.array(headerMatch).default([]),
  fail_if_header_not_matches: z.array(headerMatch).default([]),
  basic_auth: z
    .strictObject({ username: z.string(), password: z.string().optional(), password_file: z.string().optional() })
    .optional(),
  bearer_token: z.string().optional(),
  bearer_token_file: z.string().optional(),
  authorization: z
    .strictObject({
      type: z.string().default('Bearer'),
      credentials: z.string().optional(),
      credentials_file: z.string().optional(),
    })
    .optional(),
  proxy_url: z.string().optional(),
  skip_resolve_phase_with_proxy: z.boolean().default(false),
  enable_http2: z.boolean().optional(),
  tls_config: tlsConfig,
  oauth2: unsupported('oauth2'),
});

const tcp = z.strictObject({
  ...family,
  source_ip_address: unsupported('source_ip_address'),
  query_response: z
    .array(
      z.strictObject({ expect: regexp.optional(), send: z.string().optional(), starttls: z.boolean().default(false) }),
    )
    .default([]),
  tls: z.boolean().default(false),
  tls_config: tlsConfig,
});

const records = z
  .strictObject({
    fail_if_matches_regexp: patterns,
    fail_if_all_match_regexp: patterns,
    fail_if_not_matches_regexp: patterns,
    fail_if_none_matches_regexp: patterns,
  })
  .prefault({});

const dns = z.strictObject({
  ...family,
  source_ip_address: unsupported('source_ip_address'),
  transport_protocol: z.enum(['udp', 'tcp']).default('udp'),
  dns_over_tls: z.boolean().default(false),
  tls_config: tlsConfig,
  query_name: z.string(),
  query_type: z.string().default('ANY'),
  query_class: z.literal('IN').default('IN'),
  recursion_desired: z.boolean().default(true),
  valid_rcodes: z.array(z.string()).default([]),
  validate_answer_rrs: records,
  validate_authority_rrs: records,
  validate_additional_rrs: records,
});

const grpc = z.strictObject({
  ...family,
  service: z.string().default(''),
  tls: z.boolean().default(false),
  tls_config: tlsConfig,
});

const common = { timeout: durationMs.optional() } as const;

export const moduleSchema = z.discriminatedUnion('prober', [
  z.strictObject({ ...common, prober: z.literal('http'), http: http.prefault({}) }),
  z.strictObject({ ...common, prober: z.literal('tcp'), tcp: tcp.prefault({}) }),
  z.strictObject({ ...common, prober: z.literal('dns'), dns }),
  z.strictObject({ ...common, prober: z.literal('grpc'), grpc: grpc.prefault({}) }),
  z.strictObject({ ...common, prober: z.literal('icmp'), icmp: z.unknown().optional() }),
]);

export const modulesSchema = z.strictObject({ modules: z.record(z.string(), z.unknown()) });

export type ProbeModule = z.output<typeof moduleSchema>;
export type TlsConfig = z.output<typeof tlsConfig>;
export type HttpModule = Extract<ProbeModule, { prober: 'http' }>['http'];
