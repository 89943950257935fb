/**
 * Who may do what: the roles of people and programs, the API tokens, and the record of changes. Tokens are stored only as
 * hashes; a token is 128 bits of chance, so a plain SHA-256 is enough, and nothing can be guessed from it.
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

export interface AuditEntry {
  readonly atMs: number;
  readonly who: string;
  /** For example `POST /api/cache/purge`. */
  readonly action: string;
  readonly status: number;
}

/** Keeps tokens and the record of changes over a restart. */
export interface AccessStore {
  tokens(): readonly TokenRecord[];
  /** Resolves when it is on the disk. Rejects with the error of the disk. */
  add(token: TokenRecord): Promise<void>;
  remove(id: string): Promise<void>;
  /** Newest first. */
  audit(limit: number): readonly AuditEntry[];
  note(entry: AuditEntry): Promise<void>;
}

export const mayAct = (role: TokenRole, needed: Role): boolean =>
  role !== 'ingest' && ROLES.indexOf(role) >= ROLES.indexOf(needed);
