/**
 * The alerts of the rules in `state.db`: pending alerts go on waiting after a restart, firing ones go on firing, and resolved
 * ones are still shown. A change is written when an alert changes its state, not at every evaluation.
 */
import type { Alert, AlertMemory, AlertState } from '../../../model/alert.ts';
import { Labels } from '../../../model/labels.ts';
import type { StateDatabase, StateOwner } from './state-database.ts';

export const ALERT_TABLES: StateOwner = {
  name: 'alerts',
  json: ['alerts.alert'],
  migrations: [
    'CREATE TABLE alerts (rule TEXT, labels TEXT, alert TEXT NOT NULL, PRIMARY KEY (rule, labels)) STRICT, WITHOUT ROWID',
  ],
};

/** Further alerts are not saved; after a restart they begin anew. */
const MAX_ALERTS = 10_000;
const STATES: ReadonlySet<string> = new Set<AlertState>(['inactive', 'pending', 'firing']);

export interface AlertTableOptions {
  readonly state: StateDatabase;
  /** Called when the disk refuses a change. */
  readonly onError: (error: unknown) => void;
  readonly maxAlerts?: number | undefined;
}

export class AlertTable implements AlertMemory {
  readonly #state: StateDatabase;
  readonly #onError: (error: unknown) => void;
  readonly #maxAlerts: number;
  /** The rows in the table: rule and labels. */
  readonly #rows: Set<string>;
  #refused = 0;

  constructor({ state, onError, maxAlerts = MAX_ALERTS }: AlertTableOptions) {
    this.#state = state;
    this.#onError = onError;
    this.#maxAlerts = maxAlerts;
    const rows = state.db.prepare('SELECT rule, labels FROM alerts').all();
    this.#rows = new Set(rows.map(({ rule, labels }) => rowOf(String(rule), String(labels))));
  }

  /** Alerts that were not saved because there were too many. */
  get refused(): number {
    return this.#refused;
  }

  load(): ReadonlyMap<string, readonly Alert[]> {
    const byRule = new Map<string, Alert[]>();
    for (const { rule, alert } of this.#state.db.prepare('SELECT rule, alert FROM alerts').all()) {
      const read = alertOf(String(alert));
      if (read === undefined) continue;
      const known = byRule.get(String(rule));
      if (known === undefined) byRule.set(String(rule), [read]);
      else known.push(read);
    }
    return byRule;
  }

  save(rule: string, changed: readonly Alert[], gone: readonly Labels[]): void {
    for (const { key } of gone) this.#rows.delete(rowOf(rule, key));
    const kept = changed.filter(({ labels }) => this.#admits(rowOf(rule, labels.key)));
    this.#change((db) => {
      const remove = db.prepare('DELETE FROM alerts WHERE rule = ? AND labels = ?');
      for (const { key } of gone) remove.run(rule, key);
      const put = db.prepare('INSERT OR REPLACE INTO alerts (rule, labels, alert) VALUES (?, ?, ?)');
      for (const alert of kept) put.run(rule, alert.labels.key, JSON.stringify(alert));
    });
  }

  keepOnly(rules: ReadonlySet<string>): void {
    const known = this.#state.db.prepare('SELECT DISTINCT rule FROM alerts').all();
    const others = known.map(({ rule }) => String(rule)).filter((rule) => !rules.has(rule));
    if (others.length === 0) return;
    for (const row of this.#rows) if (others.some((rule) => row.startsWith(rowOf(rule, '')))) this.#rows.delete(row);
    this.#change((db) => {
      const remove = db.prepare('DELETE FROM alerts WHERE rule = ?');
      for (const rule of others) remove.run(rule);
    });
  }

  #admits(row: string): boolean {
    if (!this.#rows.has(row) && this.#rows.size >= this.#maxAlerts) {
      this.#refused += 1;
      return false;
    }
    this.#rows.add(row);
    return true;
  }

  #change(work: Parameters<StateDatabase['change']>[0]): void {
    this.#state.change(work).catch(this.#onError);
  }
}

const rowOf = (rule: string, labels: string): string => `${rule}\n${labels}`;

/** Undefined for what no version has written. */
function alertOf(text: string): Alert | undefined {
  const read = JSON.parse(text) as Omit<Alert, 'labels' | 'value'> & {
    readonly labels: Readonly<Record<string, string>> | undefined;
    // JSON knows neither NaN nor infinities.
    readonly value: number | null;
  };
  if (!STATES.has(read.state) || typeof read.activeAtMs !== 'number') return undefined;
  if (read.labels === undefined) return undefined;
  return { ...read, value: read.value ?? Number.NaN, labels: Labels.from(read.labels) };
}
