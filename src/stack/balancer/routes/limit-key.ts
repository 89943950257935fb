/**
 * The key by which a limit counts a request: the address of its client, one field, one cookie, or one key for the whole
 * route. Long values are stored as a hash, so that a key has a bounded size. A request without the field is counted by
 * address, because otherwise a client could avoid the limit by leaving the field out.
 */
import { createHash } from 'node:crypto';
import { isIPv6 } from 'node:net';
import type { RequestFacts } from './request-facts.ts';

export type LimitKey = (facts: RequestFacts) => string;

const LONG = 64;

const bounded = (value: string): string =>
  value.length <= LONG ? value : createHash('sha256').update(value, 'latin1').digest('base64');

/** One customer usually has a whole /64 of IPv6 addresses. */
export function addressKey(address: string): string {
  return isIPv6(address) ? network64(address) : address;
}

/** The first four groups of an IPv6 address, without abbreviation. */
function network64(address: string): string {
  const [head, tail] = address.toLowerCase().replace(/%.*$/, '').split('::');
  const front = head === '' ? [] : head.split(':');
  const back = tail === undefined || tail === '' ? [] : tail.split(':');
  const embedded = back.at(-1)?.includes('.') === true ? 1 : 0;
  const zeros = tail === undefined ? 0 : 8 - front.length - back.length - embedded;
  const groups = [...front, ...Array.from({ length: Math.max(0, zeros) }, () => '0'), ...back];
  return `${groups
    .slice(0, 4)
    .map((group) => Number.parseInt(group, 16).toString(16))
    .join(':')}::/64`;
}

export function limitKey(by: string): LimitKey {
  if (by === 'route') return () => '';
  if (by === 'client') return (facts) => addressKey(facts.client);
  const name = by.slice(by.indexOf(':') + 1);
  const read: (facts: RequestFacts) => string | undefined = by.startsWith('cookie:')
    ? (facts) => facts.cookie(name)
    : (facts) => facts.field(name.toLowerCase());
  return (facts) => {
    const value = read(facts);
    return value === undefined ? `@${addressKey(facts.client)}` : `=${bounded(value)}`;
  };
}
