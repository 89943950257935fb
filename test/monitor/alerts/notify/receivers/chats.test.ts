/** The receivers that write into a chat: Telegram, Discord and Teams. */
import { describe, expect, it } from 'vitest';
import type { Delivery, Notification } from '../../../../../src/monitor/alerts/notify/notification.ts';
import { discord } from '../../../../../src/monitor/alerts/notify/receivers/discord.ts';
import type { ReceiverKind } from '../../../../../src/monitor/alerts/notify/receivers/kind.ts';
import { cutJson } from '../../../../../src/monitor/alerts/notify/receivers/message/limits.ts';
import { msteams, msteamsv2 } from '../../../../../src/monitor/alerts/notify/receivers/msteams.ts';
import { telegram } from '../../../../../src/monitor/alerts/notify/receivers/telegram.ts';
import { overHttp, receiverSuite, SECRET } from '../../../../suites/receiver.ts';
import { httpService, type Behaviour, type HttpService } from '../../../../support/alerts/http-service.ts';
import { discordShape, formOf, teamsShape, telegramShape } from '../../../../support/alerts/service-shapes.ts';
import { notification, notifiedAlert, receiverTools } from '../../../../support/alerts/notifications.ts';

const TELEGRAM_OK = { kind: 'answer', status: 200, body: '{"ok":true,"result":{"message_id":7}}' } as const;
const LIMITS: [ReceiverKind<never>, number, typeof teamsShape][] = [
  [discord as ReceiverKind<never>, 16_384, discordShape],
  [msteamsv2 as ReceiverKind<never>, 28 * 1024, teamsShape],
  [msteams as ReceiverKind<never>, 28 * 1024, teamsShape],
];

receiverSuite({
  name: 'telegram',
  service: () => overHttp((body) => (JSON.parse(body) as { text: string }).text, TELEGRAM_OK, telegramShape),
  make: (service, tools) =>
    telegram.create(telegram.schema.parse({ api_url: service.http.url, bot_token: SECRET, chat_id: '-5' }), tools),
  maxBytes: 16_384,
});

for (const [kind, maxBytes, shape] of LIMITS) {
  receiverSuite({
    name: kind.name,
    service: () => overHttp((body) => body, { kind: 'answer', status: 200, body: '1' }, shape),
    make: (service, tools) =>
      kind.create(kind.schema.parse({ webhook_url: `${service.http.url}/hooks/${SECRET}` }), tools),
    maxBytes,
  });
}

interface Outcome {
  readonly delivery: Delivery;
  readonly path: string;
  readonly body: Record<string, unknown>;
}

async function send(
  kind: ReceiverKind<never>,
  more: Record<string, unknown> = {},
  about: Notification = notification(),
  ok?: Behaviour,
): Promise<Outcome> {
  await using service = await httpService(ok);
  const where =
    kind.name === 'telegram'
      ? { api_url: service.url, bot_token: SECRET, chat_id: '-5' }
      : { webhook_url: service.url };
  const receiver = kind.create(kind.schema.parse({ ...where, ...more }), receiverTools());
  const delivery = await receiver.send(about, new AbortController().signal);
  const [request] = service.requests;
  return { delivery, path: request?.path ?? '', body: JSON.parse(request?.body ?? '{}') as Outcome['body'] };
}

describe('telegram', () => {
  const kind = telegram as ReceiverKind<never>;

  it('sends a message as documented, and answers the first one later', async () => {
    const first = await send(kind, { message_thread_id: '3', disable_notifications: 'yes' }, undefined, TELEGRAM_OK);
    expect(first.path).toBe(`/bot${SECRET}/sendMessage`);
    expect(first.body).toMatchObject({
      chat_id: -5,
      message_thread_id: 3,
      disable_notification: true,
      parse_mode: 'HTML',
    });
    expect(first.body['text']).toContain('threshold &gt; 0.1');
    expect(first.delivery).toEqual({ kind: 'delivered', memory: { message: '7' } });
    const later = await send(kind, { chat_id: '@ops' }, notification({ memory: { message: '7' } }));
    expect(later.body).toMatchObject({
      chat_id: '@ops',
      reply_parameters: { message_id: 7, allow_sending_without_reply: true },
    });
  });

  it.each([
    ['HTML', '&lt;a_b&gt;*'],
    ['Markdown', String.raw`<a\_b>\*`],
    ['MarkdownV2', String.raw`<a\_b\>\*`],
    ['', '<a_b>*'],
  ])('escapes labels for the mode "%s"', async (mode, expected) => {
    const about = notification({ summary: '<a_b>*' });
    const { body } = await send(kind, { parse_mode: mode, message: '{{ .Summary }}' }, about);
    expect(body['text']).toBe(expected);
  });

  it('sends a text that is too long without marks, so that no mark is cut in half', async () => {
    const about = notification({ summary: '<'.repeat(4_000) });
    const { body } = await send(kind, { message: '<b>{{ .Summary }}</b>' }, about);
    expect(body['parse_mode']).toBeUndefined();
    expect(body['text']).toBe(`<b>${'<'.repeat(4_000)}</b>`);
  });

  it('waits as long as the answer says', async () => {
    const limit = { kind: 'answer', status: 429, body: '{"ok":false,"parameters":{"retry_after":9}}' } as const;
    expect((await send(kind, {}, undefined, limit)).delivery).toMatchObject({ retry: true, retryAfterMs: 9_000 });
  });
});

