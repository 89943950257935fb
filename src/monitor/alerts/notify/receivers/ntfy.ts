/** ntfy (docs.ntfy.sh/publish/#publish-as-json): a message on a topic, with buttons for page, silence and runbook. */
import { z } from 'zod';
import type { Delivery, Notification } from '../notification.ts';
import { EntryReceiver } from './entry-receiver.ts';
import { bool, goDuration, plainUrl, secretText, text, textList } from './fields.ts';
import { httpConfig } from './http-config.ts';
import { deliverHttp, deliverJson } from './http-delivery.ts';
import type { ReceiverKind } from './kind.ts';
import { cut, cutBytes, oneLine } from './message/limits.ts';
import { pictureOf, refusedContent } from './message/picture-parts.ts';
import { rendered } from './message/rendering.ts';

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

interface NtfyMessage {
  readonly topic: string;
  readonly title: string;
  readonly message: string;
  readonly priority: number;
  readonly tags: readonly string[];
  readonly click: string;
  readonly actions: readonly Readonly<Record<string, string>>[];
}

class Ntfy extends EntryReceiver<Entry> {
  protected async deliver(notification: Notification, signal: AbortSignal): Promise<Delivery> {
    const { url, token, topic, priority, tags, http_config: http, timeout: timeoutMs } = this.entry;
    const { status, links } = notification;
    const isFiring = status === 'firing';
    const body: NtfyMessage = {
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
    const picture = await pictureOf(notification);
    if (picture !== undefined) {
      const target = attachmentUrl(url, body);
      const message = { url: target, method: 'PUT', headers, body: picture.png, http, timeoutMs };
      const { delivery } = target.length > MAX_URL ? NOT_SENT : await deliverHttp(this.tools, message, signal);
      // A server without a folder for attachments, or one whose quota is used up, takes the message alone.
      if (delivery.kind === 'delivered' || !mayBeAttachment(delivery)) return delivery;
    }
    return (await deliverJson(this.tools, { url, headers, body, http, timeoutMs }, signal)).delivery;
  }
}

/** Proxies take at least 8 kB of a request line. */
const MAX_URL = 6_000;
const NOT_SENT = { delivery: { kind: 'failed', reason: 'clientError', retry: false, message: '' } } as const;

/** With a file as body, the message stands in the URL (docs.ntfy.sh/publish/#attach-local-file). */
function attachmentUrl(base: string, body: NtfyMessage): string {
  const url = new URL(`${base.replace(/\/+$/, '')}/${body.topic}`);
  const { title, message, priority, tags, click, actions } = body;
  const fields = { title, message, priority: String(priority), tags: tags.join(','), click, filename: 'chart.png' };
  for (const [name, value] of Object.entries(fields)) url.searchParams.set(name, value);
  url.searchParams.set('actions', JSON.stringify(actions));
  return url.href;
}

const mayBeAttachment = (delivery: Delivery): boolean =>
  delivery.kind === 'failed' && (refusedContent(delivery) || delivery.reason === 'rateLimited');

export const ntfy: ReceiverKind<Entry> = {
  name: 'ntfy',
  key: 'ntfy',
  isOwn: true,
  schema,
  create: (entry, tools) => new Ntfy(entry, tools),
};
