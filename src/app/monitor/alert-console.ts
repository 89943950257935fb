/** Logs alerts: one line each time an alert begins to fire or ends. The console and the page show these lines too. */
import type { Logger } from '../../base/logger.ts';
import type { Alert } from '../../model/alert.ts';
import type { AlertSink } from '../../model/ports.ts';

const MAX_KNOWN = 10_000;

export class AlertConsole implements AlertSink {
  readonly #logger: Logger;
  /** Keys of the alerts that were logged as firing. */
  readonly #firing = new Set<string>();

  constructor(logger: Logger) {
    this.#logger = logger;
  }

  alerts(alerts: readonly Alert[]): void {
    for (const alert of alerts) {
      const { key } = alert.labels;
      if (alert.resolvedAtMs !== undefined) {
        if (this.#firing.delete(key)) this.#say(alert, 'resolved');
      } else if (alert.state === 'firing' && !this.#firing.has(key) && this.#firing.size < MAX_KNOWN) {
        this.#firing.add(key);
        this.#say(alert, 'firing');
      }
    }
  }

  #say({ labels, annotations, value, reason }: Alert, state: 'firing' | 'resolved'): void {
    const name = labels.get('alertname');
    const summary = annotations['summary'] ?? reason;
    const fields = { alert: name, state, severity: labels.get('severity'), value, labels: labels.toJSON() };
    const text = `ALERT ${state} ${name}: ${summary}`;
    // Never at level error: an alert about error lines would keep itself firing.
    if (state === 'firing') this.#logger.warn(fields, text);
    else this.#logger.info(fields, text);
  }
}
