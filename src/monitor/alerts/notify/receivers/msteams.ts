/**
 * Microsoft Teams: an adaptive card to a workflow (`msteamsv2_configs`), and the card of the older connectors
 * (`msteams_configs`), which answer 200 for a message that Teams refused.
 */
import { z } from 'zod';
import type { Delivery, Notification } from '../notification.ts';
import { EntryReceiver } from './entry-receiver.ts';
import { escapedNotification, escapeLinks } from './message/escaped.ts';
import { atMostOne, bool, needsOne, secretUrl, text } from './fields.ts';
import { httpConfig, secretOf } from './http-config.ts';
import { deliverJson, type HttpResult } from './http-delivery.ts';
import type { ReceiverKind } from './kind.ts';
import { cut, cutJson, oneLine } from './message/limits.ts';
import { rendered } from './message/rendering.ts';

const fields = {
  send_resolved: bool().default(true),
  http_config: httpConfig.default({}),
  webhook_url: secretUrl().optional(),
  webhook_url_file: text().optional(),
};

const schema = z
  .strictObject({
    ...fields,
    title: text().default('{{ template "msteamsv2.default.title" . }}'),
    text: text().default('{{ template "msteamsv2.default.text" . }}'),
  })
  .superRefine(needsOne(['webhook_url', 'webhook_url_file']))
  .superRefine(atMostOne(['webhook_url', 'webhook_url_file']));

const oldSchema = z
  .strictObject({
    ...fields,
    title: text().default('{{ template "msteams.default.title" . }}'),
    text: text().default('{{ template "msteams.default.text" . }}'),
    summary: text().default('{{ template "msteams.default.summary" . }}'),
  })
  .superRefine(needsOne(['webhook_url', 'webhook_url_file']))
  .superRefine(atMostOne(['webhook_url', 'webhook_url_file']));

type Entry = z.output<typeof schema> & { readonly summary?: string };

/** A message has at most 28 KB. */
const MAX_TEXT_BYTES = 20 * 1024;
const MAX_TITLE = 256;

interface Card {
  readonly title: string;
  readonly text: string;
  readonly summary: string;
  readonly isFiring: boolean;
  readonly links: readonly { readonly name: string; readonly url: string }[];
}

function adaptiveCard({ title, text: body, isFiring, links }: Card): Record<string, unknown> {
  const content = {
    $schema: 'http://adaptivecards.io/schemas/adaptive-card.json',
    type: 'AdaptiveCard',
    version: '1.2',
    body: [
      {
        type: 'TextBlock',
        text: title,
        weight: 'Bolder',
        size: 'Medium',
        wrap: true,
        style: 'heading',
        color: isFiring ? 'Attention' : 'Good',
      },
      { type: 'TextBlock', text: body, wrap: true },
    ],
    actions: links.map(({ name, url }) => ({ type: 'Action.OpenUrl', title: name, url })),
    msteams: { width: 'full' },
  };
  return {
    type: 'message',
    attachments: [{ contentType: 'application/vnd.microsoft.card.adaptive', contentUrl: null, content }],
  };
}

const messageCard = ({ title, text: body, summary, isFiring, links }: Card): Record<string, unknown> => ({
  '@context': 'http://schema.org/extensions',
  '@type': 'MessageCard',
  title,
  summary,
  text: body,
  themeColor: isFiring ? '8C1A1A' : '2DC72D',
  potentialAction: links.map(({ name, url }) => ({
    '@type': 'OpenUri',
    name,
    targets: [{ os: 'default', uri: url }],
  })),
});

class Teams extends EntryReceiver<Entry> {
  protected async deliver(notification: Notification, signal: AbortSignal): Promise<Delivery> {
    const { webhook_url: given, webhook_url_file: file, http_config: http, summary } = this.entry;
    const url = (await secretOf(given, file, this.tools)) ?? '';
    const card = await this.#card(notification);
    const body = summary === undefined ? adaptiveCard(card) : messageCard(card);
    return deliveryOf(await deliverJson(this.tools, { url, body, http }, signal));
  }

  async #card(notification: Notification): Promise<Card> {
    const escaped = escapedNotification(notification, escapeLinks);
    const line = async (template: string): Promise<string> =>
      cut(oneLine(await rendered(this.tools, template, escaped)), MAX_TITLE);
    const { page, silence, runbook } = notification.links;
    return {
      title: await line(this.entry.title),
      summary: await line(this.entry.summary ?? ''),
      text: cutJson(await rendered(this.tools, this.entry.text, escaped), MAX_TEXT_BYTES),
      isFiring: notification.status === 'firing',
      links: [
        { name: 'Page', url: page },
        { name: 'Silence', url: silence },
        ...(runbook === undefined ? [] : [{ name: 'Runbook', url: cut(runbook, 1_024) }]),
      ],
    };
  }
}

/** "Webhook message delivery failed with error: Microsoft Teams endpoint returned HTTP error 429 …" */
function deliveryOf({ delivery, answer }: HttpResult): Delivery {
  const code = /endpoint returned HTTP error (\d{3})/.exec(answer?.body.toString('utf8') ?? '')?.[1];
  if (delivery.kind === 'failed' || code === undefined) return delivery;
  const isLimit = code === '429';
  const retry = isLimit || code.startsWith('5');
  const other = retry ? 'serverError' : 'clientError';
  return { kind: 'failed', reason: isLimit ? 'rateLimited' : other, retry, message: `Teams answered ${code}.` };
}

export const msteamsv2: ReceiverKind<Entry> = {
  name: 'msteamsv2',
  key: 'msteamsv2_configs',
  schema,
  create: (entry, tools) => new Teams(entry, tools),
};

export const msteams: ReceiverKind<Entry> = {
  ...msteamsv2,
  name: 'msteams',
  key: 'msteams_configs',
  schema: oldSchema,
};
