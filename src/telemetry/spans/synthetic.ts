/**
 * Requests that synthetic checks make, which must not count as users' requests: a busy check would make a quiet service look
 * used and fast. They say so by the entry `synthetic=true` of W3C Baggage, which goes on with the trace to the services behind.
 * Anybody can write that, and could hide requests from the figures by it, so the mark counts only when it comes from a loopback
 * or private address, and not by a proxy in between, which brings requests of others. Our balancer is such a proxy too, but it
 * takes the mark of strangers away.
 */
import { isIP } from 'node:net';

/** The entry of the baggage. */
export const SYNTHETIC_ENTRY = 'synthetic';
/** Semantic conventions, "user agent": a synthetic type other than a bot. */
export const SYNTHETIC_TYPE = { 'user_agent.synthetic.type': 'test' } as const;

const MARK = /(?:^|,)\s*synthetic\s*=\s*true\s*(?:[;,]|$)/;
const PRIVATE_4 = /^(?:127|10|192\.168|169\.254|172\.(?:1[6-9]|2\d|3[01]))\./;
const PRIVATE_6 = /^(?:::1$|f[cd][\da-f]{2}:|fe[89ab][\da-f]:)/i;

export const isMarked = (baggage: string | undefined): boolean => baggage !== undefined && MARK.test(baggage);

/** A loopback, private or link-local address, or none (a Unix socket). */
function isNear(address: string | undefined): boolean {
  if (address === undefined || address === '') return true;
  const plain = address.replace(/^::ffff:(?=\d+\.)/i, '').replace(/%.*$/, '');
  return isIP(plain) !== 0 && (PRIVATE_4.test(plain) || PRIVATE_6.test(plain));
}

export interface Origin {
  readonly baggage: string | undefined;
  /** Address of the peer of the connection. */
  readonly address: string | undefined;
  /** `X-Forwarded-For` or `Forwarded`. */
  readonly forwarded: string | undefined;
  readonly via: string | undefined;
}

/** Whether a check of this installation made the request. */
export function isSynthetic({ baggage, address, forwarded, via }: Origin): boolean {
  if (!isMarked(baggage) || !isNear(address)) return false;
  return forwarded === undefined || /(?:^|,)\s*1\.[01] vitrine\s*$/.test(via ?? '');
}

/** The same of a request of node:http. */
export function isSyntheticRequest({
  headers,
  socket,
}: {
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly socket: { readonly remoteAddress?: string | undefined };
}): boolean {
  const baggage = textOf(headers['baggage']);
  if (!isMarked(baggage)) return false;
  const forwarded = textOf(headers['x-forwarded-for']) ?? textOf(headers['forwarded']);
  return isSynthetic({ baggage, address: socket.remoteAddress, forwarded, via: textOf(headers['via']) });
}

const textOf = (value: string | string[] | undefined): string | undefined =>
  Array.isArray(value) ? value.join(', ') : value;
