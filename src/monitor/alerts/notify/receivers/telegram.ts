/**
 * Telegram by a bot (core.telegram.org/bots/api#sendmessage, #sendphoto). Later messages of a group answer the first one; the
 * chart is the message's photo.
 */
import { z } from 'zod';
import type { Delivery, Notification, Picture } from '../notification.ts';
import { EntryReceiver } from './entry-receiver.ts';
import { escapeHtml } from '../../../../model/text/html.ts';
import { escapedNotification, escapeMarkdownV2, escapeOldMarkdown } from './message/escaped.ts';
import { atMostOne, bool, needsOne, plainUrl, secretText, text } from './fields.ts';
import { httpConfig, secretOf } from './http-config.ts';
import { deliverHttp, deliverJson, jsonOf, type HttpResult } from './http-delivery.ts';
import type { ReceiverKind } from './kind.ts';
import { cut, oneLine } from './message/limits.ts';
import { pictureForm, pictureOf, refusedContent } from './message/picture-parts.ts';
import { rendered } from './message/rendering.ts';

const CHATS = ['chat_id', 'chat_id_file', 'chat', 'chat_file'];
const TOKENS = ['bot_token', 'bot_token_file', 'token', 'token_file'];

const schema = z
  .strictObject({
    send_resolved: bool().default(true),
    http_config: httpConfig.default({}),
    api_url: plainUrl().default('https://api.telegram.org'),
    bot_token: secretText().optional(),
    bot_token_file: text().optional(),
    token: secretText().optional(),
    token_file: text().optional(),
    chat_id: text().optional(),
    chat_id_file: text().optional(),
    chat: text().optional(),
    chat_file: text().optional(),
    message_thread_id: z
      .string()
      .regex(/^-?\d{1,15}$/, 'a whole number')
      .optional(),
    message: text().default('{{ template "telegram.default.message" . }}'),
    disable_notifications: bool().default(false),
    parse_mode: z.enum(['', 'HTML', 'Markdown', 'MarkdownV2']).default('HTML'),
  })
  .superRefine(needsOne(CHATS))
  .superRefine(needsOne(TOKENS))
  .superRefine(atMostOne(['bot_token', 'bot_token_file']));
type Entry = z.output<typeof schema>;

const MAX_TEXT = 4_096;
const MAX_CAPTION = 1_024;
const ESCAPES = { HTML: escapeHtml, Markdown: escapeOldMarkdown, MarkdownV2: escapeMarkdownV2 } as const;

interface Message extends Readonly<Record<string, unknown>> {
  readonly text: string;
  readonly parse_mode?: string;
}

const answering = (id: string): object => ({ message_id: Number(id), allow_sending_without_reply: true });

interface Answer {
  readonly result?: { readonly message_id?: unknown };
  readonly parameters?: { readonly retry_after?: unknown };
}

class Telegram extends EntryReceiver<Entry> {
  protected async deliver(notification: Notification, signal: AbortSignal): Promise<Delivery> {
    const { api_url: api, http_config: http } = this.entry;
    const body = await this.#message(notification);
    const token = await this.#first(
      [this.entry.bot_token, this.entry.bot_token_file],
      [this.entry.token, this.entry.token_file],
    );
    const base = `${api.replace(/\/+$/, '')}/bot${token}`;
    const picture = await pictureOf(notification);
    const { text: caption, ...rest } = body;
    // A longer text is a message of its own, and the picture answers it.
    const fits = caption.length <= MAX_CAPTION;
    if (picture !== undefined && fits) {
      const sent = await this.#photo(base, { ...rest, caption }, picture, signal);
      const delivery = deliveryOf(sent, notification);
      if (!refusedContent(delivery)) return delivery;
    }
    const url = `${base}/sendMessage`;
    const delivery = deliveryOf(await deliverJson(this.tools, { url, body, http }, signal), notification);
    if (picture === undefined || fits || delivery.kind === 'failed') return delivery;
    const id = delivery.memory?.['message'];
    const { parse_mode: _mode, ...place } = rest;
    const answer = id === undefined ? {} : { reply_parameters: answering(id) };
    await this.#photo(base, { ...place, ...answer }, picture, signal);
    return delivery;
  }

  #photo(
    base: string,
    fields: Readonly<Record<string, unknown>>,
    picture: Picture,
    signal: AbortSignal,
  ): Promise<HttpResult> {
    const texts = Object.entries(fields).map(([name, value]): [string, string] => [
      name,
      typeof value === 'string' ? value : JSON.stringify(value),
    ]);
    const form = pictureForm(Object.fromEntries(texts), 'photo', picture);
    const headers = { 'content-type': form.contentType };
    const { http_config: http } = this.entry;
    return deliverHttp(this.tools, { url: `${base}/sendPhoto`, headers, body: form.body, http }, signal);
  }

  async #first(...pairs: readonly (readonly [Entry['token'], string | undefined])[]): Promise<string> {
    for (const [given, file] of pairs) {
      const value = await secretOf(given, file, this.tools);
      if (value !== undefined) return oneLine(value);
    }
    return '';
  }

  async #message(notification: Notification): Promise<Message> {
    const { message_thread_id: thread, disable_notifications: isQuiet } = this.entry;
    const { chat_id: chatId, chat, chat_id_file: chatIdFile, chat_file: chatFile } = this.entry;
    const id = chatId ?? chat ?? (await this.#first([undefined, chatIdFile], [undefined, chatFile]));
    const first = notification.memory['message'];
    return {
      chat_id: /^-?\d{1,15}$/.test(id) ? Number(id) : id,
      ...(await this.#text(notification)),
      ...(thread === undefined ? {} : { message_thread_id: Number(thread) }),
      ...(isQuiet ? { disable_notification: true } : {}),
      ...(first === undefined ? {} : { reply_parameters: answering(first) }),
    };
  }

  /** A marked text that is too long cannot be cut, because half a mark is refused; it is sent without marks. */
  async #text(notification: Notification): Promise<Pick<Message, 'text' | 'parse_mode'>> {
    const { message, parse_mode: mode } = this.entry;
    if (mode !== '') {
      const text = await rendered(this.tools, message, escapedNotification(notification, ESCAPES[mode]));
      if (text.length <= MAX_TEXT) return { text, parse_mode: mode };
    }
    return { text: cut(await rendered(this.tools, message, notification), MAX_TEXT) };
  }
}

function deliveryOf({ delivery, answer }: HttpResult, { memory }: Notification): Delivery {
  const said = answerOf(answer);
  if (delivery.kind === 'failed') {
    const seconds = said.parameters?.retry_after;
    return typeof seconds === 'number' && seconds > 0
      ? { ...delivery, retryAfterMs: Math.min(seconds, 3_600) * 1_000 }
      : delivery;
  }
  const id = said.result?.message_id;
  const first = memory['message'] ?? (typeof id === 'number' ? String(id) : undefined);
  return first === undefined ? delivery : { kind: 'delivered', memory: { message: first } };
}

const answerOf = (answer: HttpResult['answer']): Answer => jsonOf(answer) ?? {};

export const telegram: ReceiverKind<Entry> = {
  name: 'telegram',
  key: 'telegram_configs',
  schema,
  inherits: {
    api_url: 'telegram_api_url',
    bot_token: 'telegram_bot_token',
    bot_token_file: 'telegram_bot_token_file',
  },
  alternatives: [TOKENS],
  create: (entry, tools) => new Telegram(entry, tools),
};
