/**
 * `http_config` of Alertmanager's file: credentials, headers, TLS and redirects of a receiver's requests. Secrets in files are
 * read at each sending, so that a rotated secret needs no reload.
 */
import type { TlsOptions } from 'node:tls';
import { z } from 'zod';
import { Secret } from '../../../../config/types.ts';
import { bool, secretText, text, textList } from './fields.ts';
import type { ReceiverTools } from './kind.ts';

export const tlsConfig = z
  .strictObject({
    ca: text(),
    ca_file: text(),
    cert: text(),
    cert_file: text(),
    key: secretText(),
    key_file: text(),
    server_name: text(),
    insecure_skip_verify: bool(),
    min_version: z.enum(['TLS10', 'TLS11', 'TLS12', 'TLS13']),
    max_version: z.enum(['TLS10', 'TLS11', 'TLS12', 'TLS13']),
  })
  .partial();

const header = z.strictObject({ values: textList(), secrets: z.array(secretText()), files: textList() }).partial();

export const httpConfig = z
  .strictObject({
    basic_auth: z
      .strictObject({
        username: text(),
        username_file: text(),
        password: secretText(),
        password_file: text(),
      })
      .partial(),
    authorization: z.strictObject({ type: text(), credentials: secretText(), credentials_file: text() }).partial(),
    bearer_token: secretText(),
    bearer_token_file: text(),
    follow_redirects: bool(),
    http_headers: z.record(z.string(), header),
    tls_config: tlsConfig,
    // Accepted and named in a warning: see UNUSED_HTTP.
    oauth2: z.unknown().optional(),
    proxy_url: text(),
    no_proxy: text(),
    proxy_from_environment: bool(),
    proxy_connect_header: z.unknown().optional(),
    enable_http2: bool(),
  })
  .partial()
  .superRefine(checkCredentials);

export type HttpConfig = z.output<typeof httpConfig>;

/** Fields of `http_config` that have no effect here. */
export const UNUSED_HTTP: readonly string[] = [
  'oauth2',
  'proxy_url',
  'no_proxy',
  'proxy_from_environment',
  'proxy_connect_header',
];

interface Credentials {
  readonly basic_auth?: object | undefined;
  readonly authorization?: { readonly type?: string | undefined } | undefined;
  readonly bearer_token?: Secret | undefined;
  readonly bearer_token_file?: string | undefined;
  readonly oauth2?: unknown;
}

function checkCredentials(value: Credentials, context: z.RefinementCtx): void {
  const given = [
    value.basic_auth,
    value.authorization,
    value.bearer_token ?? value.bearer_token_file,
    value.oauth2,
  ].filter((one) => one !== undefined);
  if (given.length > 1) {
    const message = 'at most one of basic_auth, authorization, bearer_token and oauth2 can be set';
    context.addIssue({ code: 'custom', params: { sentence: true }, message });
  }
  if (value.authorization?.type?.trim().toLowerCase() === 'basic') {
    const message = 'use basic_auth instead of an authorization of type "Basic"';
    context.addIssue({ code: 'custom', params: { sentence: true }, path: ['authorization'], message });
  }
}

type Files = Pick<ReceiverTools, 'readFile'>;

/** The secret, or the content of its file; undefined when neither is set. */
export async function secretOf(
  given: Secret | undefined,
  file: string | undefined,
  files: Files,
): Promise<string | undefined> {
  if (given !== undefined) return given.reveal();
  return file === undefined || file === '' ? undefined : files.readFile(file);
}

/** The headers of a request, with credentials. Throws the error of a file that cannot be read. */
export async function headersOf(config: HttpConfig, files: Files): Promise<Record<string, string>> {
  const headers: Record<string, string> = {};
  for (const [name, { values = [], secrets = [], files: paths = [] }] of Object.entries(config.http_headers ?? {})) {
    const read = await Promise.all(paths.map((file) => files.readFile(file)));
    const all = [...values, ...secrets.map((one) => one.reveal()), ...read];
    if (all.length > 0) headers[name.toLowerCase()] = all.map(oneLine).join(', ');
  }
  const authorization = await authorizationOf(config, files);
  if (authorization !== undefined) headers['authorization'] = oneLine(authorization);
  return headers;
}

/** A value with a line break would be a second header. */
const oneLine = (value: string): string => value.replaceAll(/[\r\n\0]+/g, ' ');

async function authorizationOf(config: HttpConfig, files: Files): Promise<string | undefined> {
  const { basic_auth: basic, authorization } = config;
  if (basic !== undefined) {
    const user = basic.username ?? (await secretOf(undefined, basic.username_file, files)) ?? '';
    const password = (await secretOf(basic.password, basic.password_file, files)) ?? '';
    return `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`;
  }
  if (authorization !== undefined) {
    const secret = await secretOf(authorization.credentials, authorization.credentials_file, files);
    return secret === undefined ? undefined : `${authorization.type ?? 'Bearer'} ${secret}`;
  }
  const token = await secretOf(config.bearer_token, config.bearer_token_file, files);
  return token === undefined ? undefined : `Bearer ${token}`;
}

/** TLS settings of a connection; undefined without a `tls_config`. */
export async function tlsOf(
  { tls_config: config }: Pick<HttpConfig, 'tls_config'>,
  files: Files,
): Promise<(Pick<TlsOptions, 'ca' | 'cert' | 'key' | 'rejectUnauthorized'> & { servername?: string }) | undefined> {
  if (config === undefined) return undefined;
  const ca = config.ca ?? (await secretOf(undefined, config.ca_file, files));
  const cert = config.cert ?? (await secretOf(undefined, config.cert_file, files));
  const key = await secretOf(config.key, config.key_file, files);
  return {
    ...(ca === undefined ? {} : { ca }),
    ...(cert === undefined ? {} : { cert }),
    ...(key === undefined ? {} : { key }),
    ...(config.server_name === undefined ? {} : { servername: config.server_name }),
    rejectUnauthorized: config.insecure_skip_verify !== true,
  };
}
