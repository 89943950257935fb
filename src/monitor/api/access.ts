/**
 * Authentication and roles. Programs send a token with each request. The page sends a token once and then has a session in
 * a cookie that scripts cannot read and other sites cannot use. Sessions are stored in memory; they end after 12 h without
 * use, always after 7 days, and when their token is revoked. Without `auth.token` (loopback only) nobody signs in and every
 * request is admitted as an admin.
 */
import { createHash } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';
import { BoundedMap } from '../../base/bounded.ts';
import type { Clock } from '../../base/clock.ts';
import { VitrineError } from '../../base/errors.ts';
import { randomHex } from '../../base/random.ts';
import { mayAct, type AccessStore, type Role, type TokenRecord, type TokenRole } from '../../model/access.ts';
import { bearerOf, sameSecret, SESSION_COOKIE } from '../../model/exposure.ts';

export const COOKIE = SESSION_COOKIE;
/** Over TLS: browsers then refuse the cookie from another path, another host, or without `Secure`. */
export const SECURE_COOKIE = `__Host-${SESSION_COOKIE}`;
const IDLE_MS = 12 * 3_600_000;
const ABSOLUTE_MS = 7 * 24 * 3_600_000;
const MAX_SESSIONS = 1_000;
const MAX_ADDRESSES = 10_000;
const TRIES_PER_MINUTE = 10;

/** Who makes a request. */
export interface Principal {
  readonly name: string;
  readonly role: TokenRole;
  /** The API token; null for `auth.token`, and when no token is needed. */
  readonly tokenId: string | null;
}

interface Session {
  readonly principal: Principal;
  readonly createdMs: number;
  usedMs: number;
}

const LOCAL: Principal = { name: 'local', role: 'admin', tokenId: null };
const OWNER: Principal = { name: 'auth.token', role: 'admin', tokenId: null };

export const hashOf = (token: string): string => createHash('sha256').update(token).digest('hex');

function cookieOf(headers: IncomingHttpHeaders): string | undefined {
  for (const part of (headers.cookie ?? '').split(';')) {
    const [name, value] = part.trim().split('=', 2);
    if (name === COOKIE || name === SECURE_COOKIE) return value;
  }
  return undefined;
}

export class Access {
  readonly #token: string | undefined;
  readonly #clock: Clock;
  /** By hash. */
  readonly #tokens = new Map<string, TokenRecord>();
  readonly #sessions = new BoundedMap<string, Session>(MAX_SESSIONS);
  readonly #tries = new BoundedMap<string, { sinceMs: number; count: number }>(MAX_ADDRESSES);

  constructor(token: string | undefined, clock: Clock, store?: AccessStore) {
    this.#token = token;
    this.#clock = clock;
    for (const record of store?.tokens() ?? []) this.#tokens.set(record.hash, record);
  }

  get isOpen(): boolean {
    return this.#token === undefined;
  }

  /** Who makes the request; undefined when it has no valid token or session. The call counts as use of the session. */
  principal(headers: IncomingHttpHeaders): Principal | undefined {
    const session = this.#session(headers);
    if (session !== undefined) session.usedMs = this.#clock.now();
    return this.#admitted(headers, session);
  }

  isAllowed(headers: IncomingHttpHeaders): boolean {
    return this.#may(this.principal(headers), 'viewer');
  }

  /** The same check, but it does not count as use: an open socket alone does not keep a session alive. */
  isStillAllowed(headers: IncomingHttpHeaders): boolean {
    return this.#may(this.#admitted(headers, this.#session(headers)), 'viewer');
  }

