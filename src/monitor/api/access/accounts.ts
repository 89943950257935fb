/**
 * Accounts of people and the one-time links with which they choose their passwords. There is no default account: while there
 * is none, a link that is made at each start makes the first admin. Everything is in memory for reading and in the store
 * first for each change.
 */
import type { Clock } from '../../../base/clock.ts';
import { VitrineError } from '../../../base/errors.ts';
import { randomHex } from '../../../base/random.ts';
import type { AccessStore, AccountRecord, LinkRecord, Role } from '../../../model/access.ts';
import { checkPasswordRules, hashPassword, isPassword } from './passwords.ts';
import { hashOf } from './token-hash.ts';
import { Tries } from './tries.ts';

export const MAX_ACCOUNTS = 200;
const LINK_MS = 24 * 3_600_000;
const NAME = /^[\p{L}\p{N}][\p{L}\p{N}._@+-]{0,63}$/u;
/** Names that the record of changes gives to others than accounts. */
const RESERVED: ReadonlySet<string> = new Set(['local', 'auth.token']);

/** `epoch` rises with each change of the password: sessions of an earlier epoch have ended. */
export interface Known {
  readonly record: AccountRecord;
  readonly epoch: number;
}

export interface Made {
  readonly account: AccountRecord;
  /** The secret of the link; nothing else has it. */
  readonly link: string;
  readonly expiresMs: number;
}

const keyOf = (name: string): string => name.normalize('NFKC').toLowerCase();

export class Accounts {
  readonly #store: AccessStore;
  readonly #clock: Clock;
  readonly #byId = new Map<string, Known>();
  /** By account. */
  readonly #links = new Map<string, LinkRecord>();
  readonly #byName: Tries;
  /** Changes go one after the other, so that two cannot use one link or take one name. */
  #last: Promise<unknown> = Promise.resolve();
  #first: { readonly hash: string; readonly expiresMs: number; readonly used: () => void } | undefined;

  constructor(store: AccessStore, clock: Clock) {
    this.#store = store;
    this.#clock = clock;
    this.#byName = new Tries(clock, 'for this name');
    for (const record of store.accounts()) this.#byId.set(record.id, { record, epoch: 0 });
    for (const link of store.links()) this.#links.set(link.accountId, link);
  }

