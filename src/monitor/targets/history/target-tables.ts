/** What of targets must survive a power failure, in `state.db`: targets made by API, beats, and secrets of this installation. */
import { createHmac } from 'node:crypto';
import { randomHex } from '../../../base/random.ts';
import type { StateDatabase, StateOwner } from '../../store/state/state-database.ts';

export const TARGETS_OWNER: StateOwner = {
  name: 'targets',
  json: ['made_targets.config'],
  migrations: [
    `CREATE TABLE made_targets (id TEXT PRIMARY KEY, config TEXT NOT NULL) STRICT, WITHOUT ROWID;
     CREATE TABLE heartbeats (target TEXT PRIMARY KEY, beat_ms INTEGER NOT NULL, ok INTEGER NOT NULL, message TEXT NOT NULL,
       extension_ms INTEGER NOT NULL) STRICT, WITHOUT ROWID;
     CREATE TABLE target_secrets (name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID;`,
  ],
};

export interface Beat {
  readonly beatMs: number;
  readonly ok: boolean;
  readonly message: string;
  /** Time for which this monitor was not there to take a beat: the deadline is later by it. */
  readonly extensionMs: number;
}

const PUT_BEAT = `INSERT INTO heartbeats (target, beat_ms, ok, message, extension_ms) VALUES (?, ?, ?, ?, 0)
  ON CONFLICT DO UPDATE SET beat_ms = excluded.beat_ms, ok = excluded.ok, message = excluded.message, extension_ms = 0`;
const TRACE_DIGITS = 10;
const TOKEN_LENGTH = 32;

export class TargetTables {
  readonly #state: StateDatabase;
  readonly #secret: string;

  constructor(state: StateDatabase) {
    this.#state = state;
    const known = state.db.prepare("SELECT value FROM target_secrets WHERE name = 'secret'").get();
    this.#secret = known === undefined ? randomHex(32) : String(known['value']);
    if (known === undefined) {
      // Written at once, before anything that is made of it is shown.
      state.db.prepare("INSERT INTO target_secrets (name, value) VALUES ('secret', ?)").run(this.#secret);
    }
  }

  #derived(text: string): string {
    return createHmac('sha256', this.#secret).update(text).digest('hex');
  }

  /** The first digits of the trace ids of checks: only this installation and its targets know them. */
  get tracePrefix(): string {
    return this.#derived('trace').slice(0, TRACE_DIGITS);
  }

  /** The token of a heartbeat's address: it follows from its id, so it needs no row and stays. */
  tokenOf(target: string): string {
    return this.#derived(`heartbeat ${target}`).slice(0, TOKEN_LENGTH);
  }

  /** The written form of each target that was made by API; those of another version that cannot be read are left out. */
  made(): ReadonlyMap<string, unknown> {
    const rows = this.#state.db.prepare('SELECT id, config FROM made_targets').all();
    return new Map(rows.map((row) => [String(row['id']), JSON.parse(String(row['config'])) as unknown]));
  }

  /** Resolves when it is on the disk. */
  async make(id: string, config: unknown): Promise<void> {
    await this.#state.change((db) => {
      db.prepare('INSERT OR REPLACE INTO made_targets (id, config) VALUES (?, ?)').run(id, JSON.stringify(config));
    });
  }

  async remove(id: string): Promise<void> {
    await this.#state.change((db) => {
      for (const table of ['made_targets WHERE id', 'heartbeats WHERE target']) {
        db.prepare(`DELETE FROM ${table} = ?`).run(id);
      }
    });
  }

  beats(): Map<string, Beat> {
    const rows = this.#state.db.prepare('SELECT * FROM heartbeats').all();
    return new Map(
      rows.map((row) => [
        String(row['target']),
        {
          beatMs: Number(row['beat_ms']),
          ok: row['ok'] === 1,
          message: String(row['message']),
          extensionMs: Number(row['extension_ms']),
        },
      ]),
    );
  }

  /** Resolves when the beat is on the disk: only then is it acknowledged. */
  async beat(target: string, { beatMs, ok, message }: Omit<Beat, 'extensionMs'>): Promise<void> {
    await this.#state.change((db) => {
      db.prepare(PUT_BEAT).run(target, Math.round(beatMs), ok ? 1 : 0, message);
    });
  }

  /** Adds the time in which no monitor could take a beat to each deadline that was running then. */
  async extend(target: string, byMs: number): Promise<void> {
    await this.#state.change((db) => {
      db.prepare('UPDATE heartbeats SET extension_ms = extension_ms + ? WHERE target = ?').run(
        Math.round(byMs),
        target,
      );
    });
  }
}
