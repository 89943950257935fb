/**
 * A webhook: the JSON of Alertmanager's webhook version 4 by POST, or the `payload` of the configuration, whose texts are
 * templates. `url` may be a template too.
 */
import { z } from 'zod';
import type { Delivery, NotifiedAlert, Notification } from '../notification.ts';
import { withFirst } from '../notification-data.ts';
import { EntryReceiver } from './entry-receiver.ts';
import { bool, goDuration, secretTemplateUrl, text, textMap, wholeNumber } from './fields.ts';
import { httpConfig } from './http-config.ts';
import { deliverJson } from './http-delivery.ts';
import type { ReceiverKind } from './kind.ts';

const schema = z
  .strictObject({
    send_resolved: bool().default(true),
    http_config: httpConfig.default({}),
    url: secretTemplateUrl().optional(),
    url_file: text().optional(),
    max_alerts: wholeNumber().default(0),
    timeout: goDuration().default(0),
    payload: z.unknown().optional(),
  })
  .superRefine(({ url, url_file: file }, context) => {
    if ((url === undefined) !== (file === undefined || file === '')) return;
    const message = `${url === undefined ? 'one' : 'at most one'} of url and url_file must be configured`;
    context.addIssue({ code: 'custom', params: { sentence: true }, message });
  });

/** With what Alertmanager's webhooks do not have: another method, and headers in short form. */
const ownSchema = z.strictObject({
  ...schema.shape,
  method: z.enum(['POST', 'PUT', 'PATCH']).default('POST'),
  headers: textMap().default({}),
});

type Entry = z.output<typeof schema> & Partial<Pick<z.output<typeof ownSchema>, 'method' | 'headers'>>;

/** Go's zero time, which Alertmanager writes for the end of an alert that fires. */
const ZERO_TIME = '0001-01-01T00:00:00Z';

/** The payload of version 4 (prometheus.io/docs/alerting/latest/configuration/#webhook_config). */
export function webhookPayload(notification: Notification, maxAlerts = 0): Record<string, unknown> {
  const shown = withFirst(notification, maxAlerts);
  return {
    receiver: shown.receiver,
    status: shown.status,
    alerts: shown.alerts.map(alertJson),
    notification_reason: shown.reason,
    groupLabels: shown.groupLabels,
    commonLabels: shown.commonLabels,
    commonAnnotations: shown.commonAnnotations,
    routeLabels: shown.routeLabels,
    externalURL: shown.externalUrl,
    version: '4',
    groupKey: shown.groupKey,
    truncatedAlerts: notification.alerts.length - shown.alerts.length,
  };
}

function alertJson(alert: NotifiedAlert): Record<string, unknown> {
  return {
    status: alert.status,
    labels: alert.labels,
    annotations: alert.annotations,
    startsAt: new Date(alert.startsAtMs).toISOString(),
    endsAt: alert.endsAtMs === undefined ? ZERO_TIME : new Date(alert.endsAtMs).toISOString(),
    generatorURL: alert.generatorUrl,
    fingerprint: alert.fingerprint,
  };
}

/** The payload of the configuration with its templates expanded; a text that is JSON after that becomes that JSON. */
async function expanded(value: unknown, render: (text: string) => Promise<string>): Promise<unknown> {
  if (typeof value === 'string') return value.includes('{{') ? jsonOrText(await render(value)) : value;
  if (Array.isArray(value)) return Promise.all(value.map((one) => expanded(one, render)));
  if (typeof value !== 'object' || value === null) return value;
  const entries: [string, unknown][] = [];
  for (const [key, inner] of Object.entries(value)) entries.push([await render(key), await expanded(inner, render)]);
  return Object.fromEntries(entries);
}

/** As in Alertmanager, a template may make a list or an object; other results stay text. */
function jsonOrText(result: string): unknown {
  if (!/^\s*[[{]/.test(result)) return result;
  try {
    return JSON.parse(result) as unknown;
  } catch {
    return result;
  }
}

class Webhook extends EntryReceiver<Entry> {
  protected async deliver(notification: Notification, signal: AbortSignal): Promise<Delivery> {
    const { method, headers, timeout: timeoutMs, http_config: http } = this.entry;
    const url = await this.#url(notification);
    const body = await this.#payload(notification);
    return (await deliverJson(this.tools, { url, method, headers, body, http, timeoutMs }, signal)).delivery;
  }

  async #url(notification: Notification): Promise<string> {
    const { url, url_file: file } = this.entry;
    const written = url === undefined ? await this.tools.readFile(file ?? '') : url.reveal();
    return written.includes('{{') ? this.tools.render(written, notification) : written;
  }

  async #payload(notification: Notification): Promise<unknown> {
    const { payload, max_alerts: maxAlerts } = this.entry;
    if (payload === undefined) return webhookPayload(notification, maxAlerts);
    const shown = withFirst(notification, maxAlerts);
    return expanded(payload, (template) => this.tools.render(template, shown));
  }
}

export const webhook: ReceiverKind<Entry> = {
  name: 'webhook',
  key: 'webhook_configs',
  schema,
  create: (entry, tools) => new Webhook(entry, tools),
};

/** Named `http`, because `webhook` is Alertmanager's. */
export const httpKind: ReceiverKind<Entry> = {
  ...webhook,
  name: 'http',
  key: 'http',
  isOwn: true,
  schema: ownSchema,
};