describe('discord', () => {
  const kind = discord as ReceiverKind<never>;

  it('sends an embed as documented', async () => {
    const { body } = await send(kind, { username: 'Watch', avatar_url: 'https://a/' });
    expect(Object.keys(body).toSorted()).toEqual(['allowed_mentions', 'avatar_url', 'embeds', 'username']);
    expect(body['embeds']).toMatchObject([{ title: '[FIRING:1] ErrorRate (checkout critical)', color: 0x992d22 }]);
    const resolved = await send(kind, {}, notification({ alerts: [notifiedAlert({ status: 'resolved' })] }));
    expect(resolved.body['embeds']).toMatchObject([{ color: 0x2ecc71 }]);
  });

  it('calls only the people that the configuration names', async () => {
    const about = notification({ summary: '@everyone <@99> [x](https://evil)' });
    const none = await send(kind, { content: '{{ .Summary }}', message: '{{ .Summary }}' }, about);
    expect(none.body['allowed_mentions']).toEqual({ parse: [], users: [], roles: [] });
    expect(none.body['embeds']).toMatchObject([{ description: String.raw`@everyone <@99> \[x\](https://evil)` }]);
    const named = await send(kind, { content: '<@1> <@&2> @here' }, about);
    expect(named.body['allowed_mentions']).toEqual({ parse: ['everyone'], users: ['1'], roles: ['2'] });
  });

  it('keeps the limits of title, description and content', async () => {
    const about = notification({ summary: 'x'.repeat(9_000) });
    const all = { title: '{{ .Summary }}', message: '{{ .Summary }}', content: '{{ .Summary }}' };
    const { body } = await send(kind, all, about);
    const [embed] = body['embeds'] as { title: string; description: string }[];
    expect([embed?.title.length, embed?.description.length, String(body['content']).length]).toEqual([
      256, 4_096, 2_000,
    ]);
  });
});

const PICTURE = { picture: () => Promise.resolve({ png: Buffer.from('PNGPNG'), alt: 'Chart of ErrorRate' }) };

async function sentWith(
  kind: ReceiverKind<never>,
  about: Notification,
  behave: (at: number) => Behaviour,
  more: Record<string, unknown> = {},
): Promise<{ readonly delivery: Delivery; readonly requests: HttpService['requests'] }> {
  await using service = await httpService();
  const where =
    kind.name === 'telegram'
      ? { api_url: service.url, bot_token: SECRET, chat_id: '-5' }
      : { webhook_url: service.url };
  const tools = receiverTools();
  let at = 0;
  const request: typeof tools.request = (one) => {
    service.behave(behave(at));
    at += 1;
    return tools.request(one);
  };
  const receiver = kind.create(kind.schema.parse({ ...where, ...more }), { ...tools, request });
  const delivery = await receiver.send(about, new AbortController().signal);
  return { delivery, requests: [...service.requests] };
}