  list(): readonly (AccountRecord & { readonly linkEndsMs: number | null })[] {
    return [...this.#byId.values()].map(({ record }) => ({
      ...record,
      linkEndsMs: this.#links.get(record.id)?.expiresMs ?? null,
    }));
  }

  find(id: string): Known | undefined {
    return this.#byId.get(id);
  }

  /** The secret of the link that makes the first admin; undefined as soon as there is an account. `used` is called once. */
  firstLink(used: () => void): string | undefined {
    if (this.#byId.size > 0) return undefined;
    const secret = randomHex(16);
    this.#first = { hash: hashOf(secret), expiresMs: this.#clock.now() + LINK_MS, used };
    return secret;
  }

  /** @throws VitrineError `bad_request`, `conflict` */
  invite(name: string, role: Role, by: string): Promise<Made> {
    return this.#inTurn(() => {
      this.#checkName(name);
      return this.#linked(this.#fresh(name, role, by));
    });
  }

  /** A new link for somebody who has forgotten the password, which works until the link is used. */
  newLink(id: string): Promise<Made> {
    return this.#inTurn(() => this.#linked(this.#existing(id).record));
  }

  setRole(id: string, role: Role): Promise<void> {
    return this.#inTurn(async () => {
      const known = this.#existing(id);
      await this.#store.putAccount({ ...known.record, role }, this.#links.get(id));
      this.#byId.set(id, { ...known, record: { ...known.record, role } });
    });
  }

  remove(id: string): Promise<void> {
    return this.#inTurn(async () => {
      this.#existing(id);
      await this.#store.removeAccount(id);
      this.#byId.delete(id);
      this.#links.delete(id);
    });
  }

  /**
   * The account of this name and password. Ten tries a minute for one name, whether somebody has it or not.
   * @throws VitrineError `too_many_requests`, `overloaded`
   */
  async byPassword(name: string, password: string): Promise<Known | undefined> {
    this.#byName.count(keyOf(name).slice(0, 64));
    const known = this.#named(name);
    return (await isPassword(password, known?.record.password)) ? known : undefined;
  }

  /**
   * Uses a link: sets the password of its account, or makes the first admin under `name`. All sessions of the account end.
   * @throws VitrineError `unauthorized` for a link that is not valid, `bad_request` for a password or name that is refused
   */
  choose(link: string, name: string, password: string): Promise<Known> {
    return this.#inTurn(() => {
      const hash = hashOf(link);
      const now = this.#clock.now();
      if (this.#first?.hash === hash && this.#byId.size === 0 && now < this.#first.expiresMs) {
        this.#checkName(name);
        return this.#passworded(this.#fresh(name, 'admin', 'the first link'), password);
      }
      const found = [...this.#links.values()].find((one) => one.hash === hash && now < one.expiresMs);
      if (found === undefined) {
        throw new VitrineError('unauthorized', 'This link was used already, has ended, or is not of this server.', {
          hint: 'Ask an admin for a new one.',
        });
      }
      return this.#passworded(this.#existing(found.accountId).record, password);
    });
  }

  /** @throws VitrineError `forbidden` when `old` is not the password, `bad_request` when the new one is refused */
  async changePassword(id: string, old: string, next: string): Promise<Known> {
    const { record } = this.#existing(id);
    if ((await this.byPassword(record.name, old))?.record.id !== id) {
      throw new VitrineError('forbidden', 'This is not your present password.');
    }
    return this.#inTurn(() => this.#passworded(this.#existing(id).record, next));
  }

  async #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const done = this.#last.then(work);
    this.#last = done.catch(() => {});
    return done;
  }

  #fresh(name: string, role: Role, createdBy: string): AccountRecord {
    return { id: randomHex(4), name, role, password: '', createdMs: this.#clock.now(), createdBy };
  }

  async #passworded(record: AccountRecord, password: string): Promise<Known> {
    checkPasswordRules(password, record.name);
    const stored = { ...record, password: await hashPassword(password) };
    await this.#store.putAccount(stored);
    const known = { record: stored, epoch: (this.#byId.get(record.id)?.epoch ?? 0) + 1 };
    this.#byId.set(record.id, known);
    this.#links.delete(record.id);
    this.#first?.used();
    this.#first = undefined;
    return known;
  }

  async #linked(account: AccountRecord): Promise<Made> {
    const link = randomHex(16);
    const expiresMs = this.#clock.now() + LINK_MS;
    const record: LinkRecord = { hash: hashOf(link), accountId: account.id, expiresMs };
    await this.#store.putAccount(account, record);
    this.#byId.set(account.id, { record: account, epoch: this.#byId.get(account.id)?.epoch ?? 0 });
    this.#links.set(account.id, record);
    return { account, link, expiresMs };
  }

  #checkName(name: string): void {
    if (!NAME.test(name) || RESERVED.has(keyOf(name))) {
      throw new VitrineError('bad_request', 'This cannot be the name of an account.', {
        hint: 'Letters, digits and . _ @ + -, at most 64, and a letter or digit first.',
      });
    }
    if (this.#named(name) !== undefined) {
      throw new VitrineError('conflict', 'There is an account of this name.', { hint: 'Choose another name.' });
    }
    if (this.#byId.size >= MAX_ACCOUNTS) {
      throw new VitrineError('conflict', `There are ${MAX_ACCOUNTS} accounts, which is the most.`, {
        hint: 'Remove one that is not used any more.',
      });
    }
  }

  #named(name: string): Known | undefined {
    const key = keyOf(name);
    return [...this.#byId.values()].find(({ record }) => keyOf(record.name) === key);
  }

  #existing(id: string): Known {
    const known = this.#byId.get(id);
    if (known === undefined) throw new VitrineError('not_found', 'There is no account of this id.');
    return known;
  }
}
