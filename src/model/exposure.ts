/**
 * Decides, for every port in the same way, whether it needs a token and whether a caller has it: an address beyond
 * loopback is refused without a token, and a token is compared in constant time.
 */
import { createHash, timingSafeEqual } from 'node:crypto';
import { isIP } from 'node:net';

/** True when only this machine can reach the address. A name other than localhost may resolve to any address. */
export function isLoopback(host: string): boolean {
  if (host === 'localhost') return true;
  return isIP(host) !== 0 && (host === '::1' || host.replace(/^::ffff:/i, '').startsWith('127.'));
}

/** Equal in constant time, whatever the lengths. */
export function sameSecret(a: string, b: string): boolean {
  const digest = (text: string): Buffer => createHash('sha256').update(text).digest();
  return timingSafeEqual(digest(a), digest(b));
}

/** The token of an `Authorization` field; undefined when the field has another scheme. */
export function bearerOf(authorization: string | undefined): string | undefined {
  return /^Bearer +(.+)$/i.exec(authorization ?? '')?.[1];
}

/** The cookie of a session of the page. Browsers send it to every port of the host, so the balancer never forwards it. */
export const SESSION_COOKIE = 'vitrine';
