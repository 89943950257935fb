/**
 * What the documentation of each service says of a message: its fields, their types, and the limits of their sizes. A request
 * with a field too many, or one that is too long, throws.
 */
import { z } from 'zod';
import type { RecordedRequest } from './http-service.ts';

const text = (max: number): z.ZodString => z.string().min(1).max(max);
const url = (max = 3_000): z.ZodString =>
  z
    .string()
    .regex(/^https?:\/\//)
    .max(max);
const json = (request: RecordedRequest): unknown => {
  if (request.headers['content-type']?.startsWith('application/json') !== true) throw new Error('is not sent as JSON');
  return JSON.parse(request.body) as unknown;
};

/** docs.slack.dev/reference/block-kit/blocks */
const marked = (max: number): z.ZodType => z.strictObject({ type: z.literal('mrkdwn'), text: text(max) });
const button = z.strictObject({
  type: z.literal('button'),
  text: z.strictObject({ type: z.literal('plain_text'), text: text(75) }),
  url: url(),
  action_id: text(255),
});
const block = z.union([
  z.strictObject({ type: z.literal('section'), text: marked(3_000) }),
  z.strictObject({ type: z.literal('section'), fields: z.array(marked(2_000)).min(1).max(10) }),
  z.strictObject({ type: z.literal('context'), elements: z.array(marked(3_000)).min(1).max(10) }),
  z.strictObject({ type: z.literal('actions'), elements: z.array(button).min(1).max(25) }),
]);
/** docs.slack.dev/legacy/legacy-messaging/legacy-secondary-message-attachments: blocks stand beside colour and fallback only. */
const colour = z.string().regex(/^(?:good|warning|danger|#[0-9a-f]{6})$/i);
const attachment = z.union([
  z.strictObject({ color: colour.optional(), fallback: text(4_000).optional(), blocks: z.array(block).min(1).max(50) }),
  z.strictObject({
    color: colour.optional(),
    fallback: text(4_000).optional(),
    title: text(4_000).optional(),
    title_link: url().optional(),
    pretext: text(8_000).optional(),
    text: text(8_000).optional(),
    callback_id: text(255).optional(),
    image_url: url().optional(),
    thumb_url: url().optional(),
    footer: text(4_000).optional(),
    mrkdwn_in: z.array(z.enum(['text', 'pretext', 'fields', 'fallback'])),
    fields: z.array(z.strictObject({ title: z.string(), value: z.string(), short: z.boolean() })).optional(),
  }),
]);
const slackMessage = z.strictObject({
  channel: text(255).optional(),
  ts: z
    .string()
    .regex(/^[\d.]+$/)
    .optional(),
  username: text(80).optional(),
  icon_emoji: text(255).optional(),
  icon_url: url().optional(),
  text: text(40_000).optional(),
  link_names: z.boolean().optional(),
  attachments: z.array(attachment).min(1).max(100),
});
const slackFile = z.strictObject({
  files: z.array(z.strictObject({ id: text(100), title: text(255) })).length(1),
  channel_id: text(255),
  thread_ts: z.string(),
});

export function slackShape(request: RecordedRequest): void {
  if (request.path.endsWith('files.getUploadURLExternal')) {
    const form = Object.fromEntries(new URLSearchParams(request.body));
    z.strictObject({ filename: text(255), length: z.string().regex(/^\d+$/), alt_txt: text(1_000) }).parse(form);
  } else if (request.path.endsWith('files.completeUploadExternal')) slackFile.parse(json(request));
  else if (request.headers['content-type'] !== 'image/png') slackMessage.parse(json(request));
}

/** discord.com/developers/docs/resources/webhook#execute-webhook, .../message#embed-object-embed-limits */
const discordMessage = z
  .strictObject({
    content: text(2_000).optional(),
    username: text(80).optional(),
    avatar_url: url(2_048).optional(),
    embeds: z
      .array(
        z.strictObject({
          title: text(256),
          description: text(4_096),
          color: z.int().min(0).max(0xffffff),
          url: url(2_048),
          image: z.strictObject({ url: z.literal('attachment://chart.png') }).optional(),
        }),
      )
      .max(10),
    attachments: z
      .array(z.strictObject({ id: z.literal(0), filename: z.literal('chart.png'), description: text(1_024) }))
      .optional(),
    allowed_mentions: z.strictObject({
      parse: z.array(z.enum(['everyone', 'users', 'roles'])),
      users: z.array(z.string()).max(100),
      roles: z.array(z.string()).max(100),
    }),
  })
  // The texts of all embeds together.
  .refine(({ embeds }) => embeds.reduce((sum, one) => sum + one.title.length + one.description.length, 0) <= 6_000);

export function discordShape(request: RecordedRequest): void {
  const form = formOf(request);
  discordMessage.parse(form === undefined ? json(request) : (JSON.parse(form.get('payload_json') ?? '') as unknown));
  if (form !== undefined && (!form.has('files[0]') || form.size !== 2)) throw new Error('another part than documented');
}

/** core.telegram.org/bots/api#sendmessage, #sendphoto */
const telegramPlace = {
  chat_id: z.union([z.int(), z.string().regex(/^@\w+$/)]),
  message_thread_id: z.int().optional(),
  disable_notification: z.boolean().optional(),
  reply_parameters: z.strictObject({ message_id: z.int(), allow_sending_without_reply: z.boolean() }).optional(),
  parse_mode: z.enum(['HTML', 'Markdown', 'MarkdownV2']).optional(),
};
const telegramMessage = z.strictObject({ ...telegramPlace, text: text(4_096) });
const telegramPhoto = z.strictObject({ ...telegramPlace, photo: z.string(), caption: text(1_024).optional() });

export function telegramShape(request: RecordedRequest): void {
  const form = formOf(request);
  if (!request.path.endsWith('/sendPhoto') || form === undefined) {
    telegramMessage.parse(json(request));
    return;
  }
  const fields = [...form].map(([name, value]): [string, unknown] => [
    name,
    /^(?:chat_id|message_thread_id|disable_notification|reply_parameters)$/.test(name) && /^[-\d{tf]/.test(value)
      ? (JSON.parse(value) as unknown)
      : value,
  ]);
  telegramPhoto.parse(Object.fromEntries(fields));
}

/** learn.microsoft.com/microsoftteams/platform/webhooks-and-connectors/how-to/connectors-using: 28 KB a message. */
const cardText = z.strictObject({
  type: z.literal('TextBlock'),
  text: text(28 * 1_024),
  wrap: z.boolean(),
  weight: z.enum(['Lighter', 'Default', 'Bolder']).optional(),
  size: z.enum(['Small', 'Default', 'Medium', 'Large', 'ExtraLarge']).optional(),
  style: z.enum(['default', 'heading']).optional(),
  color: z.enum(['Default', 'Dark', 'Light', 'Accent', 'Good', 'Warning', 'Attention']).optional(),
});
const adaptive = z.strictObject({
  type: z.literal('message'),
  attachments: z
    .array(
      z.strictObject({
        contentType: z.literal('application/vnd.microsoft.card.adaptive'),
        contentUrl: z.null(),
        content: z.strictObject({
          $schema: url(),
          type: z.literal('AdaptiveCard'),
          version: z.string().regex(/^1\.\d$/),
          body: z.array(cardText).min(1),
          // Teams shows six.
          actions: z.array(z.strictObject({ type: z.literal('Action.OpenUrl'), title: text(256), url: url() })).max(6),
          msteams: z.strictObject({ width: z.literal('full') }),
        }),
      }),
    )
    .length(1),
});
const card = z.strictObject({
  '@context': url(),
  '@type': z.literal('MessageCard'),
  title: z.string().max(256),
  summary: text(256),
  text: text(28 * 1_024),
  themeColor: z.string().regex(/^[0-9A-F]{6}$/),
  potentialAction: z
    .array(
      z.strictObject({
        '@type': z.literal('OpenUri'),
        name: text(256),
        targets: z.array(z.strictObject({ os: z.literal('default'), uri: url() })).length(1),
      }),
    )
    .max(4),
});

export function teamsShape(request: RecordedRequest): void {
  if (Buffer.byteLength(request.body) > 28 * 1_024) throw new Error('larger than 28 KB');
  z.union([adaptive, card]).parse(json(request));
}

/** developer.pagerduty.com/docs/send-alert-event */
const pagerDutyEvent = z.strictObject({
  routing_key: text(64),
  event_action: z.enum(['trigger', 'acknowledge', 'resolve']),
  dedup_key: text(255),
  client: z.string().optional(),
  client_url: z.string().optional(),
  payload: z.strictObject({
    summary: text(1_024),
    source: text(1_024),
    severity: z.enum(['critical', 'error', 'warning', 'info']),
    timestamp: z.iso.datetime(),
    class: text(1_024).optional(),
    component: text(1_024).optional(),
    group: text(1_024).optional(),
    custom_details: z.record(z.string(), z.string()),
  }),
  links: z.array(z.strictObject({ href: url(), text: z.string() })),
  images: z.array(z.strictObject({ src: url(), href: url().optional(), alt: z.string().optional() })),
});

export function pagerDutyShape(request: RecordedRequest): void {
  if (Buffer.byteLength(request.body) > 512 * 1_024) throw new Error('larger than 512 KB');
  pagerDutyEvent.parse(json(request));
}

/** twilio.com/docs/messaging/api/message-resource#create-a-message-resource */
const sms = z.strictObject({
  From: z.union([z.string().regex(/^\+[1-9]\d{4,14}$/), z.string().regex(/^[A-Za-z0-9 ]{1,11}$/)]),
  To: z.string().regex(/^\+[1-9]\d{4,14}$/),
  Body: text(1_600),
});

export function smsShape(request: RecordedRequest): void {
  if (request.headers['content-type'] !== 'application/x-www-form-urlencoded') throw new Error('is no form');
  sms.parse(Object.fromEntries(new URLSearchParams(request.body)));
}

/** docs.ntfy.sh/publish/#publish-as-json */
const ntfyMessage = z.strictObject({
  topic: z.string().regex(/^[-_A-Za-z0-9]{1,64}$/),
  title: text(250),
  message: z.string().refine((message) => Buffer.byteLength(message) <= 4_096),
  priority: z.int().min(1).max(5),
  tags: z.array(z.string()),
  click: url(),
  actions: z.array(z.strictObject({ action: z.literal('view'), label: text(100), url: url() })).max(3),
});

export function ntfyShape(request: RecordedRequest): void {
  if (request.method === 'POST') {
    ntfyMessage.parse(json(request));
    return;
  }
  const { pathname, searchParams: given } = new URL(request.path, 'http://ntfy');
  const { filename, tags, priority, actions, ...rest } = Object.fromEntries(given);
  if (filename !== 'chart.png') throw new Error('the file has another name');
  ntfyMessage.parse({
    ...rest,
    topic: pathname.slice(1),
    tags: (tags ?? '').split(','),
    priority: Number(priority),
    actions: JSON.parse(actions ?? '') as unknown,
  });
}

/** The parts of a form by their names; undefined for any other body. */
export function formOf({ headers, body }: RecordedRequest): Map<string, string> | undefined {
  const boundary = /^multipart\/form-data; boundary=(.+)$/.exec(headers['content-type'] ?? '')?.[1];
  if (boundary === undefined) return undefined;
  const parts = body.split(`--${boundary}`).slice(1, -1);
  return new Map(
    parts.map((part) => {
      const end = part.indexOf('\r\n\r\n');
      return [/ name="([^"]*)"/.exec(part.slice(0, end))?.[1] ?? '', part.slice(end + 4, -2)];
    }),
  );
}
