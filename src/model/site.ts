/**
 * Decides whether the origin of a request is allowed, by one rule for every port: the Host must be a name of this server (a
 * name that an attacker points here by DNS is not one), and a browser may send only the requests of our own pages. Programs
 * send neither Origin nor Fetch metadata, so only the rule for Host applies to them. Pure.
 */
import { VitrineError } from '../base/errors.ts';
import { isLoopback } from './exposure.ts';

type Fields = Readonly<Record<string, string | readonly string[] | undefined>>;

export interface SiteRequest {
  readonly method: string;
  readonly headers: Fields;
}

/** A Host field without its port, lower case, brackets of IPv6 kept; undefined when the value is not a host. */
export function hostName(host: string | undefined): string | undefined {
  if (host === undefined) return undefined;
  const found = /^(\[[0-9a-f:.]+\]|[a-z0-9._-]+)(?::\d{1,5})?$/i.exec(host);
  return found?.[1].toLowerCase().replace(/\.$/, '');
}

/** Loopback names and the configured ones, whatever the port (a published port of a container differs from ours). */
export function isHostAllowed(host: string | undefined, allowedHosts: readonly string[]): boolean {
  const name = hostName(host);
  if (name === undefined) return false;
  return isLoopback(name.replace(/^\[|\]$/g, '')) || allowedHosts.some((allowed) => allowed.toLowerCase() === name);
}

/** True without an Origin (no browser sent it) and where Origin names the host that was asked. `null` is foreign. */
export function isSameOrigin(origin: string | undefined, host: string | undefined): boolean {
  if (origin === undefined) return true;
  if (host === undefined || !URL.canParse(origin) || !URL.canParse(`http://${host}`)) return false;
  const { protocol, host: from } = new URL(origin);
  if (protocol !== 'http:' && protocol !== 'https:') return false;
  return from === new URL(`${protocol}//${host}`).host;
}

const only = (value: string | readonly string[] | undefined): string | undefined =>
  typeof value === 'string' ? value : value?.[0];

/** True when a browser sends the request for a page of another site (Fetch Metadata, `same-site` included). */
function isForeign(headers: Fields): boolean {
  const site = only(headers['sec-fetch-site']);
  if (site !== undefined && site !== 'same-origin' && site !== 'none') return true;
  return !isSameOrigin(only(headers.origin), only(headers.host) ?? only(headers[':authority']));
}

/** True for a link that somebody follows: the top window navigates to the address. */
function isNavigation({ method, headers }: SiteRequest): boolean {
  const mode = only(headers['sec-fetch-mode']);
  const destination = only(headers['sec-fetch-dest']);
  return method === 'GET' && mode === 'navigate' && destination === 'document' && headers.origin === undefined;
}

/** Throws `misdirected` when the Host is not a name of this server. */
export function checkHost({ headers }: SiteRequest, allowedHosts: readonly string[]): void {
  if (isHostAllowed(only(headers.host) ?? only(headers[':authority']), allowedHosts)) return;
  throw new VitrineError('misdirected', 'This host name is not one of this server.', {
    hint: 'Use localhost, or name the host in monitor.allowed_hosts.',
  });
}

/** What a proxy in front of this server must do: the reason why the own page can look like that of another site. */
export const PROXY_HINT =
  'Behind a proxy, pass the Host field on as the browser sent it (nginx: proxy_set_header Host $http_host).';

/**
 * Throws `forbidden` for a request that another site's page sends; a link to one of our pages may be followed from anywhere.
 */
export function checkSite(request: SiteRequest, isPage = false): void {
  if (!isForeign(request.headers) || (isPage && isNavigation(request))) return;
  throw new VitrineError('forbidden', 'Only the pages of this server may ask this from a browser.', {
    hint: PROXY_HINT,
  });
}
