/** Another Alertmanager: passes the alerts of a notification on to its API v2, with their times, so that it groups them anew. */
import { z } from 'zod';
import type { Delivery, Notification, Receiver } from '../notification.ts';
import { bool, goDuration, plainUrl } from './fields.ts';
import { httpConfig, UNUSED_HTTP } from './http-config.ts';
import { deliverHttp } from './http-delivery.ts';
import type { ReceiverKind, ReceiverTools } from './kind.ts';

const schema = z.strictObject({
  send_resolved: bool().default(true),
  http_config: httpConfig.default({}),
  /** Without `/api/v2/alerts`. */
  url: plainUrl(),
  timeout: goDuration().default(10_000),
});
type Entry = z.output<typeof schema>;

class Alertmanager implements Receiver {
  readonly kind = 'alertmanager';
  readonly sendResolved: boolean;
  readonly #entry: Entry;
  readonly #tools: ReceiverTools;

  constructor(entry: Entry, tools: ReceiverTools) {
    this.sendResolved = entry.send_resolved;
    this.#entry = entry;
    this.#tools = tools;
  }

  async send(notification: Notification, signal: AbortSignal): Promise<Delivery> {
    const { url, http_config: http, timeout: timeoutMs } = this.#entry;
    const body = notification.alerts.map((alert) => ({
      labels: alert.labels,
      annotations: alert.annotations,
      startsAt: new Date(alert.startsAtMs).toISOString(),
      ...(alert.endsAtMs === undefined ? {} : { endsAt: new Date(alert.endsAtMs).toISOString() }),
      generatorURL: alert.generatorUrl,
    }));
    const message = {
      url: `${url.replace(/\/+$/, '')}/api/v2/alerts`,
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
      http,
      timeoutMs,
    };
    return (await deliverHttp(this.#tools, message, signal)).delivery;
  }
}

export const alertmanager: ReceiverKind<Entry> = {
  name: 'alertmanager',
  key: 'alertmanager',
  isOwn: true,
  schema,
  unused: UNUSED_HTTP.map((name) => `http_config.${name}`),
  create: (entry, tools) => new Alertmanager(entry, tools),
};
