/** ntfy (docs.ntfy.sh/publish/#publish-as-json): a message on a topic, with buttons for page, silence and runbook. */
import { z } from 'zod';
import type { Delivery, Notification } from '../notification.ts';
import { EntryReceiver } from './entry-receiver.ts';
import { bool, goDuration, plainUrl, secretText, text, textList } from './fields.ts';
import { httpConfig } from './http-config.ts';
import { deliverJson } from './http-delivery.ts';
import type { ReceiverKind } from './kind.ts';
import { cut, cutBytes, oneLine } from './limits.ts';
import { rendered } from './rendering.ts';

const schema = z.strictObject({
  send_resolved: bool().default(true),
  http_config: httpConfig.default({}),
  url: plainUrl().default('https://ntfy.sh/'),
  topic: z.string().regex(/^[-_A-Za-z0-9]{1,64}$/, 'a topic of letters, digits, "-" and "_", at most 64'),
  token: secretText().optional(),
  title: text().default('{{ template "__subject" . }}'),
  message: text().default('{{ template "__text" . }}'),
  /** 1 to 5; from the severity when it is not set. */
  priority: z
    .string()
    .regex(/^[1-5]$/, 'a number from 1 to 5')
    .optional(),
  tags: textList().default([]),
  timeout: goDuration().default(0),
});
type Entry = z.output<typeof schema>;

/** A longer message becomes an attached file on ntfy's side. */
const MAX_MESSAGE_BYTES = 4_096;
const MAX_TITLE = 250;
const PRIORITIES: Readonly<Record<string, number>> = { critical: 5, error: 4, warning: 4, info: 2 };

const priorityOf = ({ status, commonLabels }: Notification): number =>
  (status === 'firing' ? PRIORITIES[commonLabels['severity'] ?? ''] : undefined) ?? 3;

class Ntfy extends EntryReceiver<Entry> {
  protected async deliver(notification: Notification, signal: AbortSignal): Promise<Delivery> {
    const { url, token, topic, priority, tags, http_config: http, timeout: timeoutMs } = this.entry;
    const { status, links } = notification;
    const isFiring = status === 'firing';
    const body = {
      topic,
      title: cut(oneLine(await rendered(this.tools, this.entry.title, notification)), MAX_TITLE),
      message: cutBytes(await rendered(this.tools, this.entry.message, notification), MAX_MESSAGE_BYTES),
      priority: priority === undefined ? priorityOf(notification) : Number(priority),
      tags: [isFiring ? 'rotating_light' : 'white_check_mark', ...tags],
      click: links.page,
      // ntfy shows at most three.
      actions: [
        { action: 'view', label: 'Page', url: links.page },
        { action: 'view', label: 'Silence', url: links.silence },
        ...(links.runbook === undefined ? [] : [{ action: 'view', label: 'Runbook', url: links.runbook }]),
      ],
    };
    const headers: Record<string, string> =
      token === undefined ? {} : { authorization: `Bearer ${oneLine(token.reveal())}` };
    return (await deliverJson(this.tools, { url, headers, body, http, timeoutMs }, signal)).delivery;
  }
}

export const ntfy: ReceiverKind<Entry> = {
  name: 'ntfy',
  key: 'ntfy',
  isOwn: true,
  schema,
  create: (entry, tools) => new Ntfy(entry, tools),
};
