/** PagerDuty by its Events API v2 (developer.pagerduty.com/docs/send-alert-event). One group is one incident, by its key. */
import { createHash } from 'node:crypto';
import { z } from 'zod';
import type { Delivery, Notification } from '../notification.ts';
import { EntryReceiver } from './entry-receiver.ts';
import { atMostOne, bool, goDuration, needsOne, plainUrl, secretText, text, textMap } from './fields.ts';
import { httpConfig, secretOf } from './http-config.ts';
import { deliverJson } from './http-delivery.ts';
import type { ReceiverKind } from './kind.ts';
import { cut, cutBytes, oneLine, withoutEmpty } from './message/limits.ts';
import { rendered } from './message/rendering.ts';

const schema = z
  .strictObject({
    send_resolved: bool().default(true),
    http_config: httpConfig.default({}),
    routing_key: secretText().optional(),
    routing_key_file: text().optional(),
    service_key: secretText().optional(),
    service_key_file: text().optional(),
    url: plainUrl().default('https://events.pagerduty.com/v2/enqueue'),
    client: text().default('{{ template "pagerduty.default.client" . }}'),
    client_url: text().default('{{ template "pagerduty.default.clientURL" . }}'),
    description: text().default('{{ template "pagerduty.default.description" .}}'),
    details: textMap().default({}),
    images: z
      .array(z.strictObject({ href: text().optional(), src: text().optional(), alt: text().optional() }))
      .default([]),
    links: z.array(z.strictObject({ href: text().optional(), text: text().optional() })).default([]),
    source: text().default('{{ template "pagerduty.default.client" . }}'),
    severity: text().default(
      '{{ if .CommonLabels.severity }}{{ .CommonLabels.severity | toLower }}{{ else }}error{{ end }}',
    ),
    class: text().default(''),
    component: text().default(''),
    group: text().default(''),
    timeout: goDuration().default(0),
  })
  .superRefine(needsOne(['routing_key', 'routing_key_file', 'service_key', 'service_key_file']))
  .superRefine(atMostOne(['routing_key', 'routing_key_file']))
  .superRefine(atMostOne(['service_key', 'service_key_file']));
type Entry = z.output<typeof schema>;

/** Of the documentation; an event has at most 512 KB. */
const MAX_SUMMARY = 1_024;
const MAX_DETAIL_BYTES = 32 * 1024;
const MAX_FIELD = 1_024;
const SEVERITIES = new Set(['critical', 'error', 'warning', 'info']);

/** What the incident shows besides its summary; entries of the configuration replace those of the same name. */
const DETAILS: Readonly<Record<string, string>> = {
  firing: '{{ template "pagerduty.default.instances" .Alerts.Firing }}',
  resolved: '{{ template "pagerduty.default.instances" .Alerts.Resolved }}',
  num_firing: '{{ .Alerts.Firing | len }}',
  num_resolved: '{{ .Alerts.Resolved | len }}',
  summary: '{{ template "__facts" . }}',
};

class PagerDuty extends EntryReceiver<Entry> {
  protected async deliver(notification: Notification, signal: AbortSignal): Promise<Delivery> {
    const { url, http_config: http, timeout: timeoutMs } = this.entry;
    const body = await this.#event(notification);
    return (await deliverJson(this.tools, { url, body, http, timeoutMs }, signal)).delivery;
  }

  async #event(notification: Notification): Promise<Record<string, unknown>> {
    const entry = this.entry;
    const key =
      (await secretOf(entry.routing_key, entry.routing_key_file, this.tools)) ??
      (await secretOf(entry.service_key, entry.service_key_file, this.tools));
    const base = {
      routing_key: key ?? '',
      event_action: notification.status === 'firing' ? 'trigger' : 'resolve',
      dedup_key: createHash('sha256').update(notification.groupKey).digest('hex'),
    };
    const line = async (template: string, length = MAX_FIELD): Promise<string> =>
      cut(oneLine(await rendered(this.tools, template, notification)), length);
    const details: Record<string, string> = {};
    for (const [name, template] of Object.entries({ ...DETAILS, ...entry.details })) {
      details[name] = cutBytes(await rendered(this.tools, template, notification), MAX_DETAIL_BYTES);
    }
    const severity = await line(entry.severity);
    return {
      ...base,
      client: await line(entry.client),
      client_url: await line(entry.client_url),
      payload: {
        // The name of the service, when a template makes nothing: both fields are required.
        summary: (await line(entry.description, MAX_SUMMARY)) || 'Vitrine',
        source: (await line(entry.source)) || 'Vitrine',
        severity: SEVERITIES.has(severity) ? severity : 'error',
        timestamp: new Date(notification.sinceMs).toISOString(),
        ...withoutEmpty({
          class: await line(entry.class),
          component: await line(entry.component),
          group: await line(entry.group),
        }),
        custom_details: details,
      },
      links: await this.#links(notification, line),
      images: await Promise.all(
        entry.images.map(async ({ href = '', src = '', alt = '' }) =>
          withoutEmpty({ href: await line(href), src: await line(src), alt: await line(alt) }),
        ),
      ),
    };
  }

  async #links(
    { links: { page, silence, runbook }, trace }: Notification,
    line: (template: string) => Promise<string>,
  ): Promise<Record<string, unknown>[]> {
    const own = this.entry.links.map(async ({ href = '', text: name = '' }) => ({
      href: await line(href),
      text: await line(name),
    }));
    const known = [
      { href: page, text: 'Page' },
      { href: silence, text: 'Silence' },
      ...(runbook === undefined ? [] : [{ href: runbook, text: 'Runbook' }]),
      ...(trace === undefined ? [] : [{ href: trace.link, text: 'Trace' }]),
    ];
    return [...(await Promise.all(own)), ...known].filter(({ href }) => href !== '');
  }
}

export const pagerduty: ReceiverKind<Entry> = {
  name: 'pagerduty',
  key: 'pagerduty_configs',
  schema,
  inherits: { url: 'pagerduty_url' },
  create: (entry, tools) => new PagerDuty(entry, tools),
};