  /** Whether the value of `Authorization` may send telemetry. */
  maySend(authorization: string | undefined): boolean {
    if (this.#token === undefined) return true;
    const found = this.#ofBearer(bearerOf(authorization) ?? '');
    return found !== undefined && found.role !== 'viewer';
  }

  /** @throws VitrineError `unauthorized`, or `forbidden` when the role does not suffice */
  check(headers: IncomingHttpHeaders, needed: Role = 'viewer'): Principal {
    const found = this.principal(headers);
    if (found === undefined) {
      throw new VitrineError('unauthorized', 'This request needs a token of this server.', {
        hint: 'Send it as "Authorization: Bearer …"; auth.token and VITRINE_TOKEN hold the first, Settings makes others.',
        headers: { 'WWW-Authenticate': 'Bearer realm="vitrine"' },
      });
    }
    if (this.#may(found, needed)) return found;
    throw new VitrineError('forbidden', `This needs the role ${needed}; "${found.name}" has the role ${found.role}.`);
  }

  /**
   * Starts a session when the token is correct; returns the value of Set-Cookie. The session of the same browser ends.
   * @throws VitrineError `unauthorized`, or `too_many_requests` after ten attempts in a minute from one address
   */
  signIn(token: string, address: string, secure: boolean, headers: IncomingHttpHeaders = {}): string {
    this.#countTry(address);
    const principal = this.#token === undefined ? LOCAL : this.#ofBearer(token);
    if (principal === undefined) throw new VitrineError('unauthorized', 'This is not a token of this server.');
    if (!this.#may(principal, 'viewer')) {
      throw new VitrineError('forbidden', 'This token may only send telemetry.');
    }
    const old = cookieOf(headers);
    if (old !== undefined) this.#sessions.delete(old);
    const id = randomHex(16);
    const now = this.#clock.now();
    this.#sessions.set(id, { principal, createdMs: now, usedMs: now });
    return cookie(id, ABSOLUTE_MS / 1_000, secure);
  }

  /** Ends the session; returns the value of Set-Cookie that removes it. */
  signOut(headers: IncomingHttpHeaders, secure: boolean): string {
    const id = cookieOf(headers);
    if (id !== undefined) this.#sessions.delete(id);
    return cookie('', 0, secure);
  }

  admit(record: TokenRecord): void {
    this.#tokens.set(record.hash, record);
  }

  /** Sessions that began with the token end with their next request. */
  revoke(id: string): void {
    for (const [hash, record] of this.#tokens) if (record.id === id) this.#tokens.delete(hash);
  }

  #may(principal: Principal | undefined, needed: Role): boolean {
    return principal !== undefined && mayAct(principal.role, needed);
  }

  #admitted(headers: IncomingHttpHeaders, session: Session | undefined): Principal | undefined {
    if (this.#token === undefined) return LOCAL;
    const bearer = bearerOf(headers.authorization);
    return bearer === undefined ? session?.principal : this.#ofBearer(bearer);
  }

  /** The look-up is by hash, so its time says nothing about a token. */
  #ofBearer(token: string): Principal | undefined {
    if (this.#token !== undefined && sameSecret(token, this.#token)) return OWNER;
    const record = this.#tokens.get(hashOf(token));
    if (record === undefined || this.#isOver(record)) return undefined;
    return { name: record.name, role: record.role, tokenId: record.id };
  }

  #isOver({ expiresMs }: TokenRecord): boolean {
    return expiresMs !== null && this.#clock.now() >= expiresMs;
  }

  #session(headers: IncomingHttpHeaders): Session | undefined {
    const id = cookieOf(headers);
    const session = id === undefined ? undefined : this.#sessions.get(id);
    if (id === undefined || session === undefined) return undefined;
    const now = this.#clock.now();
    const fresh = now - session.usedMs <= IDLE_MS && now - session.createdMs <= ABSOLUTE_MS;
    if (fresh && this.#isBacked(session.principal)) return session;
    this.#sessions.delete(id);
    return undefined;
  }

  /** A session is worth no more than the token that it began with. */
  #isBacked({ tokenId }: Principal): boolean {
    if (tokenId === null) return true;
    for (const record of this.#tokens.values()) if (record.id === tokenId) return !this.#isOver(record);
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
  const name = secure ? SECURE_COOKIE : COOKIE;
  return `${name}=${id}; Path=/; HttpOnly; SameSite=Strict; Max-Age=${maxAgeSeconds}${secure ? '; Secure' : ''}`;
}
