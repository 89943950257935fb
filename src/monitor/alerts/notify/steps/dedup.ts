/** Step 7, dedup: whether one integration has to be told about the group now, and why. Pure. */
import type { NotifyReason } from '../notification.ts';

/** What an integration was last told about a group. */
export interface LogEntry {
  /** Fingerprints. */
  readonly firing: readonly string[];
  readonly resolved: readonly string[];
  readonly atMs: number;
}

export interface GroupNow {
  readonly firing: ReadonlySet<string>;
  readonly resolved: ReadonlySet<string>;
}

/** `quiet` says why nothing is sent. */
export type Dedup =
  | { readonly kind: 'send'; readonly reason: NotifyReason }
  | { readonly kind: 'quiet'; readonly why: string };

export interface DedupOptions {
  readonly repeatIntervalMs: number;
  readonly sendResolved: boolean;
  /** True when people work on every firing alert: repetitions are then left out. */
  readonly isAcknowledged: boolean;
  readonly nowMs: number;
}

const isSubset = (part: Iterable<string>, whole: Iterable<string>): boolean => {
  const all = new Set(whole);
  for (const one of part) if (!all.has(one)) return false;
  return true;
};

const send = (reason: NotifyReason): Dedup => ({ kind: 'send', reason });
const quiet = (why: string): Dedup => ({ kind: 'quiet', why });

export function dedup(last: LogEntry | undefined, now: GroupNow, options: DedupOptions): Dedup {
  if (last === undefined) {
    return now.firing.size > 0
      ? send('first notification')
      : quiet('the alerts were resolved before anybody was told that they fired');
  }
  if (!isSubset(now.firing, last.firing)) {
    return send(last.firing.length === 0 ? 'first notification' : 'new alerts added');
  }
  if (now.firing.size === 0) {
    return last.firing.length > 0
      ? send('all alerts resolved')
      : quiet('the alerts fired and were resolved between two notifications');
  }
  if (options.sendResolved && !isSubset(now.resolved, last.resolved)) return send('some alerts resolved');
  const dueMs = last.atMs + options.repeatIntervalMs;
  if (dueMs >= options.nowMs) {
    return quiet(`nothing has changed; the next repetition is due at ${new Date(dueMs).toISOString()}`);
  }
  return options.isAcknowledged
    ? quiet('nothing has changed and the alerts are acknowledged')
    : send('repeat interval elapsed');
}
