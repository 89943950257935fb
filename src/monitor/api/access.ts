/**
 * Authentication. Programs send the token with each request. The page sends the token once and then has a session in a
 * cookie that scripts cannot read and other sites cannot use. Sessions are stored in memory; they end after 12 h without
 * use, and always after 7 days. Without a token (loopback only) every request is admitted.
 */
import type { IncomingHttpHeaders } from 'node:http';
import { BoundedMap } from '../../base/bounded.ts';
import type { Clock } from '../../base/clock.ts';
import { VitrineError } from '../../base/errors.ts';
import { randomHex } from '../../base/random.ts';
import { bearerOf, sameSecret, SESSION_COOKIE } from '../../model/exposure.ts';

export const COOKIE = SESSION_COOKIE;
const IDLE_MS = 12 * 3_600_000;
const ABSOLUTE_MS = 7 * 24 * 3_600_000;
const MAX_SESSIONS = 1_000;
const MAX_ADDRESSES = 10_000;
const TRIES_PER_MINUTE = 10;

interface Session {
  readonly createdMs: number;
  usedMs: number;
}

function cookieOf(headers: IncomingHttpHeaders): string | undefined {
  for (const part of (headers.cookie ?? '').split(';')) {
    const [name, value] = part.trim().split('=', 2);
    if (name === COOKIE) return value;
  }
  return undefined;
}

export class Access {
  readonly #token: string | undefined;
  readonly #clock: Clock;
  readonly #sessions = new BoundedMap<string, Session>(MAX_SESSIONS);
  readonly #tries = new BoundedMap<string, { sinceMs: number; count: number }>(MAX_ADDRESSES);

  constructor(token: string | undefined, clock: Clock) {
    this.#token = token;
    this.#clock = clock;
  }

  get isOpen(): boolean {
    return this.#token === undefined;
  }

  /** The call counts as use of the session. */
  isAllowed(headers: IncomingHttpHeaders): boolean {
    const session = this.#admitted(headers);
    if (typeof session === 'object') session.usedMs = this.#clock.now();
    return session !== false;
  }

  /** The same check, but it does not count as use: an open socket alone does not keep a session alive. */
  isStillAllowed(headers: IncomingHttpHeaders): boolean {
    return this.#admitted(headers) !== false;
  }

  /** @throws VitrineError `unauthorized` */
  check(headers: IncomingHttpHeaders): void {
    if (this.isAllowed(headers)) return;
    throw new VitrineError('unauthorized', 'This request needs the token of this server.', {
      hint: 'Send it as "Authorization: Bearer …"; it is what auth.token or VITRINE_TOKEN holds.',
      headers: { 'WWW-Authenticate': 'Bearer realm="vitrine"' },
    });
  }

  /**
   * Starts a session when the token is correct; returns the value of Set-Cookie.
   * @throws VitrineError `unauthorized`, or `too_many_requests` after ten attempts in a minute from one address
   */
  signIn(token: string, address: string, secure: boolean): string {
    this.#countTry(address);
    if (this.#token !== undefined && !sameSecret(token, this.#token)) {
      throw new VitrineError('unauthorized', 'This is not the token of this server.');
    }
    const id = randomHex(16);
    const now = this.#clock.now();
    this.#sessions.set(id, { createdMs: now, usedMs: now });
    return cookie(id, ABSOLUTE_MS / 1_000, secure);
  }

  /** Ends the session; returns the value of Set-Cookie that removes it. */
  signOut(headers: IncomingHttpHeaders, secure: boolean): string {
    const id = cookieOf(headers);
    if (id !== undefined) this.#sessions.delete(id);
    return cookie('', 0, secure);
  }

  #admitted(headers: IncomingHttpHeaders): Session | boolean {
    if (this.#token === undefined) return true;
    const bearer = bearerOf(headers.authorization);
    if (bearer !== undefined) return sameSecret(bearer, this.#token);
    const id = cookieOf(headers);
    const session = id === undefined ? undefined : this.#sessions.get(id);
    if (id === undefined || session === undefined) return false;
    const now = this.#clock.now();
    if (now - session.usedMs <= IDLE_MS && now - session.createdMs <= ABSOLUTE_MS) return session;
    this.#sessions.delete(id);
    return false;
  }

  #countTry(address: string): void {
    const now = this.#clock.now();
    const known = this.#tries.get(address);
    const tries = known === undefined || now - known.sinceMs >= 60_000 ? { sinceMs: now, count: 0 } : known;
    tries.count += 1;
    this.#tries.set(address, tries);
    if (tries.count > TRIES_PER_MINUTE) {
      throw new VitrineError('too_many_requests', 'Too many tries from this address.', {
        hint: 'Wait a minute.',
        headers: { 'Retry-After': '60' },
      });
    }
  }
}

function cookie(id: string, maxAgeSeconds: number, secure: boolean): string {
  return `${COOKIE}=${id}; Path=/; HttpOnly; SameSite=Strict; Max-Age=${maxAgeSeconds}${secure ? '; Secure' : ''}`;
}
