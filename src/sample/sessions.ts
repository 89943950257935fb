/**
 * Sign-in, refresh and token checks, each timed as `vitrine.server.auth.duration`. A wrong name takes as long as a wrong password
 * and gives the same answer. Concurrent password checks are bounded, because they share the thread pool with file access.
 */
import type { Clock } from '../base/clock.ts';
import { VitrineError } from '../base/errors.ts';
import { timedAuth, type TimedAuth } from '../stack/server/authentication.ts';
import type { Accounts } from './accounts.ts';
import { verifyPassword } from './passwords.ts';
import { checkToken, signToken, unauthorized } from './tokens.ts';

export interface Session {
  readonly user: string;
  readonly token: string;
  readonly expires_in: number;
  readonly refresh_token: string;
}

const ACCESS_MS = 15 * 60_000;
const REFRESH_MS = 24 * 3_600_000;
const MAX_SIGN_INS = 256;

export class Sessions {
  readonly #ledger: Accounts;
  readonly #key: Buffer;
  readonly #clock: Clock;
  readonly #timed: TimedAuth;
  /** Checked for unknown users, so that the answer takes the same time. */
  readonly #decoy: string;
  #signingIn = 0;

  constructor(ledger: Accounts, key: Buffer, decoy: string, clock: Clock) {
    this.#ledger = ledger;
    this.#key = key;
    this.#decoy = decoy;
    this.#clock = clock;
    this.#timed = timedAuth(clock);
  }

  /** Throws VitrineError `unauthorized`, or `too_many_requests` when too many sign in at once. */
  async signIn(user: string, password: string): Promise<Session> {
    return this.#timed('login', async () => {
      if (this.#signingIn >= MAX_SIGN_INS) {
        throw new VitrineError('too_many_requests', 'Too many users are signing in at once.', {
          headers: { 'Retry-After': '1' },
        });
      }
      this.#signingIn += 1;
      try {
        const stored = await this.#ledger.passwordOf(user);
        const right = await verifyPassword(password, stored ?? this.#decoy);
        if (!right || stored === undefined) throw unauthorized('The name or the password is wrong.');
        return this.#open(user);
      } finally {
        this.#signingIn -= 1;
      }
    });
  }

  /** A new pair of tokens for a valid refresh token. */
  async refresh(token: string): Promise<Session> {
    return this.#timed('refresh', async () =>
      this.#open(checkToken(token, 'refresh', this.#key, this.#clock.now()).sub),
    );
  }

  /** The user of an access token. Throws VitrineError `unauthorized`. */
  async check(authorization: string | undefined): Promise<string> {
    return this.#timed('check', async () => {
      const found = /^Bearer ([\w.-]+)$/i.exec(authorization ?? '');
      if (!found) throw unauthorized('A bearer token is required.');
      return checkToken(found[1], 'access', this.#key, this.#clock.now()).sub;
    });
  }

  #open(user: string): Session {
    const now = this.#clock.now();
    return {
      user,
      token: signToken({ sub: user, kind: 'access', exp: now + ACCESS_MS }, this.#key),
      expires_in: ACCESS_MS / 1000,
      refresh_token: signToken({ sub: user, kind: 'refresh', exp: now + REFRESH_MS }, this.#key),
    };
  }
}
