/** Modules of the blackbox exporter: the usual ones, those of a `blackbox.yml`, and the check that a module makes of a target. */
import { parseDocument } from 'yaml';
import { VitrineError } from '../../../base/errors.ts';
import { parseAddress } from '../../../config/types.ts';
import type { CheckSpec, FamilyChoice, HttpSpec, TlsChoice } from '../check.ts';
import { moduleSchema, modulesSchema, type HttpModule, type ProbeModule, type TlsConfig } from './modules-schema.ts';

export type Modules = ReadonlyMap<string, ProbeModule>;
/** Reads a file that a module names; a relative path is taken from the directory of the module file. */
export type ReadFile = (file: string) => string;

/** As the exporter's example file has them. */
const USUAL = {
  http_2xx: { prober: 'http' },
  http_post_2xx: { prober: 'http', http: { method: 'POST' } },
  tcp_connect: { prober: 'tcp' },
  grpc: { prober: 'grpc', grpc: { tls: true, preferred_ip_protocol: 'ip4' } },
  grpc_plain: { prober: 'grpc', grpc: { tls: false } },
  ssh_banner: {
    prober: 'tcp',
    tcp: { query_response: [{ expect: '^SSH-2.0-' }, { send: 'SSH-2.0-blackbox-ssh-check' }] },
  },
} as const;
/** The exporter reads everything when a module has no limit; here a body has one. */
const MAX_BODY_BYTES = 16 * 1024 * 1024;

/** The usual modules and those of `text`, which have precedence. Throws VitrineError `config_invalid` with every mistake. */
export function readModules(text: string | undefined, file: string): Modules {
  const written: Record<string, unknown> = { ...USUAL };
  if (text !== undefined) {
    const document = parseDocument(text);
    const [problem] = document.errors;
    if (problem !== undefined) throw new VitrineError('config_invalid', `${file}: ${problem.message}`);
    const read = modulesSchema.safeParse(document.toJS());
    if (!read.success) throw new VitrineError('config_invalid', `${file}: ${read.error.issues[0].message}`);
    Object.assign(written, read.data.modules);
  }
  const modules = new Map<string, ProbeModule>();
  const mistakes: string[] = [];
  for (const [name, module] of Object.entries(written)) {
    const read = moduleSchema.safeParse(module);
    if (read.success) modules.set(name, read.data);
    else {
      for (const { path, message } of read.error.issues) {
        mistakes.push(`${file}: modules.${[name, ...path].join('.')}: ${message}`);
      }
    }
  }
  if (mistakes.length > 0) throw new VitrineError('config_invalid', mistakes.join('\n'));
  return modules;
}

const familyOf = (one: { preferred_ip_protocol: string; ip_protocol_fallback: boolean }): FamilyChoice => ({
  prefer: one.preferred_ip_protocol === 'ip4' ? 4 : 6,
  fallback: one.ip_protocol_fallback,
});

function tlsOf(
  { ca_file, cert_file, key_file, server_name, insecure_skip_verify }: TlsConfig,
  read: ReadFile,
): TlsChoice {
  const textOf = (file: string | undefined): string | undefined => (file === undefined ? undefined : read(file));
  return {
    ca: textOf(ca_file),
    cert: textOf(cert_file),
    key: textOf(key_file),
    serverName: server_name,
    insecure: insecure_skip_verify,
  };
}

function authorizationOf(
  { basic_auth: basic, bearer_token, bearer_token_file, authorization }: HttpModule,
  read: ReadFile,
): string | undefined {
  const secret = (text: string | undefined, file: string | undefined): string =>
    text ?? (file === undefined ? '' : read(file).trim());
  if (basic !== undefined) {
    const password = secret(basic.password, basic.password_file);
    return `Basic ${Buffer.from(`${basic.username}:${password}`).toString('base64')}`;
  }
  if (bearer_token !== undefined || bearer_token_file !== undefined) {
    return `Bearer ${secret(bearer_token, bearer_token_file)}`;
  }
  if (authorization === undefined) return undefined;
  return `${authorization.type} ${secret(authorization.credentials, authorization.credentials_file)}`;
}

