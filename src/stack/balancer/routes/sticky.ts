/**
 * Sessions that stay at one upstream. With a cookie, its value is a keyed hash of the upstream's name: nobody can make a
 * cookie without the key, and its value reveals nothing about the network. It is looked up in a small table that is made
 * when the configuration is loaded. With a field or an address, a consistent hash of the value chooses. An upstream that
 * takes no traffic is skipped; with a cookie, the client is told its new upstream.
 */
import { createHmac, randomBytes } from 'node:crypto';
import type { StickyOptions } from '../options/route-options.ts';
import type { Upstream } from '../upstream/upstream.ts';
import { hashText } from './hash-ring.ts';
import { addressKey } from './limit-key.ts';
import type { RequestFacts } from './request-facts.ts';

/** The preferred upstream of a request: an index of `upstreams`, or a hash for the ring. */
export type Preference =
  | { readonly kind: 'index'; readonly at: number }
  | { readonly kind: 'hash'; readonly hash: number };

export interface Sticky {
  prefer(facts: RequestFacts): Preference | undefined;
  /** Lines for an answer of `upstream` to a client that preferred `preference`. */
  fields(upstream: Upstream, preference: Preference | undefined, facts: RequestFacts): string;
}

/** The default when balancers share no configured secret: cookies are valid until this process ends. */
const OWN_SECRET = randomBytes(32);

function byCookie(name: string, secret: string | undefined, maxAgeMs: number, upstreams: readonly Upstream[]): Sticky {
  const key = secret === undefined ? OWN_SECRET : Buffer.from(secret);
  const values = upstreams.map((one) => createHmac('sha256', key).update(one.name).digest('base64url'));
  const index = new Map(values.map((value, at) => [value, at]));
  const age = maxAgeMs > 0 ? `; Max-Age=${Math.floor(maxAgeMs / 1000)}` : '';
  return {
    prefer(facts) {
      const value = facts.cookie(name);
      const at = value === undefined ? undefined : index.get(value);
      return at === undefined ? undefined : { kind: 'index', at };
    },
    fields(upstream, preference, facts) {
      const at = upstreams.indexOf(upstream);
      if (at < 0 || (preference?.kind === 'index' && preference.at === at)) return '';
      const secure = facts.scheme === 'https' ? '; Secure' : '';
      return `Set-Cookie: ${name}=${values[at]}; Path=/; HttpOnly; SameSite=Lax${age}${secure}\r\n`;
    },
  };
}

function byHash(key: (facts: RequestFacts) => string | undefined): Sticky {
  return {
    prefer(facts) {
      const value = key(facts);
      return value === undefined ? undefined : { kind: 'hash', hash: hashText(value) };
    },
    fields: () => '',
  };
}

/** `upstreams` in the order of the route. */
export function makeSticky(options: StickyOptions, upstreams: readonly Upstream[]): Sticky {
  if ('cookie' in options) return byCookie(options.cookie, options.secret, options.max_age, upstreams);
  if ('ip' in options) return byHash((facts) => addressKey(facts.client));
  const name = options.header.toLowerCase();
  return byHash((facts) => facts.field(name));
}

/**
 * The policy `consistent_hash` without a sticky setting: each path belongs to one upstream, so that this upstream's own
 * cache is used.
 */
export const byPath: Sticky = byHash((facts) => facts.path);
