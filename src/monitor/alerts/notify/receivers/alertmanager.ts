/** Another Alertmanager: passes the alerts of a notification on to its API v2, with their times, so that it groups them anew. */
import { z } from 'zod';
import type { Delivery, Notification } from '../notification.ts';
import { EntryReceiver } from './entry-receiver.ts';
import { bool, goDuration, plainUrl } from './fields.ts';
import { httpConfig } from './http-config.ts';
import { deliverJson } from './http-delivery.ts';
import type { ReceiverKind } from './kind.ts';

const schema = z.strictObject({
  send_resolved: bool().default(true),
  http_config: httpConfig.default({}),
  /** Without `/api/v2/alerts`. */
  url: plainUrl(),
  timeout: goDuration().default(10_000),
});
type Entry = z.output<typeof schema>;

class Alertmanager extends EntryReceiver<Entry> {
  protected async deliver(notification: Notification, signal: AbortSignal): Promise<Delivery> {
    const { url, http_config: http, timeout: timeoutMs } = this.entry;
    const body = notification.alerts.map((alert) => ({
      labels: alert.labels,
      annotations: alert.annotations,
      startsAt: new Date(alert.startsAtMs).toISOString(),
      ...(alert.endsAtMs === undefined ? {} : { endsAt: new Date(alert.endsAtMs).toISOString() }),
      generatorURL: alert.generatorUrl,
    }));
    const target = `${url.replace(/\/+$/, '')}/api/v2/alerts`;
    return (await deliverJson(this.tools, { url: target, body, http, timeoutMs }, signal)).delivery;
  }
}

export const alertmanager: ReceiverKind<Entry> = {
  name: 'alertmanager',
  key: 'alertmanager',
  isOwn: true,
  schema,
  create: (entry, tools) => new Alertmanager(entry, tools),
};
