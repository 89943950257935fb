/**
 * The data layer: accounts, transfers and their double entries. Amounts are integers in minor units. Each transaction and
 * `check` verify two invariants: no balance is negative, and the sum of all balances never changes.
 */
import { VitrineError } from '../base/errors.ts';
import type { Clock } from '../base/clock.ts';
import type { Database, Row, Statements } from './database.ts';
import { CURRENCY, DEMO_USERS, OPENING_BALANCE, demoAccount, demoUser } from './demo-data.ts';

export const MIGRATIONS: readonly string[] = [
  `CREATE TABLE users (id TEXT PRIMARY KEY, password TEXT NOT NULL) STRICT, WITHOUT ROWID;
   CREATE TABLE accounts (
     id TEXT PRIMARY KEY, owner TEXT NOT NULL REFERENCES users (id), currency TEXT NOT NULL,
     opening INTEGER NOT NULL, balance INTEGER NOT NULL CHECK (balance >= 0)
   ) STRICT, WITHOUT ROWID;
   CREATE TABLE transfers (
     id TEXT PRIMARY KEY, requested_by TEXT NOT NULL, idempotency_key TEXT NOT NULL,
     from_account TEXT NOT NULL REFERENCES accounts (id), to_account TEXT NOT NULL REFERENCES accounts (id),
     amount INTEGER NOT NULL CHECK (amount > 0), created_at INTEGER NOT NULL,
     UNIQUE (requested_by, idempotency_key)
   ) STRICT, WITHOUT ROWID;
   CREATE TABLE entries (
     id INTEGER PRIMARY KEY AUTOINCREMENT, account TEXT NOT NULL REFERENCES accounts (id),
     transfer TEXT NOT NULL REFERENCES transfers (id), amount INTEGER NOT NULL,
     balance_after INTEGER NOT NULL CHECK (balance_after >= 0), created_at INTEGER NOT NULL
   ) STRICT;
   CREATE INDEX entries_by_account ON entries (account, id);`,
];

export interface Account {
  readonly id: string;
  readonly owner: string;
  readonly currency: string;
}

export interface TransferRequest {
  readonly id: string;
  readonly requestedBy: string;
  readonly idempotencyKey: string;
  readonly from: string;
  readonly to: string;
  readonly amount: number;
}

export interface Transfer {
  readonly id: string;
  readonly from: string;
  readonly to: string;
  readonly amount: number;
  readonly created_at: number;
}

export interface Entry {
  readonly id: number;
  readonly transfer: string;
  readonly amount: number;
  readonly balance_after: number;
  readonly created_at: number;
}

export interface LedgerCheck {
  readonly ok: boolean;
  readonly accounts: number;
  readonly total: number;
  readonly expected_total: number;
  readonly negative_balances: number;
  /** Accounts whose balance differs from the opening balance plus the sum of the entries. */
  readonly unexplained_balances: number;
  readonly transfers: number;
}

export class Accounts {
  readonly #db: Database;
  readonly #clock: Clock;

  constructor(db: Database, clock: Clock) {
    this.#db = db;
    this.#clock = clock;
  }

