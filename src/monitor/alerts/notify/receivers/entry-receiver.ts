/** What all receivers have in common: the entry that configures one, and failures that become deliveries. */
import type { Delivery, Notification, Receiver } from '../notification.ts';
import { failureOf } from './http-delivery.ts';
import type { ReceiverTools } from './kind.ts';

export abstract class EntryReceiver<Entry extends { readonly send_resolved: boolean }> implements Receiver {
  protected readonly entry: Entry;
  protected readonly tools: ReceiverTools;

  constructor(entry: Entry, tools: ReceiverTools) {
    this.entry = entry;
    this.tools = tools;
  }

  get sendResolved(): boolean {
    return this.entry.send_resolved;
  }

  async send(notification: Notification, signal: AbortSignal): Promise<Delivery> {
    try {
      return await this.deliver(notification, signal);
    } catch (error) {
      return this.failure(error, signal);
    }
  }

  /** As `send`; may throw what keeps a message from being made or sent. */
  protected abstract deliver(notification: Notification, signal: AbortSignal): Promise<Delivery>;

  protected failure(error: unknown, signal: AbortSignal): Delivery {
    return failureOf(error, signal);
  }
}
