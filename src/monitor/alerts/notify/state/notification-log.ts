/**
 * What each integration was last told about each group: the memory of dedup and of repetitions. It is written after a delivery
 * and before anything else, so a kill repeats at most the delivery that was in progress.
 */
import type { Texts } from '../notification.ts';
import type { LogEntry } from '../steps/dedup.ts';
import { Records, type StateStore } from './records.ts';

export interface LogRecord extends LogEntry {
  readonly expiresAtMs: number;
  /** Of the receiver: the id of its message, for example. */
  readonly memory: Texts;
}

const RETENTION_MS = 120 * 3_600_000;

/** Receiver, kind and index name an integration; lengths keep the parts apart. */
export function logKey(groupKey: string, receiver: string, kind: string, index: number): string {
  return `${receiver.length}:${receiver}${kind}:${index}:${groupKey}`;
}

export class NotificationLog {
  readonly #records: Records<LogRecord>;

  constructor(state: StateStore) {
    this.#records = new Records(state, 'notify_log', 'key', (body) => body as LogRecord);
  }

  get(key: string): LogRecord | undefined {
    return this.#records.get(key);
  }

  /** Kept for two repeat intervals, at most 120 hours. */
  set(key: string, entry: LogEntry & { readonly memory: Texts }, repeatIntervalMs: number): Promise<void> {
    const expiresAtMs = entry.atMs + Math.min(RETENTION_MS, 2 * repeatIntervalMs);
    return this.#records.hold(key, { ...entry, expiresAtMs });
  }

  async sweep(nowMs: number): Promise<void> {
    for (const [key, { expiresAtMs }] of this.#records.entries()) {
      if (expiresAtMs < nowMs) await this.#records.drop(key);
    }
  }
}
