/**
 * The ledger: every decision of the pipeline as an event, kept in `state.db` and queryable. Events of Alertmanager's event
 * recorder have its names and fields; Vitrine's own begin with `vitrine_`. A decision that stays the same from flush to flush
 * is one event, written when it begins.
 */
import type { StateStore } from './records.ts';

export type EventType =
  | 'alertmanager_startup_event'
  | 'alertmanager_shutdown_event'
  | 'alert_created'
  | 'alert_resolved'
  | 'alert_grouped'
  | 'notification'
  | 'silence_created'
  | 'silence_updated'
  | 'silence_muted_alert'
  | 'inhibition_muted_alert'
  | `vitrine_${string}`;

export interface LedgerEvent {
  readonly type: EventType;
  /** Fingerprints of the alerts that the event is about. */
  readonly alerts: readonly string[];
  readonly receiver?: string | undefined;
  /** One sentence for people. */
  readonly text: string;
  readonly data: Readonly<Record<string, unknown>>;
}

export interface StoredEvent extends LedgerEvent {
  readonly id: number;
  readonly atMs: number;
}

export interface LedgerQuery {
  readonly alert?: string | undefined;
  readonly receiver?: string | undefined;
  readonly type?: string | undefined;
  readonly fromMs?: number | undefined;
  readonly toMs?: number | undefined;
  /** Only events with a smaller id: the next page. */
  readonly before?: number | undefined;
  readonly limit: number;
}

export interface LedgerLimits {
  readonly retentionMs: number;
  readonly maxEvents: number;
}

/** Fingerprints of one event that are kept; more are counted. */
const MAX_ALERTS = 100;

/** One line of JSON in the form of Alertmanager's event recorder, with the sentence beside it. */
export function eventLine({ atMs, type, data, text }: Omit<StoredEvent, 'id'>): string {
  const name = type.replaceAll(/_([a-z])/g, (_all, letter: string) => letter.toUpperCase());
  return JSON.stringify({ '@timestamp': new Date(atMs).toISOString(), data: { [name]: data }, text });
}

type Body = Pick<LedgerEvent, 'alerts' | 'text' | 'data'>;

/** The file is checked for damaged texts at the start, but not this table, which may have half a million rows. */
function bodyOf(text: string): Body {
  try {
    return JSON.parse(text) as Body;
  } catch {
    return { alerts: [], text: 'The record of this event is damaged.', data: {} };
  }
}

function eventOf(row: Readonly<Record<string, unknown>>): StoredEvent {
  const { alerts, text, data } = bodyOf(String(row['body']));
  const type = String(row['type']) as EventType;
  return {
    id: Number(row['id']),
    atMs: Number(row['at']),
    type,
    receiver: String(row['receiver']),
    alerts,
    text,
    data,
  };
}

/** An event about several alerts has one row for each, all with the same body. */
export class Ledger {
  readonly #state: StateStore;
  readonly #limits: LedgerLimits;
  readonly #onFailure: (error: unknown) => void;
  readonly #listeners = new Set<(event: Omit<StoredEvent, 'id'>) => void>();

  constructor(state: StateStore, limits: LedgerLimits, onFailure: (error: unknown) => void) {
    this.#state = state;
    this.#limits = limits;
    this.#onFailure = onFailure;
  }

  /**
   * Written with the other changes of this turn; resolves then. Never rejects: a failure is reported and does not stop the
   * pipeline.
   */
  record(event: LedgerEvent, atMs: number): Promise<void> {
    for (const listener of this.#listeners) listener({ ...event, atMs });
    const alerts = event.alerts.length === 0 ? [''] : event.alerts.slice(0, MAX_ALERTS);
    const body = JSON.stringify({ alerts: event.alerts.slice(0, MAX_ALERTS), text: event.text, data: event.data });
    return this.#state
      .change((db) => {
        const insert = db.prepare('INSERT INTO notify_events (at, type, alert, receiver, body) VALUES (?, ?, ?, ?, ?)');
        for (const alert of alerts) insert.run(atMs, event.type, alert, event.receiver ?? '', body);
      })
      .catch(this.#onFailure);
  }

  /** Calls back with each event as it happens. Returns a function that ends it. */
  listen(listener: (event: Omit<StoredEvent, 'id'>) => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  /** Newest first. */
  query({ alert, receiver, type, fromMs, toMs, before, limit }: LedgerQuery): StoredEvent[] {
    const conditions: [string, string | number | undefined][] = [
      ['alert = ?', alert],
      ['receiver = ?', receiver],
      ['type = ?', type],
      ['at >= ?', fromMs],
      ['at <= ?', toMs],
      ['id < ?', before],
    ];
    const given = conditions.filter((one): one is [string, string | number] => one[1] !== undefined);
    const where = given.length === 0 ? '' : `WHERE ${given.map(([text]) => text).join(' AND ')}`;
    // Without an alert, an event about several alerts is listed once.
    const group = alert === undefined ? 'GROUP BY at, type, receiver, body' : '';
    const rows = this.#state.db
      .prepare(
        `SELECT max(id) AS id, at, type, receiver, body FROM notify_events ${where} ${group || 'GROUP BY id'} ORDER BY id DESC LIMIT ?`,
      )
      .all(...given.map(([, value]) => value), limit);
    return rows.map(eventOf);
  }

  /** The newest events of these types in a range, each once, oldest first. */
  ofTypes(types: readonly string[], fromMs: number, toMs: number, limit: number): StoredEvent[] {
    const marks = types.map(() => '?').join(', ');
    const rows = this.#state.db
      .prepare(
        `SELECT max(id) AS id, at, type, receiver, body FROM notify_events
         WHERE at >= ? AND at <= ? AND type IN (${marks}) GROUP BY at, type, receiver, body ORDER BY id DESC LIMIT ?`,
      )
      .all(fromMs, toMs, ...types, limit);
    return rows.map(eventOf).reverse();
  }

  async sweep(nowMs: number): Promise<void> {
    const { retentionMs, maxEvents } = this.#limits;
    await this.#state.change((db) => {
      db.prepare('DELETE FROM notify_events WHERE at < ?').run(nowMs - retentionMs);
      db.prepare('DELETE FROM notify_events WHERE id <= (SELECT max(id) FROM notify_events) - ?').run(maxEvents);
    });
  }
}
