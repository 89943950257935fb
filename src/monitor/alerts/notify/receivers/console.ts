/** The console: one line for each notification in Vitrine's own log. */
import { z } from 'zod';
import type { Delivery, Notification } from '../notification.ts';
import { EntryReceiver } from './entry-receiver.ts';
import { bool } from './fields.ts';
import type { ReceiverKind } from './kind.ts';

const schema = z.strictObject({ send_resolved: bool().default(true) });
type Entry = z.output<typeof schema>;

class Console extends EntryReceiver<Entry> {
  protected deliver({
    receiver,
    status,
    summary,
    reason,
    alerts,
    groupLabels,
    links,
  }: Notification): Promise<Delivery> {
    const fields = { receiver, status, reason, alerts: alerts.length, group: groupLabels, page: links.page };
    const name = groupLabels['alertname'] ?? alerts[0]?.labels['alertname'] ?? '';
    // Never at level error: an alert about error lines would keep itself firing.
    this.tools.logger.warn(fields, `NOTIFICATION ${status} ${name}: ${summary}`);
    return Promise.resolve({ kind: 'delivered' });
  }
}

export const consoleKind: ReceiverKind<Entry> = {
  name: 'console',
  key: 'console',
  isOwn: true,
  schema,
  create: (entry, tools) => new Console(entry, tools),
};
