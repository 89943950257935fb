/**
 * Slack, by the URL of an incoming webhook or by the API with the token of a bot (docs.slack.dev). Messages of the API are
 * updated when all their alerts are resolved, and with `update_message: true` at every change of the group. A message is made of
 * blocks, unless the entry writes fields of the older attachments, as files of Alertmanager do.
 */
import { z } from 'zod';
import type { Delivery, Notification } from '../notification.ts';
import { EntryReceiver } from './entry-receiver.ts';
import { escapedNotification, escapeSlack } from './message/escaped.ts';
import { atMostOne, bool, goDuration, needsOne, plainUrl, secretText, secretUrl, text, textList } from './fields.ts';
import { httpConfig, secretOf } from './http-config.ts';
import { deliverHttp, jsonOf, type HttpResult } from './http-delivery.ts';
import type { ReceiverKind } from './kind.ts';
import { cut, oneLine, withoutEmpty } from './message/limits.ts';
import { rendered } from './message/rendering.ts';
import { blocksOf } from './slack-blocks.ts';
import { sendChart } from './slack-chart.ts';

const ADDRESSES = ['api_url', 'api_url_file', 'app_token', 'app_token_file'];

const fieldSchema = z.strictObject({ title: text(), value: text(), short: bool().optional() });

const schema = z
  .strictObject({
    send_resolved: bool().default(false),
    http_config: httpConfig.default({}),
    api_url: secretUrl().optional(),
    api_url_file: text().optional(),
    app_token: secretText().optional(),
    app_token_file: text().optional(),
    app_url: plainUrl().default('https://slack.com/api/chat.postMessage'),
    channel: text().default(''),
    username: text().default('{{ template "slack.default.username" . }}'),
    color: text().default('{{ template "slack.default.color" . }}'),
    title: text().default('{{ template "slack.default.title" . }}'),
    title_link: text().default('{{ template "slack.default.titlelink" . }}'),
    pretext: text().default('{{ template "slack.default.pretext" . }}'),
    text: text().default('{{ template "slack.default.text" . }}'),
    message_text: text().default(''),
    fields: z.array(fieldSchema).default([]),
    short_fields: bool().default(false),
    footer: text().default('{{ template "slack.default.footer" . }}'),
    fallback: text().default('{{ template "slack.default.fallback" . }}'),
    callback_id: text().default('{{ template "slack.default.callbackid" . }}'),
    icon_emoji: text().default('{{ template "slack.default.iconemoji" . }}'),
    icon_url: text().default('{{ template "slack.default.iconurl" . }}'),
    image_url: text().default(''),
    thumb_url: text().default(''),
    link_names: bool().default(false),
    mrkdwn_in: textList().default(['fallback', 'pretext', 'text']),
    actions: z.unknown().optional(),
    update_message: bool().optional(),
    timeout: goDuration().default(0),
  })
  .superRefine(needsOne(ADDRESSES))
  .superRefine(atMostOne(['api_url', 'api_url_file']))
  .superRefine(atMostOne(['app_token', 'app_token_file']));
type Entry = z.output<typeof schema>;

/** Slack's own limits are 40,000 characters for a text and 100 attachments; longer texts are hidden behind "Show more". */
const MAX_TITLE = 1_024;
const MAX_TEXT = 8_000;
const MAX_FIELD = 2_000;
const MAX_FIELDS = 20;

const AUTH_ERRORS = new Set(['invalid_auth', 'not_authed', 'account_inactive', 'token_revoked', 'token_expired']);
const PASSING_ERRORS = new Set([
  'ratelimited',
  'rate_limited',
  'internal_error',
  'fatal_error',
  'service_unavailable',
  'request_timeout',
]);
/** Of an update: the message is gone or too old, so a new one is sent. */
const GONE = new Set(['message_not_found', 'cant_update_message', 'edit_window_closed', 'channel_not_found']);

interface Answer {
  readonly ok?: unknown;
  readonly error?: unknown;
  readonly ts?: unknown;
  readonly channel?: unknown;
}

/** Fields of the older attachments, which cannot stand beside blocks. An entry that writes none of them gets blocks. */
const OLD_FIELDS = ['title_link', 'pretext', 'text', 'footer', 'callback_id', 'image_url', 'thumb_url'] as const;
const PLAIN = schema.parse({ api_url: 'http://localhost/' });

const usesBlocks = (entry: Entry): boolean =>
  entry.fields.length === 0 && OLD_FIELDS.every((name) => entry[name] === PLAIN[name]);

class Slack extends EntryReceiver<Entry> {
  protected async deliver(notification: Notification, signal: AbortSignal): Promise<Delivery> {
    const { app_token: token, app_token_file: tokenFile, api_url: url, api_url_file: urlFile } = this.entry;
    const message = await this.#message(notification);
    const bearer = await secretOf(token, tokenFile, this.tools);
    if (bearer !== undefined) return await this.#byApi(message, bearer, notification, signal);
    const webhook = (await secretOf(url, urlFile, this.tools)) ?? '';
    const { delivery, answer } = await this.#post(webhook, message, {}, signal);
    if (delivery.kind === 'failed') return delivery;
    const said = answerOf(answer);
    return said?.ok === false ? refused(said) : delivery;
  }

