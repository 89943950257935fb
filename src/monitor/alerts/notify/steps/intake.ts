/** Step 1, intake: an alert that arrives is checked, completed and joined with what is known of it. Pure. */
import { Labels } from '../../../../model/labels.ts';
import { TRIAL_LABEL } from '../../rules/spec.ts';
import type { Texts } from '../notification.ts';
import { fingerprintOf } from './fingerprint.ts';

/** An alert of the pipeline; an update replaces the object. */
export interface StoredAlert {
  readonly labels: Labels;
  readonly fingerprint: string;
  readonly annotations: Texts;
  readonly startsAtMs: number;
  /** The alert is resolved from then on. */
  readonly endsAtMs: number;
  readonly updatedAtMs: number;
  /** True when the end is only assumed, because the sender named none. */
  readonly isTimeout: boolean;
  readonly generatorUrl: string;
  /** Of Vitrine's own rules. */
  readonly value?: number | undefined;
  readonly threshold?: string | undefined;
  readonly reason?: string | undefined;
}

/** What a sender gives; times are absent when it does not know them. */
export interface PostedAlert {
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations?: Texts | undefined;
  readonly startsAtMs?: number | undefined;
  readonly endsAtMs?: number | undefined;
  readonly generatorUrl?: string | undefined;
  readonly value?: number | undefined;
  readonly threshold?: string | undefined;
  readonly reason?: string | undefined;
}

export type Intake =
  | { readonly kind: 'accepted'; readonly alert: StoredAlert }
  | { readonly kind: 'refused'; readonly reason: string };

/** Larger alerts are refused: each is kept in memory and on disk. */
const MAX_ALERT_CHARACTERS = 64 * 1024;
const MAX_LABELS = 100;

/** Of a rule that is on trial: recorded and counted, but nobody is told. */
export const isOnTrial = ({ labels }: Pick<StoredAlert, 'labels'>): boolean => labels.get(TRIAL_LABEL) === 'true';

export const isResolved = (alert: Pick<StoredAlert, 'endsAtMs'>, nowMs: number): boolean => alert.endsAtMs <= nowMs;

export function takeIn(posted: PostedAlert, nowMs: number, resolveTimeoutMs: number): Intake {
  const refused = refusalOf(posted);
  if (refused !== undefined) return { kind: 'refused', reason: refused };
  const labels = Labels.from(Object.entries(posted.labels));
  if (labels.size === 0) return { kind: 'refused', reason: 'at least one label pair required' };
  const startsAtMs = posted.startsAtMs ?? posted.endsAtMs ?? nowMs;
  const isTimeout = posted.endsAtMs === undefined;
  const endsAtMs = posted.endsAtMs ?? nowMs + resolveTimeoutMs;
  if (endsAtMs < startsAtMs) return { kind: 'refused', reason: 'start time must be before end time' };
  return {
    kind: 'accepted',
    alert: {
      labels,
      fingerprint: fingerprintOf(labels),
      annotations: posted.annotations ?? {},
      startsAtMs,
      endsAtMs,
      updatedAtMs: nowMs,
      isTimeout,
      generatorUrl: posted.generatorUrl ?? '',
      value: posted.value,
      threshold: posted.threshold,
      reason: posted.reason,
    },
  };
}

function refusalOf({ labels, annotations = {}, generatorUrl = '' }: PostedAlert): string | undefined {
  const texts = [...Object.entries(labels), ...Object.entries(annotations)];
  if (Object.keys(labels).length > MAX_LABELS) return `more than ${MAX_LABELS} labels`;
  const size = texts.reduce((sum, [name, value]) => sum + name.length + value.length, generatorUrl.length);
  if (size > MAX_ALERT_CHARACTERS) return `larger than ${MAX_ALERT_CHARACTERS} characters`;
  const [bad] = texts.find(([name, value]) => name === '' || !name.isWellFormed() || !value.isWellFormed()) ?? [];
  return bad === undefined ? undefined : `invalid name or value: ${JSON.stringify(bad)}`;
}

/**
 * Joins an update with the known alert of the same labels when their times overlap: the start is the earlier one; an explicit
 * end is stronger than an assumed one (Alertmanager's `Merge`).
 */
export function joined(known: StoredAlert | undefined, update: StoredAlert): StoredAlert {
  if (known === undefined || !overlaps(known, update)) return update;
  const [older, newer] = update.updatedAtMs < known.updatedAtMs ? [update, known] : [known, update];
  return {
    ...newer,
    startsAtMs: Math.min(older.startsAtMs, newer.startsAtMs),
    endsAtMs: endOf(older, newer, Math.max(older.updatedAtMs, newer.updatedAtMs)),
  };
}

const overlaps = (known: StoredAlert, update: StoredAlert): boolean =>
  (update.endsAtMs > known.startsAtMs && update.endsAtMs < known.endsAtMs) ||
  (update.startsAtMs > known.startsAtMs && update.startsAtMs < known.endsAtMs);

function endOf(older: StoredAlert, newer: StoredAlert, nowMs: number): number {
  if (isResolved(newer, nowMs)) {
    return isResolved(older, nowMs) ? Math.max(older.endsAtMs, newer.endsAtMs) : newer.endsAtMs;
  }
  return older.endsAtMs > newer.endsAtMs && !older.isTimeout ? older.endsAtMs : newer.endsAtMs;
}
