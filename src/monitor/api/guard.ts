/**
 * Which requests this port accepts, decided before any route: the Host must be one of ours (a rebinding name is not), and a
 * browser may ask and change something only for our own page. Links to pages may be followed from anywhere.
 */
import { checkHost, checkSite, type SiteRequest } from '../../model/site.ts';

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

/** Paths that answer with data: no foreign page may make a browser ask for them, not even to waste our time. */
const DATA = /^\/(?:api|probe|metrics|federate|ws)(?:\/|$)/i;

/** Throws `misdirected` for a foreign Host and `forbidden` for a request that another site's page makes. */
export function checkOrigin(request: SiteRequest, path: string, allowedHosts: readonly string[]): void {
  checkHost(request, allowedHosts);
  checkSite(request, !DATA.test(path));
}
