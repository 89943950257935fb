/**
 * Step 9, deliver: tells one integration about a group, with tries until it succeeds, gives a final failure, or the flush ends.
 * Before it come dedup and after it the notification log, which belong to the integration too.
 */
import { wait, type Clock } from '../../../base/clock.ts';
import type { Random } from '../../../base/random.ts';
import type { Delivery, NotifyReason, Receiver } from './notification.ts';
import { retryPauseMs } from './steps/retry.ts';
import type { Notification } from './notification.ts';

export interface Attempts {
  readonly delivery: Delivery;
  readonly tries: number;
  readonly tookMs: number;
}

export interface DeliverOptions {
  readonly clock: Clock;
  readonly random: Random;
  /** Called after each failed try. */
  readonly onFailure: (delivery: Delivery & { kind: 'failed' }, tries: number) => void;
}

/** Never throws. The last failure is the result when the signal aborts. */
export async function deliver(
  receiver: Receiver,
  notification: Notification,
  signal: AbortSignal,
  { clock, random, onFailure }: DeliverOptions,
): Promise<Attempts> {
  const began = clock.monotonic();
  for (let tries = 1; ; tries += 1) {
    const delivery = await sendOnce(receiver, notification, signal);
    const done = { delivery, tries, tookMs: clock.monotonic() - began };
    if (delivery.kind === 'delivered') return done;
    onFailure(delivery, tries);
    if (!delivery.retry || signal.aborted) return done;
    try {
      await wait(clock, retryPauseMs(tries, random, delivery.retryAfterMs), signal);
    } catch {
      return done;
    }
  }
}

/** A receiver that throws has a mistake of its own; the pipeline goes on. */
async function sendOnce(receiver: Receiver, notification: Notification, signal: AbortSignal): Promise<Delivery> {
  try {
    return await receiver.send(notification, signal);
  } catch (error) {
    const message = `The receiver failed: ${error instanceof Error ? error.name : 'error'}.`;
    return { kind: 'failed', reason: 'other', retry: true, message };
  }
}

/** The reason's name in Alertmanager's event recorder. */
export const REASON_NAMES: Readonly<Record<NotifyReason, string>> = {
  'first notification': 'NOTIFY_REASON_FIRST_NOTIFICATION',
  'new alerts added': 'NOTIFY_REASON_NEW_ALERTS_IN_GROUP',
  'some alerts resolved': 'NOTIFY_REASON_NEW_RESOLVED_ALERTS',
  'all alerts resolved': 'NOTIFY_REASON_ALL_ALERTS_RESOLVED',
  'repeat interval elapsed': 'NOTIFY_REASON_REPEAT_INTERVAL_ELAPSED',
};
