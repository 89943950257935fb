/**
 * The recordings of the flight recorder in `state.db`: one for each time that an alert began to fire. An alert that fires again
 * within its recording gets no second one. The oldest rows go above `MAX_RECORDINGS`; their records then have the usual
 * retention.
 */
import type { Recording, RecordingBook } from '../../../model/record-source.ts';
import type { StateDatabase, StateOwner } from './state-database.ts';

export const MAX_RECORDINGS = 1_000;

export const RECORDING_TABLES: StateOwner = {
  name: 'recordings',
  migrations: [
    `CREATE TABLE recordings (
       alert TEXT NOT NULL, starts_ms INTEGER NOT NULL, name TEXT NOT NULL, from_ms INTEGER NOT NULL, to_ms INTEGER NOT NULL,
       released_ms INTEGER, PRIMARY KEY (alert, starts_ms)
     ) STRICT, WITHOUT ROWID;
     CREATE INDEX recordings_by_time ON recordings (from_ms);`,
  ],
};

export interface RecordingsOptions {
  readonly state: StateDatabase;
  /** Time before and after the beginning of an alert. */
  readonly beforeMs: number;
  readonly afterMs: number;
  /** Called when the disk refuses a change. */
  readonly onError: (error: unknown) => void;
}

interface Row {
  readonly alert: string;
  readonly starts_ms: number;
  readonly name: string;
  readonly from_ms: number;
  readonly to_ms: number;
  readonly released_ms: number | null;
}

const recordingOf = (row: Row): Recording => ({
  alert: row.alert,
  name: row.name,
  startsAtMs: row.starts_ms,
  fromMs: row.from_ms,
  toMs: row.to_ms,
  releasedAtMs: row.released_ms ?? undefined,
});

export class Recordings implements RecordingBook {
  readonly #options: RecordingsOptions;

  constructor(options: RecordingsOptions) {
    this.#options = options;
  }

  #rows(condition: string, ...values: (string | number)[]): Recording[] {
    const { db } = this.#options.state;
    const rows = db.prepare(`SELECT * FROM recordings ${condition}`).all(...values) as unknown as Row[];
    return rows.map(recordingOf);
  }

  /** An alert began to fire. Resolves when this is on the disk, or when the disk refused it. */
  note(alert: string, name: string, startsAtMs: number): Promise<void> {
    const { state, beforeMs, afterMs, onError } = this.#options;
    const startMs = Math.floor(startsAtMs);
    return state
      .change((db) => {
        const known = db.prepare('SELECT 1 FROM recordings WHERE alert = ? AND from_ms <= ? AND to_ms >= ?');
        if (known.get(alert, startMs, startMs) !== undefined) return;
        const put = 'INSERT OR IGNORE INTO recordings VALUES (?, ?, ?, ?, ?, NULL)';
        db.prepare(put).run(alert, startMs, name.slice(0, 256), startMs - beforeMs, startMs + afterMs);
        db.prepare(
          `DELETE FROM recordings WHERE (alert, starts_ms) IN
             (SELECT alert, starts_ms FROM recordings ORDER BY from_ms DESC LIMIT -1 OFFSET ?)`,
        ).run(MAX_RECORDINGS);
      })
      .catch(onError);
  }

  held(): Recording[] {
    return this.#rows('WHERE released_ms IS NULL ORDER BY from_ms');
  }

  release({ alert, startsAtMs }: Recording, nowMs: number): void {
    const change = 'UPDATE recordings SET released_ms = ? WHERE alert = ? AND starts_ms = ?';
    this.#options.state
      .change((db) => void db.prepare(change).run(Math.floor(nowMs), alert, startsAtMs))
      .catch(this.#options.onError);
  }

  /** Newest first. */
  list(limit: number): Recording[] {
    return this.#rows('ORDER BY from_ms DESC LIMIT ?', limit);
  }

  /** Newest first. */
  of(alert: string, limit: number): Recording[] {
    return this.#rows('WHERE alert = ? ORDER BY from_ms DESC LIMIT ?', alert, limit);
  }

  counts(): { readonly held: number; readonly released: number } {
    const query = 'SELECT count(*) AS every, count(released_ms) AS released FROM recordings';
    const { every, released } = this.#options.state.db.prepare(query).get() as { every: number; released: number };
    return { held: every - released, released };
  }
}
