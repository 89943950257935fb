/**
 * Annotations: marks that people and programs put on the charts, kept in `state.db`. An accepted one is on the disk. The
 * number is limited; beyond it the oldest are removed and counted, because the newest are those that charts show.
 */
import type { DatabaseSync } from 'node:sqlite';
import type { StateDatabase, StateOwner } from './state-database.ts';

export interface NewAnnotation {
  readonly timeMs: number;
  /** Equal to `timeMs` for a moment. */
  readonly endMs: number;
  readonly text: string;
  readonly tags: readonly string[];
  /** The address or user that made it. */
  readonly who: string;
}

export interface Annotation extends NewAnnotation {
  readonly id: number;
  readonly createdMs: number;
}

export interface AnnotationQuery {
  readonly fromMs: number;
  readonly toMs: number;
  /** An annotation must have all of these tags, or any of them with `anyTag`. */
  readonly tags: readonly string[];
  readonly anyTag: boolean;
  readonly limit: number;
}

export const MAX_ANNOTATIONS = 10_000;

/** The tables of annotations in `state.db`. */
export const ANNOTATION_TABLES: StateOwner = {
  name: 'annotations',
  json: ['annotations.tags'],
  migrations: [
    `CREATE TABLE annotations (
      id INTEGER PRIMARY KEY AUTOINCREMENT,
      time_ms INTEGER NOT NULL,
      end_ms INTEGER NOT NULL,
      created_ms INTEGER NOT NULL,
      text TEXT NOT NULL,
      tags TEXT NOT NULL,
      who TEXT NOT NULL
    ) STRICT;
    CREATE INDEX annotations_by_end ON annotations (end_ms);`,
  ],
};

interface Row {
  readonly id: number;
  readonly time_ms: number;
  readonly end_ms: number;
  readonly created_ms: number;
  readonly text: string;
  readonly tags: string;
  readonly who: string;
}

const annotationOf = (row: Row): Annotation => ({
  id: row.id,
  timeMs: row.time_ms,
  endMs: row.end_ms,
  createdMs: row.created_ms,
  text: row.text,
  tags: JSON.parse(row.tags) as string[],
  who: row.who,
});

const INSERT = 'INSERT INTO annotations (time_ms, end_ms, created_ms, text, tags, who) VALUES (?, ?, ?, ?, ?, ?)';
const OLDEST = 'DELETE FROM annotations WHERE id IN (SELECT id FROM annotations ORDER BY end_ms, id LIMIT ?)';
/** Tags are compared as JSON texts, so no tag can match a part of another one. */
const SELECT = `SELECT * FROM annotations WHERE end_ms >= ? AND time_ms <= ?
  AND (? = 0 OR (SELECT count(DISTINCT asked.value) FROM json_each(?) AS asked
    WHERE asked.value IN (SELECT value FROM json_each(annotations.tags))) >= ?)
  ORDER BY time_ms DESC, id DESC LIMIT ?`;

export class Annotations {
  readonly #state: StateDatabase;
  readonly #max: number;
  #removed = 0;

  constructor(state: StateDatabase, max = MAX_ANNOTATIONS) {
    this.#state = state;
    this.#max = max;
  }

  /** Annotations that were removed because there were too many. */
  get removed(): number {
    return this.#removed;
  }

  /** Resolves with the id when the annotation is on the disk. */
  async add({ timeMs, endMs, text, tags, who }: NewAnnotation, nowMs: number): Promise<number> {
    let id = 0;
    let over = 0;
    await this.#state.change((db) => {
      id = Number(db.prepare(INSERT).run(timeMs, endMs, nowMs, text, JSON.stringify(tags), who).lastInsertRowid);
      over = Math.max(0, countOf(db) - this.#max);
      if (over > 0) db.prepare(OLDEST).run(over);
    });
    this.#removed += over;
    return id;
  }

  /** False when there is no annotation of this id. */
  async remove(id: number): Promise<boolean> {
    let changes = 0;
    await this.#state.change((db) => {
      changes = Number(db.prepare('DELETE FROM annotations WHERE id = ?').run(id).changes);
    });
    return changes > 0;
  }

  /** Those that lie in the range or overlap it, newest first. */
  find({ fromMs, toMs, tags, anyTag, limit }: AnnotationQuery): Annotation[] {
    const wanted = [...new Set(tags)];
    const least = anyTag ? Math.min(1, wanted.length) : wanted.length;
    const rows = this.#state.db
      .prepare(SELECT)
      .all(fromMs, toMs, wanted.length, JSON.stringify(wanted), least, limit) as unknown as Row[];
    return rows.map(annotationOf);
  }
}

const countOf = (db: DatabaseSync): number =>
  (db.prepare('SELECT count(*) AS n FROM annotations').get() as { n: number }).n;
