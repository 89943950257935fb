/** The alerts of the pipeline: in memory, written through. */
import { Labels } from '../../../../model/labels.ts';
import { isResolved, type StoredAlert } from '../steps/intake.ts';
import type { StateStore } from './records.ts';

/** More are refused and counted. */
export const MAX_ALERTS = 50_000;

type Body = Omit<StoredAlert, 'labels'> & { readonly labels: Readonly<Record<string, string>> | undefined };

export class AlertStore {
  readonly #state: StateStore;
  readonly #alerts = new Map<string, StoredAlert>();

  constructor(state: StateStore) {
    this.#state = state;
    for (const { body } of state.db.prepare('SELECT body FROM notify_alerts').all() as { body: string }[]) {
      const { labels, ...rest } = JSON.parse(body) as Body;
      // A name that was damaged on the disk.
      if (labels === undefined) continue;
      this.#alerts.set(rest.fingerprint, { ...rest, labels: Labels.from(Object.entries(labels)) });
    }
  }

  get size(): number {
    return this.#alerts.size;
  }

  get(fingerprint: string): StoredAlert | undefined {
    return this.#alerts.get(fingerprint);
  }

  values(): IterableIterator<StoredAlert> {
    return this.#alerts.values();
  }

  active(nowMs: number): StoredAlert[] {
    return [...this.#alerts.values()].filter((alert) => !isResolved(alert, nowMs));
  }

  hold(alert: StoredAlert): void {
    this.#alerts.set(alert.fingerprint, alert);
  }

  /** Holds them at once; resolves when they are on the disk. */
  set(alerts: readonly StoredAlert[]): Promise<void> {
    for (const alert of alerts) this.#alerts.set(alert.fingerprint, alert);
    return this.#state.change((db) => {
      const put = db.prepare('INSERT OR REPLACE INTO notify_alerts (fingerprint, body) VALUES (?, ?)');
      for (const alert of alerts) put.run(alert.fingerprint, JSON.stringify(alert));
    });
  }

  delete(fingerprints: readonly string[]): Promise<void> {
    for (const fingerprint of fingerprints) this.#alerts.delete(fingerprint);
    return this.#state.change((db) => {
      const remove = db.prepare('DELETE FROM notify_alerts WHERE fingerprint = ?');
      for (const fingerprint of fingerprints) remove.run(fingerprint);
    });
  }
}
