/**
 * What people do with an alert: acknowledge, assign, snooze, comment. An acknowledgement holds while the alert fires; when the
 * alert ends and fires again, it is new.
 */
import { VitrineError } from '../../../../base/errors.ts';
import { isResolved, type StoredAlert } from '../steps/intake.ts';
import { Records, type StateStore } from './records.ts';

export interface Comment {
  readonly atMs: number;
  readonly by: string;
  readonly text: string;
}

export interface Care {
  readonly acknowledged?: { readonly by: string; readonly atMs: number } | undefined;
  readonly assignee?: string | undefined;
  readonly snoozed?: { readonly by: string; readonly untilMs: number } | undefined;
  readonly comments: readonly Comment[];
}

export type CareAction =
  | { readonly kind: 'ack' | 'unack'; readonly by: string }
  | { readonly kind: 'assign'; readonly by: string; readonly to: string }
  | { readonly kind: 'snooze'; readonly by: string; readonly untilMs: number }
  | { readonly kind: 'comment'; readonly by: string; readonly text: string };

const NONE: Care = { comments: [] };
const MAX_COMMENTS = 100;
const MAX_TEXT = 4_096;
const LONGEST_SNOOZE_MS = 30 * 86_400_000;

/** Pure. Throws VitrineError `bad_request`. */
export function careAfter(care: Care, action: CareAction, nowMs: number): Care {
  if (action.by === '' || action.by.length > MAX_TEXT) throw new VitrineError('bad_request', 'Say who you are.');
  switch (action.kind) {
    case 'ack':
      return { ...care, acknowledged: { by: action.by, atMs: nowMs } };
    case 'unack':
      return { ...care, acknowledged: undefined };
    case 'assign':
      if (action.to.length > MAX_TEXT) throw new VitrineError('bad_request', 'The name is too long.');
      return { ...care, assignee: action.to === '' ? undefined : action.to };
    case 'snooze':
      if (action.untilMs <= nowMs) throw new VitrineError('bad_request', 'A snooze must end in the future.');
      if (action.untilMs > nowMs + LONGEST_SNOOZE_MS)
        throw new VitrineError('bad_request', 'A snooze lasts 30 days at most.');
      return { ...care, snoozed: { by: action.by, untilMs: action.untilMs } };
    default:
      if (action.text === '' || action.text.length > MAX_TEXT)
        throw new VitrineError('bad_request', `A comment has 1 to ${MAX_TEXT} characters.`);
      return {
        ...care,
        comments: [...care.comments, { atMs: nowMs, by: action.by, text: action.text }].slice(-MAX_COMMENTS),
      };
  }
}

export class CareBook {
  readonly #records: Records<Care>;

  constructor(state: StateStore) {
    this.#records = new Records(state, 'notify_care', 'fingerprint', (body) => body as Care);
  }

  of(fingerprint: string): Care {
    return this.#records.get(fingerprint) ?? NONE;
  }

  snoozedAt(fingerprint: string, nowMs: number): NonNullable<Care['snoozed']> | undefined {
    const snoozed = this.#records.get(fingerprint)?.snoozed;
    return snoozed !== undefined && snoozed.untilMs > nowMs ? snoozed : undefined;
  }

  /** Resolves when it is on the disk. */
  async act(fingerprint: string, action: CareAction, nowMs: number): Promise<Care> {
    const next = careAfter(this.of(fingerprint), action, nowMs);
    await this.#records.set(fingerprint, next);
    return next;
  }

  /** An alert that fires after it had ended: what people said of the former one no longer holds. */
  async refired(known: StoredAlert | undefined, next: StoredAlert, nowMs: number): Promise<void> {
    const care = this.#records.get(next.fingerprint);
    if (care === undefined || isResolved(next, nowMs)) return;
    if (known !== undefined && !isResolved(known, nowMs)) return;
    await this.#records.hold(next.fingerprint, { comments: care.comments, assignee: care.assignee });
  }

  async forget(fingerprint: string): Promise<void> {
    if (this.#records.get(fingerprint) !== undefined) await this.#records.drop(fingerprint);
  }
}