function httpSpecOf(module: HttpModule, target: string, read: ReadFile): HttpSpec {
  const url = /^https?:\/\//.test(target) ? target : `http://${target}`;
  if (!URL.canParse(url)) throw new VitrineError('bad_request', `"${target}" is no URL.`);
  const authorization = authorizationOf(module, read);
  const match = (must: boolean) => (pattern: string) => ({ pattern, must });
  const matchHeader =
    (must: boolean) =>
    ({ header, regexp, allow_missing }: (typeof module.fail_if_header_matches)[number]) => ({
      header,
      pattern: regexp,
      must,
      allowMissing: allow_missing,
    });
  return {
    kind: 'http',
    url,
    method: module.method,
    headers: { ...(authorization === undefined ? {} : { Authorization: authorization }), ...module.headers },
    body: module.body ?? (module.body_file === undefined ? undefined : read(module.body_file)),
    followRedirects: module.follow_redirects && !module.no_follow_redirects,
    compression: module.compression,
    family: familyOf(module),
    tls: tlsOf(module.tls_config, read),
    proxyUrl: module.proxy_url,
    http2: module.enable_http2 ?? true,
    maxBodyBytes: module.body_size_limit ?? MAX_BODY_BYTES,
    traced: false,
    expect: {
      statuses: module.valid_status_codes.map(String),
      versions: module.valid_http_versions,
      ssl: module.fail_if_ssl ? 'refused' : module.fail_if_not_ssl ? 'required' : undefined,
      body: [
        ...module.fail_if_body_matches_regexp.map(match(false)),
        ...module.fail_if_body_not_matches_regexp.map(match(true)),
      ],
      headers: [
        ...module.fail_if_header_matches.map(matchHeader(false)),
        ...module.fail_if_header_not_matches.map(matchHeader(true)),
      ],
      json: [],
    },
  };
}

function addressOf(target: string, defaultPort: number | undefined): { host: string; port: number } {
  const text = target.replace(/^\w+:\/\//, '');
  const found = parseAddress(text) ?? (defaultPort === undefined ? undefined : parseAddress(`${text}:${defaultPort}`));
  if (found === undefined) throw new VitrineError('bad_request', `"${target}" is no address with a port.`);
  return found;
}

type RecordsOf = Extract<ProbeModule, { prober: 'dns' }>['dns']['validate_answer_rrs'];
const matchesOf = (records: RecordsOf) => ({
  failIfMatches: records.fail_if_matches_regexp,
  failIfAllMatch: records.fail_if_all_match_regexp,
  failIfNotMatches: records.fail_if_not_matches_regexp,
  failIfNoneMatches: records.fail_if_none_matches_regexp,
});

function dnsSpecOf({ dns }: Extract<ProbeModule, { prober: 'dns' }>, target: string, read: ReadFile): CheckSpec {
  return {
    kind: 'dns',
    ...addressOf(target, dns.dns_over_tls ? 853 : 53),
    family: familyOf(dns),
    transport: dns.dns_over_tls ? 'tcp' : dns.transport_protocol,
    tls: dns.dns_over_tls ? tlsOf(dns.tls_config, read) : undefined,
    queryName: dns.query_name,
    queryType: dns.query_type,
    recursion: dns.recursion_desired,
    rcodes: dns.valid_rcodes.length === 0 ? ['NOERROR'] : dns.valid_rcodes,
    answer: matchesOf(dns.validate_answer_rrs),
    authority: matchesOf(dns.validate_authority_rrs),
    additional: matchesOf(dns.validate_additional_rrs),
  };
}

/** The check of a target by a module. Throws VitrineError `bad_request` for a target that the prober cannot have. */
export function moduleSpec(module: ProbeModule, target: string, read: ReadFile): CheckSpec {
  if (module.prober === 'http') return httpSpecOf(module.http, target, read);
  if (module.prober === 'dns') return dnsSpecOf(module, target, read);
  if (module.prober === 'icmp') {
    throw new VitrineError('not_implemented', 'The prober icmp needs a raw socket, which Vitrine does not open.');
  }
  const at = addressOf(target, undefined);
  if (module.prober === 'grpc') {
    const { service, tls, tls_config } = module.grpc;
    return {
      kind: 'grpc',
      ...at,
      family: familyOf(module.grpc),
      service,
      tls: tls ? tlsOf(tls_config, read) : undefined,
    };
  }
  const { query_response, tls, tls_config } = module.tcp;
  const choice = tlsOf(tls_config, read);
  return {
    kind: 'tcp',
    ...at,
    family: familyOf(module.tcp),
    tls: tls ? choice : undefined,
    startTls: choice,
    dialogue: query_response.map(({ expect, send, starttls }) => ({ expect, send, startTls: starttls })),
  };
}
