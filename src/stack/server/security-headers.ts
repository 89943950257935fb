/**
 * Security fields for every answer: no framing, no content sniffing, no scripts and no caching, unless the handler sets
 * another value, which always takes precedence.
 */
import type { KitMiddleware } from './context.ts';

const FIELDS: readonly (readonly [string, string])[] = [
  ['Content-Security-Policy', "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"],
  ['X-Content-Type-Options', 'nosniff'],
  ['Referrer-Policy', 'no-referrer'],
  ['Cross-Origin-Opener-Policy', 'same-origin'],
  ['Cross-Origin-Resource-Policy', 'same-origin'],
  ['Cache-Control', 'no-store'],
];

export function securityHeaders(): KitMiddleware {
  return function secure(ctx, next) {
    for (const [name, value] of FIELDS) ctx.set(name, value);
    return next();
  };
}
