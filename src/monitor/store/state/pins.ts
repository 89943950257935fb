/**
 * Metrics that people pinned to the page of a service, in `state.db`: the same for everybody who looks. Both numbers are
 * limited, and beyond them a pin is refused, because a removed one would be somebody else's.
 */
import { VitrineError } from '../../../base/errors.ts';
import type { StateDatabase, StateOwner } from './state-database.ts';

export const MAX_PINS_OF_SERVICE = 12;
const MAX_PINS = 5_000;

/** The table of pins in `state.db`. */
export const PIN_TABLES: StateOwner = {
  name: 'pins',
  migrations: [
    `CREATE TABLE pins (
      service TEXT NOT NULL, metric TEXT NOT NULL, created_ms INTEGER NOT NULL, who TEXT NOT NULL,
      PRIMARY KEY (service, metric)
    ) STRICT, WITHOUT ROWID;`,
  ],
};

export interface Pin {
  readonly service: string;
  readonly metric: string;
}

export class Pins {
  readonly #state: StateDatabase;

  constructor(state: StateDatabase) {
    this.#state = state;
  }

  /** Oldest first. */
  of(service: string): string[] {
    const rows = this.#state.db
      .prepare('SELECT metric FROM pins WHERE service = ? ORDER BY created_ms, metric')
      .all(service) as unknown as { metric: string }[];
    return rows.map(({ metric }) => metric);
  }

  /** Resolves when the pin is on the disk; one that exists stays as it is. @throws VitrineError `conflict` at the limit */
  async add({ service, metric }: Pin, who: string, nowMs: number): Promise<void> {
    await this.#state.change((db) => {
      const counts = db
        .prepare(
          'SELECT count(*) AS every, count(*) FILTER (WHERE service = ?) AS own FROM pins WHERE metric <> ? OR service <> ?',
        )
        .get(service, metric, service) as { every: number; own: number };
      if (counts.own >= MAX_PINS_OF_SERVICE || counts.every >= MAX_PINS) {
        const most = counts.own >= MAX_PINS_OF_SERVICE ? MAX_PINS_OF_SERVICE : MAX_PINS;
        throw new VitrineError('conflict', `There are ${most} pinned metrics, which is the most.`, {
          hint: 'Unpin one that nobody looks at.',
        });
      }
      db.prepare('INSERT OR IGNORE INTO pins VALUES (?, ?, ?, ?)').run(service, metric, nowMs, who);
    });
  }

  /** False when it was not pinned. */
  async remove({ service, metric }: Pin): Promise<boolean> {
    let changes = 0;
    await this.#state.change((db) => {
      changes = Number(db.prepare('DELETE FROM pins WHERE service = ? AND metric = ?').run(service, metric).changes);
    });
    return changes > 0;
  }
}