describe('pictures in chats', () => {
  const okay = (): Behaviour => TELEGRAM_OK;
  const refusedFirst = (at: number): Behaviour =>
    at === 0 ? { kind: 'answer', status: 400, body: '{}' } : TELEGRAM_OK;

  it('are the image of the embed in Discord', async () => {
    const { delivery, requests } = await sentWith(discord as ReceiverKind<never>, notification(PICTURE), okay);
    expect(delivery.kind).toBe('delivered');
    requests.forEach(discordShape);
    const [request] = requests;
    expect(formOf(request)?.get('files[0]')).toBe('PNGPNG');
    expect(request?.body).toContain('attachment://chart.png');
    expect(requests).toHaveLength(1);
  });

  it('are the photo of a message in Telegram, with the text as its caption', async () => {
    const kind = telegram as ReceiverKind<never>;
    const { delivery, requests } = await sentWith(kind, notification(PICTURE), okay);
    expect(delivery).toEqual({ kind: 'delivered', memory: { message: '7' } });
    requests.forEach(telegramShape);
    expect(requests.map(({ path }) => path)).toEqual([`/bot${SECRET}/sendPhoto`]);
    const form = formOf(requests[0]);
    expect(form?.get('photo')).toBe('PNGPNG');
    expect(form?.get('caption')).toContain('checkout fails 12 %');
  });

  it('answer a message in Telegram whose text is too long for a caption', async () => {
    const kind = telegram as ReceiverKind<never>;
    const about = notification({ ...PICTURE, summary: 'x'.repeat(2_000) });
    const { delivery, requests } = await sentWith(kind, about, okay);
    expect(delivery).toEqual({ kind: 'delivered', memory: { message: '7' } });
    requests.forEach(telegramShape);
    expect(requests.map(({ path }) => path)).toEqual([`/bot${SECRET}/sendMessage`, `/bot${SECRET}/sendPhoto`]);
    expect(formOf(requests[1])?.get('reply_parameters')).toContain('"message_id":7');
  });

  it.each([discord, telegram])('never cost the message: $name refuses the picture', async (given) => {
    const kind = given as ReceiverKind<never>;
    const { delivery, requests } = await sentWith(kind, notification(PICTURE), refusedFirst);
    expect(delivery.kind).toBe('delivered');
    expect(requests).toHaveLength(2);
    expect(requests[1]?.headers['content-type']).toContain('json');
  });

  it.each([discord, telegram])('do not hide that $name is down', async (given) => {
    const kind = given as ReceiverKind<never>;
    const { delivery, requests } = await sentWith(kind, notification(PICTURE), () => ({ kind: 'answer', status: 503 }));
    expect(delivery).toMatchObject({ kind: 'failed', retry: true });
    expect(requests).toHaveLength(1);
  });
});

describe('teams', () => {
  it('sends an adaptive card to a workflow', async () => {
    const { body } = await send(msteamsv2 as ReceiverKind<never>);
    expect(body).toMatchObject({
      type: 'message',
      attachments: [
        {
          contentType: 'application/vnd.microsoft.card.adaptive',
          contentUrl: null,
          content: {
            type: 'AdaptiveCard',
            version: '1.2',
            body: [
              { type: 'TextBlock', text: '[FIRING:1] ErrorRate (checkout critical)', color: 'Attention' },
              { type: 'TextBlock', wrap: true },
            ],
            actions: [{ type: 'Action.OpenUrl', title: 'Page' }, { title: 'Silence' }, { title: 'Runbook' }],
          },
        },
      ],
    });
  });

  it('sends a message card to an older connector, and reads its refusals', async () => {
    const kind = msteams as ReceiverKind<never>;
    const { body } = await send(kind, { summary: 's' });
    expect(body).toMatchObject({ '@type': 'MessageCard', summary: 's', themeColor: '8C1A1A' });
    const said = (code: number): Behaviour => ({
      kind: 'answer',
      status: 200,
      body: `Webhook message delivery failed with error: Microsoft Teams endpoint returned HTTP error ${code} with x`,
    });
    const refused = async (code: number): Promise<Delivery> => (await send(kind, {}, undefined, said(code))).delivery;
    expect(await refused(429)).toMatchObject({ kind: 'failed', retry: true, reason: 'rateLimited' });
    expect(await refused(502)).toMatchObject({ kind: 'failed', retry: true, reason: 'serverError' });
    expect(await refused(413)).toMatchObject({ kind: 'failed', retry: false, reason: 'clientError' });
  });
});

it('cuts a text to its size in JSON', () => {
  expect(cutJson('short', 100)).toBe('short');
  const cutText = cutJson('\n"'.repeat(1_000), 1_000);
  expect(Buffer.byteLength(JSON.stringify(cutText))).toBeLessThanOrEqual(1_000);
  expect(cutText.length).toBeGreaterThan(300);
});
