/**
 * Flap detection at the intake: an alert that begins and ends again and again is held as firing until it has been quiet for some
 * time, so that people get one message and not one for each turn. A held alert is an alert with an end in the future: it ends by
 * itself, without a timer, and is kept over a restart like any other.
 */
import { BoundedMap } from '../../../../base/bounded.ts';
import { isResolved, type StoredAlert } from './intake.ts';

export interface FlappingOptions {
  /** Begins and ends within `withinMs` from which an alert flaps. */
  readonly changes: number;
  readonly withinMs: number;
  readonly quietMs: number;
}

interface History {
  resolved: boolean;
  /** The newest changes, at most as many as the option says. */
  readonly times: number[];
  isTold: boolean;
}

export interface Held {
  readonly alert: StoredAlert;
  /** Its end is held back. */
  readonly isHeld: boolean;
  /** True once, when the alert begins to flap. */
  readonly isNews: boolean;
}

/** Alerts beyond these are not watched, the oldest first. */
const MAX_WATCHED = 50_000;

export class FlapBook {
  readonly #options: FlappingOptions;
  readonly #histories = new BoundedMap<string, History>(MAX_WATCHED);

  constructor(options: FlappingOptions) {
    this.#options = options;
  }

  #isFlapping({ times }: History, nowMs: number): boolean {
    const { changes, withinMs, quietMs } = this.#options;
    const last = times.at(-1);
    return times.length >= changes && last !== undefined && last - times[0] <= withinMs && nowMs - last < quietMs;
  }

  isFlapping(fingerprint: string, nowMs: number): boolean {
    const history = this.#histories.get(fingerprint);
    return history !== undefined && this.#isFlapping(history, nowMs);
  }

  /** The alert as the pipeline must see it. */
  seen(arrived: StoredAlert, nowMs: number): Held {
    const { changes, quietMs } = this.#options;
    const resolved = isResolved(arrived, nowMs);
    const known = this.#histories.get(arrived.fingerprint);
    if (known === undefined && resolved) return { alert: arrived, isHeld: false, isNews: false };
    const history = known ?? { resolved: true, times: [], isTold: false };
    if (history.resolved !== resolved) {
      history.resolved = resolved;
      history.times.push(nowMs);
      if (history.times.length > changes) history.times.shift();
    }
    this.#histories.set(arrived.fingerprint, history);
    const isFlapping = this.#isFlapping(history, nowMs);
    const isNews = isFlapping && !history.isTold;
    history.isTold = isFlapping;
    const endsAtMs = arrived.endsAtMs + quietMs;
    if (!isFlapping || !resolved || endsAtMs <= nowMs) return { alert: arrived, isHeld: false, isNews };
    return { alert: { ...arrived, endsAtMs, isTimeout: true }, isHeld: true, isNews };
  }
}

/** A held end replaces whatever end was known: an explicit one, far in the future, too. */
export const heldFrom = (known: StoredAlert | undefined, held: StoredAlert): StoredAlert => ({
  ...held,
  startsAtMs: Math.min(known?.startsAtMs ?? held.startsAtMs, held.startsAtMs),
});
