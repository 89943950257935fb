/**
 * Sessions of browsers: a random id of 128 bits in a cookie that scripts cannot read and other sites cannot use. They are in
 * memory; they end after 12 h without use, always after 7 days, and when whoever began them loses access.
 */
import type { IncomingHttpHeaders } from 'node:http';
import { BoundedMap } from '../../../base/bounded.ts';
import type { Clock } from '../../../base/clock.ts';
import { randomHex } from '../../../base/random.ts';
import { SESSION_COOKIE } from '../../../model/exposure.ts';

export const COOKIE = SESSION_COOKIE;
/** Over TLS: browsers then refuse the cookie from another path, another host, or without `Secure`. */
export const SECURE_COOKIE = `__Host-${SESSION_COOKIE}`;
const IDLE_MS = 12 * 3_600_000;
const ABSOLUTE_MS = 7 * 24 * 3_600_000;
const MAX_SESSIONS = 1_000;

/** Who began a session: `auth.token` itself, an API token or an account, by its id. Nobody signs in on an open server. */
export type Holder =
  | { readonly kind: 'local' }
  | { readonly kind: 'owner' }
  | { readonly kind: 'token'; readonly id: string }
  | { readonly kind: 'account'; readonly id: string; readonly epoch: number };

export interface Session {
  readonly holder: Holder;
  readonly createdMs: number;
  usedMs: number;
}

function cookieOf(headers: IncomingHttpHeaders): string | undefined {
  for (const part of (headers.cookie ?? '').split(';')) {
    const [name, value] = part.trim().split('=', 2);
    if (name === COOKIE || name === SECURE_COOKIE) return value;
  }
  return undefined;
}

export class Sessions {
  readonly #clock: Clock;
  readonly #sessions = new BoundedMap<string, Session>(MAX_SESSIONS);

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** The session of a request, if it has not ended. */
  of(headers: IncomingHttpHeaders): Session | undefined {
    const id = cookieOf(headers);
    const session = id === undefined ? undefined : this.#sessions.get(id);
    if (id === undefined || session === undefined) return undefined;
    const now = this.#clock.now();
    if (now - session.usedMs <= IDLE_MS && now - session.createdMs <= ABSOLUTE_MS) return session;
    this.#sessions.delete(id);
    return undefined;
  }

  /** Begins one under a new id; that of the same browser ends. Returns the value of Set-Cookie. */
  begin(holder: Holder, secure: boolean, headers: IncomingHttpHeaders): string {
    this.#drop(headers);
    const id = randomHex(16);
    const now = this.#clock.now();
    this.#sessions.set(id, { holder, createdMs: now, usedMs: now });
    return cookie(id, ABSOLUTE_MS / 1_000, secure);
  }

  /** Ends that of the request; returns the value of Set-Cookie that removes it. */
  end(headers: IncomingHttpHeaders, secure: boolean): string {
    this.#drop(headers);
    return cookie('', 0, secure);
  }

  #drop(headers: IncomingHttpHeaders): void {
    const id = cookieOf(headers);
    if (id !== undefined) this.#sessions.delete(id);
  }
}

function cookie(id: string, maxAgeSeconds: number, secure: boolean): string {
  const name = secure ? SECURE_COOKIE : COOKIE;
  return `${name}=${id}; Path=/; HttpOnly; SameSite=Strict; Max-Age=${maxAgeSeconds}${secure ? '; Secure' : ''}`;
}
