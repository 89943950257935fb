/**
 * Who may do what: the roles of people and programs, API tokens, accounts, one-time links, and the record of changes.
 * Tokens and links are stored only as hashes; each is 128 bits of chance, so a plain SHA-256 is enough, and nothing can be
 * guessed from it. A password is chosen by a person, so it is stored as a scrypt hash.
 */

/** Each role may do what the ones before it may. `ingest` stands apart: it may send telemetry and nothing else. */
export const ROLES = ['viewer', 'editor', 'admin'] as const;
export type Role = (typeof ROLES)[number];
export type TokenRole = Role | 'ingest';

export interface TokenRecord {
  /** Public; part of the token's text, so that a leaked token can be told. */
  readonly id: string;
  readonly name: string;
  readonly role: TokenRole;
  /** SHA-256 of the whole token, in hex. */
  readonly hash: string;
  readonly createdMs: number;
  readonly createdBy: string;
  readonly expiresMs: number | null;
}

/** A person who signs in by name and password. */
export interface AccountRecord {
  readonly id: string;
  /** Unique, whatever its letter case. */
  readonly name: string;
  readonly role: Role;
  /** `scrypt$N$r$p$salt$hash`; '' until the person has chosen a password with a one-time link. */
  readonly password: string;
  readonly createdMs: number;
  readonly createdBy: string;
}

/** A link that lets one person choose a password, once. */
export interface LinkRecord {
  /** SHA-256 of the link's secret, in hex. */
  readonly hash: string;
  readonly accountId: string;
  readonly expiresMs: number;
}

export interface AuditEntry {
  readonly atMs: number;
  readonly who: string;
  /** For example `POST /api/cache/purge`. */
  readonly action: string;
  readonly status: number;
}

/** Keeps tokens, accounts, links and the record of changes over a restart. */
export interface AccessStore {
  tokens(): readonly TokenRecord[];
  /** Resolves when it is on the disk. Rejects with the error of the disk. */
  add(token: TokenRecord): Promise<void>;
  remove(id: string): Promise<void>;
  accounts(): readonly AccountRecord[];
  links(): readonly LinkRecord[];
  /** Adds or replaces the account. Its links end, and `link`, when given, takes their place, in the same transaction. */
  putAccount(account: AccountRecord, link?: LinkRecord): Promise<void>;
  /** With its links. */
  removeAccount(id: string): Promise<void>;
  /** Newest first. */
  audit(limit: number): readonly AuditEntry[];
  note(entry: AuditEntry): Promise<void>;
}

export const mayAct = (role: TokenRole, needed: Role): boolean =>
  role !== 'ingest' && ROLES.indexOf(role) >= ROLES.indexOf(needed);
