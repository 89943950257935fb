/**
 * The upstreams as written in the configuration: a URL (`http`, `https`, `h2c`, `unix:`), alone or with its weight and the rules
 * for checking its certificate.
 */
import { z } from 'zod';

export interface Endpoint {
  readonly host: string;
  readonly port: number;
  /** TLS towards the upstream; absent: plain. */
  readonly tls?: EndpointTls | undefined;
  /** HTTP/2 with prior knowledge, without TLS (RFC 9113 section 3.3). */
  readonly http2?: boolean | undefined;
  /** Path of a Unix socket; `host` is then `localhost` and `port` 0. */
  readonly socket?: string | undefined;
  /** Share of the requests relative to the other upstreams; default 1. */
  readonly weight?: number | undefined;
  /** Asked only when no other upstream is available. */
  readonly backup?: boolean | undefined;
}

export interface EndpointTls {
  /** Name in SNI and in the certificate. Default: the URL's host. */
  readonly serverName: string;
  /** PEM file of the authorities that are trusted instead of the system's. */
  readonly caFile: string | undefined;
  /** False: any certificate is accepted. Only for loopback. */
  readonly verify: boolean;
}

const EXPECTED =
  'an address like "http://127.0.0.1:3001", "https://10.0.0.7", "h2c://127.0.0.1:50051" or "unix:/run/app.sock"';

/** Undefined when the text is no address. */
export function parseEndpoint(text: string): Endpoint | undefined {
  if (text.startsWith('unix:')) {
    const socket = text.slice('unix:'.length).replace(/^\/\/(?=\/)/, '');
    // The kernel's limit of `sun_path`, including the final NUL.
    return socket.startsWith('/') && socket.length < 108 ? { host: 'localhost', port: 0, socket } : undefined;
  }
  const url = URL.parse(text);
  if (url === null || !isBare(url)) return undefined;
  const host = url.hostname.replace(/^\[|\]$/g, '');
  if (url.protocol === 'http:') return { host, port: Number(url.port || 80) };
  if (url.protocol === 'h2c:') return { host, port: Number(url.port || 80), http2: true };
  return { host, port: Number(url.port || 443), tls: { serverName: host, caFile: undefined, verify: true } };
}

/** A URL of a scheme, a host, an optional port, and nothing else. */
function isBare({ protocol, hostname, pathname, search, hash, username, password }: URL): boolean {
  if (!['http:', 'https:', 'h2c:'].includes(protocol)) return false;
  return hostname !== '' && pathname.length <= 1 && search + hash + username + password === '';
}

const upstreamUrl = z
  .string({ error: EXPECTED })
  .meta({ description: EXPECTED })
  .transform((text, context): Endpoint => {
    const endpoint = parseEndpoint(text);
    if (endpoint !== undefined) return endpoint;
    context.addIssue({ code: 'custom', message: EXPECTED, input: text });
    return z.NEVER;
  });

const isLoopbackHost = (host: string): boolean => host === 'localhost' || host === '::1' || host.startsWith('127.');

const detailed = z
  .strictObject({
    url: upstreamUrl,
    weight: z.int().min(1).max(1000).prefault(1).describe('Its share beside the weights of the others.'),
    backup: z.boolean().prefault(false).describe('It is asked only while no other is available.'),
    server_name: z
      .string()
      .min(1)
      .max(253)
      .optional()
      .describe('Name in SNI and in its certificate. Default: the host.'),
    ca_file: z.string().min(1).optional().describe('PEM file of the authorities to trust instead of the system’s.'),
    verify: z.boolean().prefault(true).describe('false: take any certificate. Only towards loopback.'),
  })
  .transform((one, context): Endpoint => {
    const { url, weight, backup, server_name, ca_file, verify } = one;
    const extra = { ...(weight === 1 ? {} : { weight }), ...(backup ? { backup } : {}) };
    const wrong = (message: string, key: string): Endpoint => {
      context.addIssue({ code: 'custom', message, path: [key], params: { sentence: true } });
      return z.NEVER;
    };
    if (url.tls === undefined) {
      if (server_name !== undefined) return wrong('only an https upstream has a server_name', 'server_name');
      if (ca_file !== undefined) return wrong('only an https upstream has a ca_file', 'ca_file');
      return { ...url, ...extra };
    }
    if (!verify && !isLoopbackHost(url.host))
      return wrong('only the certificate of a loopback upstream may go unchecked', 'verify');
    return { ...url, ...extra, tls: { serverName: server_name ?? url.tls.serverName, caFile: ca_file, verify } };
  });

export const upstreamSchema = z.union([upstreamUrl, detailed]);