  async #byApi(
    message: Record<string, unknown>,
    token: string,
    notification: Notification,
    signal: AbortSignal,
  ): Promise<Delivery> {
    const { memory, status } = notification;
    const { app_url: url, update_message: update } = this.entry;
    const headers = { authorization: `Bearer ${oneLine(token)}` };
    const { ts, channel } = memory;
    const isUpdate = ts !== undefined && channel !== undefined && (update ?? status === 'resolved');
    if (isUpdate) {
      const updateUrl = url.replace(/chat\.postMessage$/, 'chat.update');
      const result = await this.#post(updateUrl, { ...message, channel, ts }, headers, signal);
      const error = answerOf(result.answer)?.error;
      if (!(typeof error === 'string' && GONE.has(error))) return apiDelivery(result);
    }
    const delivery = apiDelivery(await this.#post(url, message, headers, signal));
    if (delivery.kind === 'delivered' && delivery.memory !== undefined)
      await sendChart(
        this.tools,
        { url, token: oneLine(token), http: this.entry.http_config },
        notification,
        delivery.memory,
        signal,
      );
    return delivery;
  }

  #post(
    url: string,
    body: Record<string, unknown>,
    headers: Record<string, string>,
    signal: AbortSignal,
  ): Promise<HttpResult> {
    const { http_config: http, timeout: timeoutMs } = this.entry;
    const all = { ...headers, 'content-type': 'application/json; charset=utf-8' };
    return deliverHttp(this.tools, { url, headers: all, body: JSON.stringify(body), http, timeoutMs }, signal);
  }

  async #message(notification: Notification): Promise<Record<string, unknown>> {
    const entry = this.entry;
    const escaped = escapedNotification(notification, escapeSlack);
    const plain = async (template: string, length = MAX_TITLE): Promise<string> =>
      cut(oneLine(await rendered(this.tools, template, notification)), length);
    const marked = async (template: string, length = MAX_TEXT): Promise<string> =>
      cut(await rendered(this.tools, template, escaped), length);
    const fields = entry.fields.slice(0, MAX_FIELDS).map(async ({ title, value, short }) => ({
      title: await marked(title, MAX_TITLE),
      value: await marked(value, MAX_FIELD),
      short: short ?? entry.short_fields,
    }));
    const head = {
      ...withoutEmpty({
        channel: await plain(entry.channel),
        username: await plain(entry.username, 80),
        icon_emoji: await plain(entry.icon_emoji),
        icon_url: await plain(entry.icon_url),
        text: await marked(entry.message_text),
      }),
      ...(entry.link_names ? { link_names: true } : {}),
    };
    const title = oneLine(await marked(entry.title, MAX_TITLE));
    if (usesBlocks(entry)) {
      const fallback = await marked(entry.fallback, MAX_TITLE);
      const color = await plain(entry.color);
      return { ...head, attachments: [withoutEmpty({ color, fallback, blocks: blocksOf(notification, title) })] };
    }
    const attachment = withoutEmpty({
      title,
      title_link: await plain(entry.title_link),
      pretext: await marked(entry.pretext),
      text: await marked(entry.text),
      fallback: await marked(entry.fallback, MAX_TITLE),
      callback_id: await plain(entry.callback_id),
      image_url: await plain(entry.image_url),
      thumb_url: await plain(entry.thumb_url),
      footer: await marked(entry.footer, MAX_TITLE),
      color: await plain(entry.color),
      mrkdwn_in: entry.mrkdwn_in,
    });
    const listed = await Promise.all(fields);
    return { ...head, attachments: [listed.length === 0 ? attachment : { ...attachment, fields: listed }] };
  }
}

const answerOf = (answer: HttpResult['answer']): Answer | undefined => jsonOf(answer);

/** The API answers 200 with `ok: false` when it refuses. */
function apiDelivery({ delivery, answer }: HttpResult): Delivery {
  if (delivery.kind === 'failed') return delivery;
  const said = answerOf(answer);
  if (said === undefined) {
    return { kind: 'failed', reason: 'other', retry: true, message: 'The answer of Slack is not JSON.' };
  }
  if (said.ok !== true) return refused(said);
  const { ts, channel } = said;
  return typeof ts === 'string' && typeof channel === 'string'
    ? { kind: 'delivered', memory: { ts, channel } }
    : { kind: 'delivered' };
}

function refused({ error }: Answer): Delivery {
  // Slack's errors are words; anything else is not shown, because it may repeat the request.
  const word = typeof error === 'string' && /^[a-z_]{1,40}$/.test(error) ? error : 'unknown_error';
  if (AUTH_ERRORS.has(word)) {
    return { kind: 'failed', reason: 'authError', retry: false, message: `Slack refuses the token: ${word}.` };
  }
  const isLimit = word === 'ratelimited' || word === 'rate_limited';
  const retry = PASSING_ERRORS.has(word);
  const other = retry ? 'serverError' : 'clientError';
  return { kind: 'failed', reason: isLimit ? 'rateLimited' : other, retry, message: `Slack answered ${word}.` };
}

export const slack: ReceiverKind<Entry> = {
  name: 'slack',
  key: 'slack_configs',
  schema,
  inherits: {
    api_url: 'slack_api_url',
    api_url_file: 'slack_api_url_file',
    app_token: 'slack_app_token',
    app_token_file: 'slack_app_token_file',
    app_url: 'slack_app_url',
  },
  alternatives: [ADDRESSES],
  unused: ['actions'],
  create: (entry, tools) => new Slack(entry, tools),
};
