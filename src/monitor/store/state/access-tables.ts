/** Tokens, accounts, links and the record of changes in `state.db`. The record keeps the newest entries only. */
import {
  ROLES,
  type AccessStore,
  type AccountRecord,
  type AuditEntry,
  type LinkRecord,
  type Role,
  type TokenRecord,
  type TokenRole,
} from '../../../model/access.ts';
import type { StateDatabase, StateOwner } from './state-database.ts';

/** Entries of the record of changes. */
const MAX_AUDIT = 10_000;

export const ACCESS_OWNER: StateOwner = {
  name: 'access',
  migrations: [
    `CREATE TABLE tokens (
       id TEXT PRIMARY KEY, name TEXT NOT NULL, role TEXT NOT NULL, hash TEXT NOT NULL UNIQUE,
       created_ms INTEGER NOT NULL, created_by TEXT NOT NULL, expires_ms INTEGER
     ) STRICT, WITHOUT ROWID;
     CREATE TABLE audit (
       number INTEGER PRIMARY KEY, at_ms INTEGER NOT NULL, who TEXT NOT NULL, action TEXT NOT NULL, status INTEGER NOT NULL
     ) STRICT;`,
    `CREATE TABLE accounts (
       id TEXT PRIMARY KEY, name TEXT NOT NULL, role TEXT NOT NULL, password TEXT NOT NULL,
       created_ms INTEGER NOT NULL, created_by TEXT NOT NULL
     ) STRICT, WITHOUT ROWID;
     CREATE UNIQUE INDEX accounts_by_name ON accounts (lower(name));
     CREATE TABLE links (
       hash TEXT PRIMARY KEY, account_id TEXT NOT NULL, expires_ms INTEGER NOT NULL
     ) STRICT, WITHOUT ROWID;`,
  ],
};

interface TokenRow {
  readonly id: string;
  readonly name: string;
  readonly role: string;
  readonly hash: string;
  readonly created_ms: number;
  readonly created_by: string;
  readonly expires_ms: number | null;
}

interface AuditRow {
  readonly at_ms: number;
  readonly who: string;
  readonly action: string;
  readonly status: number;
}

interface AccountRow {
  readonly id: string;
  readonly name: string;
  readonly role: string;
  readonly password: string;
  readonly created_ms: number;
  readonly created_by: string;
}

interface LinkRow {
  readonly hash: string;
  readonly account_id: string;
  readonly expires_ms: number;
}

/** A role of a newer version is read as the least one. */
const personRole = (text: string): Role => ROLES.find((role) => role === text) ?? 'viewer';
const roleOf = (text: string): TokenRole => (text === 'ingest' ? 'ingest' : personRole(text));

const accountOf = (row: AccountRow): AccountRecord => ({
  id: row.id,
  name: row.name,
  role: personRole(row.role),
  password: row.password,
  createdMs: row.created_ms,
  createdBy: row.created_by,
});

const linkOf = (row: LinkRow): LinkRecord => ({
  hash: row.hash,
  accountId: row.account_id,
  expiresMs: row.expires_ms,
});

const tokenOf = (row: TokenRow): TokenRecord => ({
  id: row.id,
  name: row.name,
  role: roleOf(row.role),
  hash: row.hash,
  createdMs: row.created_ms,
  createdBy: row.created_by,
  expiresMs: row.expires_ms,
});

export function accessStore(state: StateDatabase): AccessStore {
  return {
    tokens() {
      const rows = state.db.prepare('SELECT * FROM tokens ORDER BY created_ms, id').all() as unknown as TokenRow[];
      return rows.map(tokenOf);
    },
    add: ({ id, name, role, hash, createdMs, createdBy, expiresMs }) =>
      state.change((db) => {
        db.prepare('INSERT INTO tokens VALUES (?, ?, ?, ?, ?, ?, ?)').run(
          id,
          name,
          role,
          hash,
          createdMs,
          createdBy,
          expiresMs,
        );
      }),
    remove: (id) => state.change((db) => void db.prepare('DELETE FROM tokens WHERE id = ?').run(id)),
    accounts() {
      const rows = state.db.prepare('SELECT * FROM accounts ORDER BY created_ms, id').all() as unknown as AccountRow[];
      return rows.map(accountOf);
    },
    links: () => (state.db.prepare('SELECT * FROM links').all() as unknown as LinkRow[]).map(linkOf),
    putAccount: (account, link) =>
      state.change((db) => {
        const { id, name, role, password, createdMs, createdBy } = account;
        const put =
          'INSERT INTO accounts VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (id) DO UPDATE SET role = excluded.role, ' +
          'password = excluded.password';
        db.prepare(put).run(id, name, role, password, createdMs, createdBy);
        db.prepare('DELETE FROM links WHERE account_id = ?').run(id);
        if (link === undefined) return;
        db.prepare('INSERT INTO links VALUES (?, ?, ?)').run(link.hash, link.accountId, link.expiresMs);
      }),
    removeAccount: (id) =>
      state.change((db) => {
        db.prepare('DELETE FROM accounts WHERE id = ?').run(id);
        db.prepare('DELETE FROM links WHERE account_id = ?').run(id);
      }),
    audit(limit) {
      const query = 'SELECT at_ms, who, action, status FROM audit ORDER BY number DESC LIMIT ?';
      const rows = state.db.prepare(query).all(limit) as unknown as AuditRow[];
      return rows.map(({ at_ms: atMs, who, action, status }): AuditEntry => ({ atMs, who, action, status }));
    },
    note: ({ atMs, who, action, status }) =>
      state.change((db) => {
        const add = 'INSERT INTO audit (at_ms, who, action, status) VALUES (?, ?, ?, ?)';
        const { lastInsertRowid: number } = db.prepare(add).run(atMs, who, action, status);
        db.prepare('DELETE FROM audit WHERE number <= ?').run(Number(number) - MAX_AUDIT);
      }),
  };
}