  /** Creates the users and accounts of the demonstration if there are none. `password` is a hash. */
  async seed(password: string): Promise<void> {
    await this.#db.transaction(({ rows, run }) => {
      if (Number(rows('SELECT count(*) AS n FROM users')[0].n) > 0) return;
      const people = Array.from({ length: DEMO_USERS }, (_, index) => [demoUser(index), demoAccount(index)]);
      const all = JSON.stringify(people);
      run('INSERT INTO users SELECT value ->> 0, ? FROM json_each(?)', password, all);
      run(
        `INSERT INTO accounts (id, owner, currency, opening, balance)
         SELECT value ->> 1, value ->> 0, ?, ?, ? FROM json_each(?)`,
        CURRENCY,
        OPENING_BALANCE,
        OPENING_BALANCE,
        all,
      );
    });
  }

  /** The password hash of a user, undefined when there is none of that name. */
  async passwordOf(user: string): Promise<string | undefined> {
    const [row] = await this.#db.query('SELECT password FROM users WHERE id = ?', user);
    return row === undefined ? undefined : String(row.password);
  }

  async accounts(): Promise<readonly Account[]> {
    return (await this.#db.query('SELECT id, owner, currency FROM accounts ORDER BY id')).map(accountOf);
  }

  async account(id: string): Promise<Account | undefined> {
    const [row] = await this.#db.query('SELECT id, owner, currency FROM accounts WHERE id = ?', id);
    return row === undefined ? undefined : accountOf(row);
  }

  /** Minor units. Throws VitrineError `not_found`. */
  async balance(account: string): Promise<number> {
    const [row] = await this.#db.query('SELECT balance FROM accounts WHERE id = ?', account);
    if (row === undefined) throw noAccount(account);
    return Number(row.balance);
  }

  /**
   * Moves money once per user and idempotency key: a repeated request returns the first transfer and `replayed`.
   * Throws VitrineError `insufficient_funds`, `not_found`, or `conflict` when the key was used for another request.
   */
  async transfer(request: TransferRequest): Promise<{ readonly transfer: Transfer; readonly replayed: boolean }> {
    return this.#db.transaction((statements) => {
      const before = findTransfer(statements, request);
      if (before !== undefined) return { transfer: before, replayed: true };
      return { transfer: move(statements, request, this.#clock.now()), replayed: false };
    });
  }

  async transferById(id: string): Promise<Transfer | undefined> {
    const [row] = await this.#db.query('SELECT * FROM transfers WHERE id = ?', id);
    return row === undefined ? undefined : transferOf(row);
  }

  /** Newest first; `before` is the id of the last entry seen. */
  async history(account: string, limit: number, before: number): Promise<readonly Entry[]> {
    const rows = await this.#db.query(
      'SELECT id, transfer, amount, balance_after, created_at FROM entries WHERE account = ? AND id < ? ORDER BY id DESC LIMIT ?',
      account,
      before,
      limit,
    );
    return rows.map((row) => ({
      id: Number(row.id),
      transfer: String(row.transfer),
      amount: Number(row.amount),
      balance_after: Number(row.balance_after),
      created_at: Number(row.created_at),
    }));
  }

  /** Checks everything in one consistent read. */
  async check(): Promise<LedgerCheck> {
    const [row] = await this.#db.query(
      `SELECT count(*) AS accounts, coalesce(sum(balance), 0) AS total, coalesce(sum(opening), 0) AS expected_total,
              coalesce(sum(balance < 0), 0) AS negative_balances, (SELECT count(*) FROM transfers) AS transfers,
              coalesce(sum(balance != opening + coalesce((SELECT sum(amount) FROM entries WHERE account = accounts.id), 0)), 0)
                AS unexplained_balances
       FROM accounts`,
    );
    const figures = {
      accounts: Number(row.accounts),
      total: Number(row.total),
      expected_total: Number(row.expected_total),
      negative_balances: Number(row.negative_balances),
      unexplained_balances: Number(row.unexplained_balances),
      transfers: Number(row.transfers),
    };
    const sound = figures.total === figures.expected_total && figures.negative_balances === 0;
    return { ok: sound && figures.unexplained_balances === 0, ...figures };
  }
}

function findTransfer({ rows }: Statements, request: TransferRequest): Transfer | undefined {
  const [row] = rows(
    'SELECT * FROM transfers WHERE requested_by = ? AND idempotency_key = ?',
    request.requestedBy,
    request.idempotencyKey,
  );
  if (row === undefined) return undefined;
  const before = transferOf(row);
  if (before.from === request.from && before.to === request.to && before.amount === request.amount) return before;
  throw new VitrineError('conflict', 'This idempotency key belongs to another transfer.', {
    hint: 'Use a new key for each transfer, and the same key only to repeat one.',
  });
}

function move({ rows, run }: Statements, request: TransferRequest, nowMs: number): Transfer {
  const { id, from, to, amount } = request;
  const balanceOf = (account: string): number => {
    const [row] = rows('SELECT balance FROM accounts WHERE id = ?', account);
    if (row === undefined) throw noAccount(account);
    return Number(row.balance);
  };
  const fromAfter = balanceOf(from) - amount;
  const toAfter = balanceOf(to) + amount;
  if (fromAfter < 0) {
    throw new VitrineError('insufficient_funds', `The account ${from} does not hold ${amount}.`);
  }
  run(
    `INSERT INTO transfers (id, requested_by, idempotency_key, from_account, to_account, amount, created_at)
     VALUES (?, ?, ?, ?, ?, ?, ?)`,
    id,
    request.requestedBy,
    request.idempotencyKey,
    from,
    to,
    amount,
    nowMs,
  );
  for (const [account, change, after] of [
    [from, -amount, fromAfter],
    [to, amount, toAfter],
  ] as const) {
    run('UPDATE accounts SET balance = ? WHERE id = ?', after, account);
    run(
      'INSERT INTO entries (account, transfer, amount, balance_after, created_at) VALUES (?, ?, ?, ?, ?)',
      account,
      id,
      change,
      after,
      nowMs,
    );
  }
  const [sum] = rows('SELECT sum(amount) AS sum FROM entries WHERE transfer = ?', id);
  if (Number(sum.sum) !== 0) throw new Error(`the entries of ${id} do not cancel out`);
  return { id, from, to, amount, created_at: nowMs };
}

const accountOf = (row: Row): Account => ({
  id: String(row.id),
  owner: String(row.owner),
  currency: String(row.currency),
});

const transferOf = (row: Row): Transfer => ({
  id: String(row.id),
  from: String(row.from_account),
  to: String(row.to_account),
  amount: Number(row.amount),
  created_at: Number(row.created_at),
});

function noAccount(id: string): VitrineError {
  return new VitrineError('not_found', `There is no account ${JSON.stringify(id.slice(0, 64))}.`);
}
