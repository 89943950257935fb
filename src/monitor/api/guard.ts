/**
 * Which requests this port accepts, decided before any route: the Host must be one of ours (a rebinding name is not), and
 * what changes something must come from our own page or from no browser. Pure checks, and the headers of every answer.
 */
import { VitrineError } from '../../base/errors.ts';

/** Headers of every answer, errors included. No inline script or style exists, so the policy needs no exception. */
export const SECURITY_HEADERS: Readonly<Record<string, string>> = {
  'Content-Security-Policy':
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; connect-src 'self'; " +
    "base-uri 'none'; form-action 'self'; frame-ancestors 'none'; require-trusted-types-for 'script'",
  'X-Content-Type-Options': 'nosniff',
  'Referrer-Policy': 'no-referrer',
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Cross-Origin-Resource-Policy': 'same-origin',
  'Permissions-Policy': 'camera=(), geolocation=(), microphone=()',
  'Cache-Control': 'no-store',
};

/** A Host field without its port, lower case, brackets of IPv6 kept; undefined when it is no host. */
export function hostName(host: string | undefined): string | undefined {
  if (host === undefined) return undefined;
  const found = /^(\[[0-9a-f:.]+\]|[a-z0-9._-]+)(?::\d{1,5})?$/i.exec(host);
  return found?.[1].toLowerCase().replace(/\.$/, '');
}

const LOOPBACK: ReadonlySet<string> = new Set(['localhost', '127.0.0.1', '[::1]']);

/** Loopback names and the configured ones, whatever the port (a published port of a container differs from ours). */
export function isHostAllowed(host: string | undefined, allowedHosts: readonly string[]): boolean {
  const name = hostName(host);
  if (name === undefined) return false;
  return LOOPBACK.has(name) || allowedHosts.some((allowed) => allowed.toLowerCase() === name);
}

/** True without an Origin (no browser sent it) and where Origin names the host that was asked. `null` is foreign. */
export function isSameOrigin(origin: string | undefined, host: string | undefined): boolean {
  if (origin === undefined) return true;
  if (host === undefined || !URL.canParse(origin)) return false;
  const { protocol, host: from } = new URL(origin);
  if (protocol !== 'http:' && protocol !== 'https:') return false;
  return from === new URL(`${protocol}//${host}`).host;
}

interface Request {
  readonly method: string;
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>;
}

const only = (value: string | readonly string[] | undefined): string | undefined =>
  typeof value === 'string' ? value : value?.[0];

/** Throws `misdirected` for a foreign Host and `forbidden` for a write from another site. */
export function checkOrigin({ method, headers }: Request, allowedHosts: readonly string[]): void {
  const host = only(headers.host);
  if (!isHostAllowed(host, allowedHosts)) {
    throw new VitrineError('misdirected', 'This host name is not one of this server.', {
      hint: 'Use localhost, or name the host in monitor.allowed_hosts.',
    });
  }
  if (method === 'GET' || method === 'HEAD') return;
  const site = only(headers['sec-fetch-site']);
  const foreign = site !== undefined && site !== 'same-origin' && site !== 'none';
  if (foreign || !isSameOrigin(only(headers.origin), host)) {
    throw new VitrineError('forbidden', 'Only the page of this server may change something from a browser.');
  }
}
