/**
 * What the memory holds of one rule, so that only changes are saved: an alert is written when its state or one of its times
 * changes. Its value and its reason change with every evaluation and are saved with them.
 */
import type { Alert, AlertMemory } from '../../../model/alert.ts';
import type { Labels } from '../../../model/labels.ts';

const signatureOf = ({ state, activeAtMs, firedAtMs, resolvedAtMs, keepFiringSinceMs }: Alert): string =>
  [state, activeAtMs, firedAtMs, resolvedAtMs, keepFiringSinceMs].join(' ');

export class AlertRecord {
  readonly #memory: AlertMemory;
  readonly #rule: string;
  readonly #saved = new Map<string, { readonly labels: Labels; readonly signature: string }>();

  constructor(memory: AlertMemory, rule: string) {
    this.#memory = memory;
    this.#rule = rule;
  }

  /** Saves how `alerts`, all of the rule, differ from what was saved last. */
  save(alerts: Iterable<Alert>): void {
    const changed: Alert[] = [];
    const gone = new Map(this.#saved);
    for (const alert of alerts) {
      const { key } = alert.labels;
      gone.delete(key);
      const signature = signatureOf(alert);
      if (this.#saved.get(key)?.signature === signature) continue;
      this.#saved.set(key, { labels: alert.labels, signature });
      changed.push(alert);
    }
    for (const key of gone.keys()) this.#saved.delete(key);
    if (changed.length === 0 && gone.size === 0) return;
    this.#memory.save(
      this.#rule,
      changed,
      [...gone.values()].map(({ labels }) => labels),
    );
  }
}
