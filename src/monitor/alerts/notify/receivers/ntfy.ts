/** ntfy (docs.ntfy.sh/publish/#publish-as-json): a message on a topic, with buttons for page, silence and runbook. */
import { z } from 'zod';
import type { Delivery, Notification, Receiver } from '../notification.ts';
import { bool, goDuration, plainUrl, secretText, text, textList } from './fields.ts';
import { httpConfig } from './http-config.ts';
import { deliverHttp, failureOf } from './http-delivery.ts';
import type { ReceiverKind, ReceiverTools } from './kind.ts';
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

class Ntfy implements Receiver {
  readonly kind = 'ntfy';
  readonly sendResolved: boolean;
  readonly #entry: Entry;
  readonly #tools: ReceiverTools;

  constructor(entry: Entry, tools: ReceiverTools) {
    this.sendResolved = entry.send_resolved;
    this.#entry = entry;
    this.#tools = tools;
  }

  async send(notification: Notification, signal: AbortSignal): Promise<Delivery> {
    const { url, token, topic, priority, tags, http_config: http, timeout: timeoutMs } = this.#entry;
    const { status, links } = notification;
    try {
      const isFiring = status === 'firing';
      const body = {
        topic,
        title: cut(oneLine(await rendered(this.#tools, this.#entry.title, notification)), MAX_TITLE),
        message: cutBytes(await rendered(this.#tools, this.#entry.message, notification), MAX_MESSAGE_BYTES),
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
      const headers = {
        'content-type': 'application/json',
        ...(token === undefined ? {} : { authorization: `Bearer ${oneLine(token.reveal())}` }),
      };
      const message = { url, headers, body: JSON.stringify(body), http, timeoutMs };
      return (await deliverHttp(this.#tools, message, signal)).delivery;
    } catch (error) {
      return failureOf(error, signal);
    }
  }
}

export const ntfy: ReceiverKind<Entry> = {
  name: 'ntfy',
  key: 'ntfy',
  isOwn: true,
  schema,
  create: (entry, tools) => new Ntfy(entry, tools),
};
