/** Discord by a webhook (discord.com/developers/docs/resources/webhook#execute-webhook). */
import { z } from 'zod';
import type { Delivery, Notification } from '../notification.ts';
import { EntryReceiver } from './entry-receiver.ts';
import { escapedNotification, escapeLinks } from './message/escaped.ts';
import { atMostOne, bool, needsOne, secretUrl, text } from './fields.ts';
import { httpConfig, secretOf } from './http-config.ts';
import { deliverHttp, deliverJson } from './http-delivery.ts';
import type { ReceiverKind } from './kind.ts';
import { cut, oneLine } from './message/limits.ts';
import { pictureForm, pictureOf, refusedContent } from './message/picture-parts.ts';
import { rendered } from './message/rendering.ts';

const schema = z
  .strictObject({
    send_resolved: bool().default(true),
    http_config: httpConfig.default({}),
    webhook_url: secretUrl().optional(),
    webhook_url_file: text().optional(),
    content: text().default('{{ template "discord.default.content" . }}'),
    title: text().default('{{ template "discord.default.title" . }}'),
    message: text().default('{{ template "discord.default.message" . }}'),
    username: text().default(''),
    avatar_url: text().default(''),
  })
  .superRefine(needsOne(['webhook_url', 'webhook_url_file']))
  .superRefine(atMostOne(['webhook_url', 'webhook_url_file']));
type Entry = z.output<typeof schema>;

/** Of the documentation. */
const MAX_CONTENT = 2_000;
const MAX_TITLE = 256;
const MAX_DESCRIPTION = 4_096;
const MAX_USERNAME = 80;
const MAX_ALT = 1_024;
const RED = 0x992d22;
const GREEN = 0x2ecc71;

class Discord extends EntryReceiver<Entry> {
  protected async deliver(notification: Notification, signal: AbortSignal): Promise<Delivery> {
    const { webhook_url: given, webhook_url_file: file, http_config: http } = this.entry;
    const url = (await secretOf(given, file, this.tools)) ?? '';
    const picture = await pictureOf(notification);
    const body = await this.#message(notification);
    if (picture !== undefined) {
      const [embed] = body.embeds;
      const file = { id: 0, filename: 'chart.png', description: cut(picture.alt, MAX_ALT) };
      const withImage = {
        ...body,
        embeds: [{ ...embed, image: { url: 'attachment://chart.png' } }],
        attachments: [file],
      };
      const form = pictureForm({ payload_json: JSON.stringify(withImage) }, 'files[0]', picture);
      const message = { url, headers: { 'content-type': form.contentType }, body: form.body, http };
      const { delivery } = await deliverHttp(this.tools, message, signal);
      if (!refusedContent(delivery)) return delivery;
    }
    return (await deliverJson(this.tools, { url, body, http }, signal)).delivery;
  }

  async #message(
    notification: Notification,
  ): Promise<Readonly<Record<string, unknown>> & { readonly embeds: readonly object[] }> {
    const { content, title, message, username, avatar_url: avatar } = this.entry;
    const escaped = escapedNotification(notification, escapeLinks);
    const written = cut(await rendered(this.tools, content, escaped), MAX_CONTENT);
    return {
      ...(written === '' ? {} : { content: written }),
      ...(username === '' ? {} : { username: cut(oneLine(username), MAX_USERNAME) }),
      ...(avatar === '' ? {} : { avatar_url: avatar }),
      embeds: [
        {
          title: cut(oneLine(await rendered(this.tools, title, notification)), MAX_TITLE),
          description: cut(await rendered(this.tools, message, escaped), MAX_DESCRIPTION),
          color: notification.status === 'firing' ? RED : GREEN,
          url: notification.links.page,
        },
      ],
      // Only a mention that the configuration writes calls people, never one inside a label.
      allowed_mentions: mentionsIn(content),
    };
  }
}

function mentionsIn(template: string): Record<string, string[]> {
  const ids = (pattern: RegExp): string[] => [...new Set([...template.matchAll(pattern)].map(([, id = '']) => id))];
  return {
    parse: /@(?:everyone|here)/.test(template) ? ['everyone'] : [],
    users: ids(/<@!?(\d{1,20})>/g).slice(0, 100),
    roles: ids(/<@&(\d{1,20})>/g).slice(0, 100),
  };
}

export const discord: ReceiverKind<Entry> = {
  name: 'discord',
  key: 'discord_configs',
  schema,
  create: (entry, tools) => new Discord(entry, tools),
};
