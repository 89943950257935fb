/** The flight recorder: notes when alerts begin to fire, and tells the store whose records go last. */
import type { Alert } from '../../../model/alert.ts';
import type { Recording, RecordingBook } from '../../../model/record-source.ts';
import { fingerprintOf } from '../../../monitor/alerts/notify/steps/fingerprint.ts';
import type { Ledger } from '../../../monitor/alerts/notify/state/ledger.ts';
import { isOnTrial, type StoredAlert } from '../../../monitor/alerts/notify/steps/intake.ts';
import { Recordings } from '../../../monitor/store/state/recordings.ts';
import type { StateDatabase } from '../../../monitor/store/state/state-database.ts';
import type { Settings } from '../../process/settings-schema.ts';

/** The store of records is opened before `state.db` and closed after it: in between there are no recordings. */
export class FlightRecorder implements RecordingBook {
  readonly #section: Settings['store']['flight_recorder'];
  #recordings: Recordings | undefined;

  constructor(section: Settings['store']['flight_recorder']) {
    this.#section = section;
  }

  /** Returns the end. */
  begin(state: StateDatabase, onError: (error: unknown) => void): () => Promise<void> {
    const { before: beforeMs, after: afterMs, max_size: maxBytes } = this.#section;
    if (maxBytes > 0) this.#recordings = new Recordings({ state, beforeMs, afterMs, onError });
    return () => {
      this.#recordings = undefined;
      return Promise.resolve();
    };
  }

  /** Undefined when the recorder is switched off. */
  get recordings(): Recordings | undefined {
    return this.#recordings;
  }

  /** Alerts of the rules that are handed over to an Alertmanager: no ledger knows of them. */
  firing(alerts: readonly Alert[]): void {
    for (const alert of alerts) {
      const { labels, state, firedAtMs, resolvedAtMs } = alert;
      if (state !== 'firing' || firedAtMs === undefined || resolvedAtMs !== undefined || isOnTrial(alert)) continue;
      void this.#recordings?.note(fingerprintOf(labels), labels.get('alertname'), firedAtMs);
    }
  }

  /** Alerts of the rules and of other programs, from the ledger. */
  follow(ledger: Ledger): () => void {
    return ledger.listen(({ type, data }) => {
      if (type !== 'alert_created') return;
      const { fingerprint, labels, startsAt } = data['alert'] as Pick<StoredAlert, 'fingerprint' | 'labels'> & {
        readonly startsAt: string;
      };
      if (isOnTrial({ labels })) return;
      void this.#recordings?.note(fingerprint, labels.get('alertname'), Date.parse(startsAt));
    });
  }

  held(): readonly Recording[] {
    return this.#recordings?.held() ?? [];
  }

  release(recording: Recording, nowMs: number): void {
    this.#recordings?.release(recording, nowMs);
  }
}
