/**
 * Decides which requests this port accepts, before any route: the Host must be one of ours (a DNS rebinding name is not),
 * and a browser may read and change data only for our own page. Links to pages may be followed from anywhere.
 */
import { checkHost, checkSite, type SiteRequest } from '../../model/site.ts';

/** Headers of every response, errors included. No inline script or style exists, so the policy needs no exception. */
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

/** Paths that return data. The page of another site must not make a browser request them, not even to cause load. */
const DATA = /^\/(?:api|probe|metrics|federate|ws)(?:\/|$)/i;

/** Throws `misdirected` for a foreign Host and `forbidden` for a request that another site's page makes. */
export function checkOrigin(request: SiteRequest, path: string, allowedHosts: readonly string[]): void {
  checkHost(request, allowedHosts);
  checkSite(request, !DATA.test(path));
}
