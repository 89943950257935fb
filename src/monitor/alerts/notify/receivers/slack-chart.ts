/**
 * The chart of a Slack message, by the API alone: a file in the thread of the message
 * (docs.slack.dev/messaging/working-with-files). The message is there already, so a chart that cannot be sent is noted and no
 * failure; an incoming webhook takes no files, and its message links to the page.
 */
import type { Notification, Picture, Texts } from '../notification.ts';
import type { HttpConfig } from './http-config.ts';
import { deliverHttp, deliverJson, jsonOf } from './http-delivery.ts';
import type { ReceiverTools } from './kind.ts';
import { cut } from './message/limits.ts';
import { pictureOf } from './message/picture-parts.ts';

const TIMEOUT_MS = 5_000;

export interface SlackApi {
  /** `https://slack.com/api/chat.postMessage`. */
  readonly url: string;
  readonly token: string;
  readonly http: HttpConfig;
}

const methodUrl = ({ url }: SlackApi, method: string): string => url.replace(/chat\.postMessage$/, method);

export async function sendChart(
  tools: ReceiverTools,
  api: SlackApi,
  notification: Notification,
  { channel, ts }: Texts,
  signal: AbortSignal,
): Promise<void> {
  if (!api.url.endsWith('chat.postMessage') || channel === undefined || ts === undefined) return;
  const picture = await pictureOf(notification);
  if (picture === undefined) return;
  const limit = AbortSignal.any([signal, AbortSignal.timeout(TIMEOUT_MS)]);
  const failed = await uploaded(tools, api, picture, { channel, ts }, limit);
  if (failed !== undefined) tools.logger.warn({ step: failed }, 'Slack took the message and not its chart');
}

/** The step that failed, or undefined. */
async function uploaded(
  tools: ReceiverTools,
  api: SlackApi,
  { png, alt }: Picture,
  { channel, ts }: { readonly channel: string; readonly ts: string },
  signal: AbortSignal,
): Promise<string | undefined> {
  const headers = { authorization: `Bearer ${api.token}` };
  const form = new URLSearchParams({ filename: 'chart.png', length: String(png.length), alt_txt: cut(alt, 1_000) });
  const asked = await deliverHttp(
    tools,
    {
      url: methodUrl(api, 'files.getUploadURLExternal'),
      headers: { ...headers, 'content-type': 'application/x-www-form-urlencoded' },
      body: form.toString(),
      http: api.http,
    },
    signal,
  );
  const place: { readonly upload_url?: unknown; readonly file_id?: unknown } | undefined = jsonOf(asked.answer);
  const { upload_url: url, file_id: id } = place ?? {};
  if (typeof url !== 'string' || typeof id !== 'string') return 'files.getUploadURLExternal';
  // The address is a secret of its own, and the token is not for it.
  const sent = await deliverHttp(tools, { url, headers: { 'content-type': 'image/png' }, body: png, http: {} }, signal);
  if (sent.delivery.kind === 'failed') return 'upload';
  const done = await deliverJson(
    tools,
    {
      url: methodUrl(api, 'files.completeUploadExternal'),
      headers,
      body: { files: [{ id, title: cut(alt, 200) }], channel_id: channel, thread_ts: ts },
      http: api.http,
    },
    signal,
  );
  const said: { readonly ok?: unknown } | undefined = jsonOf(done.answer);
  return said?.ok === true ? undefined : 'files.completeUploadExternal';
}
