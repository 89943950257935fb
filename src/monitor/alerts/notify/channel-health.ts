/**
 * A channel that stays down is an alert itself: `NotificationChannelDown`, which goes to the other receivers. It ends with the
 * first delivery that succeeds.
 */
import type { PostedAlert } from './steps/intake.ts';

/** A channel is down when deliveries have failed for this long. */
const DOWN_AFTER_MS = 60_000;
/** Without news, the alert ends after this time. */
const VALID_MS = 3_600_000;
export const CHANNEL_DOWN = 'NotificationChannelDown';

export interface Channel {
  readonly receiver: string;
  readonly kind: string;
  readonly index: number;
}

interface Trouble {
  readonly sinceMs: number;
  isTold: boolean;
}

export class ChannelHealth {
  readonly #troubles = new Map<string, Trouble>();

  /** The alert to post, when there is something new to say. */
  failed(channel: Channel, message: string, nowMs: number): PostedAlert | undefined {
    const key = `${channel.receiver}/${channel.kind}/${channel.index}`;
    const trouble = this.#troubles.get(key) ?? { sinceMs: nowMs, isTold: false };
    this.#troubles.set(key, trouble);
    if (nowMs - trouble.sinceMs < DOWN_AFTER_MS) return undefined;
    trouble.isTold = true;
    return {
      labels: labelsOf(channel),
      annotations: { summary: `Nothing can be sent to ${channel.receiver} by ${channel.kind}: ${message}` },
      startsAtMs: trouble.sinceMs,
      endsAtMs: nowMs + VALID_MS,
    };
  }

  delivered(channel: Channel, nowMs: number): PostedAlert | undefined {
    const key = `${channel.receiver}/${channel.kind}/${channel.index}`;
    const trouble = this.#troubles.get(key);
    this.#troubles.delete(key);
    if (trouble?.isTold !== true) return undefined;
    return { labels: labelsOf(channel), startsAtMs: trouble.sinceMs, endsAtMs: nowMs };
  }
}

const labelsOf = ({ receiver, kind, index }: Channel): Record<string, string> => ({
  alertname: CHANNEL_DOWN,
  severity: 'critical',
  receiver,
  integration: `${kind}/${index}`,
});
