/**
 * Authentication and roles. Programs send a token with each request. A person sends name and password, or a token, once and
 * then has a session. Without `auth.token` (loopback only) nobody signs in and every request is admitted as an admin.
 */
import type { IncomingHttpHeaders } from 'node:http';
import type { Clock } from '../../../base/clock.ts';
import { VitrineError } from '../../../base/errors.ts';
import { mayAct, type AccessStore, type Role, type TokenRecord, type TokenRole } from '../../../model/access.ts';
import { bearerOf, sameSecret } from '../../../model/exposure.ts';
import { Accounts, type Known } from './accounts.ts';
import { Sessions, type Holder, type Session } from './sessions.ts';
import { hashOf } from './token-hash.ts';
import { Tries } from './tries.ts';

/** Who makes a request. */
export interface Principal {
  readonly name: string;
  readonly role: TokenRole;
  readonly holder: Holder;
}

/** The browser that signs in. */
export interface Browser {
  readonly address: string;
  readonly secure: boolean;
  readonly headers: IncomingHttpHeaders;
}

const LOCAL: Principal = { name: 'local', role: 'admin', holder: { kind: 'local' } };
const OWNER: Principal = { name: 'auth.token', role: 'admin', holder: { kind: 'owner' } };

export class Access {
  readonly #token: string | undefined;
  readonly #clock: Clock;
  /** By hash. */
  readonly #tokens = new Map<string, TokenRecord>();
  readonly #sessions: Sessions;
  readonly #tries: Tries;
  /** Undefined without a store, or when nobody signs in. */
  readonly accounts: Accounts | undefined;

  constructor(token: string | undefined, clock: Clock, store?: AccessStore) {
    this.#token = token;
    this.#clock = clock;
    this.#sessions = new Sessions(clock);
    this.#tries = new Tries(clock, 'from this address');
    this.accounts = store === undefined || token === undefined ? undefined : new Accounts(store, clock);
    for (const record of store?.tokens() ?? []) this.#tokens.set(record.hash, record);
  }

  get isOpen(): boolean {
    return this.#token === undefined;
  }

  /** Who makes the request; undefined when it has no valid token or session. The call counts as use of the session. */
  principal(headers: IncomingHttpHeaders): Principal | undefined {
    const session = this.#sessions.of(headers);
    if (session !== undefined) session.usedMs = this.#clock.now();
    return this.#admitted(headers, session);
  }

  isAllowed(headers: IncomingHttpHeaders): boolean {
    return this.#may(this.principal(headers), 'viewer');
  }

  /** The same check, but it does not count as use: an open socket alone does not keep a session alive. */
  isStillAllowed(headers: IncomingHttpHeaders): boolean {
    return this.#may(this.#admitted(headers, this.#sessions.of(headers)), 'viewer');
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
  signIn(token: string, browser: Browser): string {
    this.#tries.count(browser.address);
    const principal = this.#token === undefined ? LOCAL : this.#ofBearer(token);
    if (principal === undefined) throw new VitrineError('unauthorized', 'This is not a token of this server.');
    if (!this.#may(principal, 'viewer')) {
      throw new VitrineError('forbidden', 'This token may only send telemetry.');
    }
    return this.#begin(principal.holder, browser);
  }

  /** The same with name and password. The answer to a wrong one does not tell whether the name exists. */
  async signInAs(name: string, password: string, browser: Browser): Promise<string> {
    this.#tries.count(browser.address);
    const known = await this.#people().byPassword(name, password);
    if (known === undefined) throw new VitrineError('unauthorized', 'Name or password are wrong.');
    return this.#beginAs(known, browser);
  }

  /** Sets the password with a one-time link, and signs in. @returns the cookie and the name of the account */
  async useLink(
    link: string,
    name: string,
    password: string,
    browser: Browser,
  ): Promise<{ readonly cookie: string; readonly name: string }> {
    this.#tries.count(browser.address);
    const known = await this.#people().choose(link, name, password);
    return { cookie: this.#beginAs(known, browser), name: known.record.name };
  }

  /** Changes the password of the caller's account; all its sessions end, and a new one begins. */
  async changePassword(old: string, next: string, browser: Browser): Promise<string> {
    this.#tries.count(browser.address);
    const { holder } = this.check(browser.headers);
    if (holder.kind !== 'account') throw new VitrineError('conflict', 'You did not sign in with a password.');
    return this.#beginAs(await this.#people().changePassword(holder.id, old, next), browser);
  }

  /** Ends the session; returns the value of Set-Cookie that removes it. */
  signOut(headers: IncomingHttpHeaders, secure: boolean): string {
    return this.#sessions.end(headers, secure);
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

  #people(): Accounts {
    if (this.accounts !== undefined) return this.accounts;
    throw new VitrineError('conflict', 'This server has no accounts.', { hint: 'They need auth.token.' });
  }

  #begin(holder: Holder, { secure, headers }: Browser): string {
    return this.#sessions.begin(holder, secure, headers);
  }

  #beginAs({ record, epoch }: Known, browser: Browser): string {
    return this.#begin({ kind: 'account', id: record.id, epoch }, browser);
  }

  #admitted(headers: IncomingHttpHeaders, session: Session | undefined): Principal | undefined {
    if (this.#token === undefined) return LOCAL;
    const bearer = bearerOf(headers.authorization);
    if (bearer !== undefined) return this.#ofBearer(bearer);
    return session === undefined ? undefined : this.#ofHolder(session.holder);
  }

  /** The look-up is by hash, so its time says nothing about a token. */
  #ofBearer(token: string): Principal | undefined {
    if (this.#token !== undefined && sameSecret(token, this.#token)) return OWNER;
    return this.#ofToken(this.#tokens.get(hashOf(token)));
  }

  #ofToken(record: TokenRecord | undefined): Principal | undefined {
    if (record === undefined) return undefined;
    const { id, name, role, expiresMs } = record;
    if (expiresMs !== null && this.#clock.now() >= expiresMs) return undefined;
    return { name, role, holder: { kind: 'token', id } };
  }

  /** A session is worth no more than the token, or the account and its password, that it began with. */
  #ofHolder(holder: Holder): Principal | undefined {
    if (holder.kind === 'local') return undefined;
    if (holder.kind === 'owner') return OWNER;
    if (holder.kind === 'token') {
      return this.#ofToken([...this.#tokens.values()].find(({ id }) => id === holder.id));
    }
    const known = this.accounts?.find(holder.id);
    if (known === undefined || known.epoch !== holder.epoch) return undefined;
    return { name: known.record.name, role: known.record.role, holder };
  }
}
