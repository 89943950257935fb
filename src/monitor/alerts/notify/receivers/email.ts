/**
 * E-mail by SMTP: TLS, authentication, a text and an HTML part, the chart as a picture inside, and all messages of one incident
 * in one thread. Nothing that a label holds can become a header or a second recipient.
 */
import { randomUUID } from 'node:crypto';
import { z } from 'zod';
import type { Delivery, Notification, Picture } from '../notification.ts';
import { EntryReceiver } from './entry-receiver.ts';
import { escapeHtml } from '../../../../model/text/html.ts';
import { escapedNotification } from './message/escaped.ts';
import { atMostOne, bool, needsOne, secretText, text, textMap } from './fields.ts';
import { secretOf, tlsConfig, tlsOf } from './http-config.ts';
import type { ReceiverKind } from './kind.ts';
import { cut, oneLine } from './message/limits.ts';
import { mailFailure } from './mail-failure.ts';
import { pictureOf } from './message/picture-parts.ts';
import { rendered } from './message/rendering.ts';

const HEADER_NAME = /^[!-9;-~]+$/;
/** They belong to the receiver: a thread, a part or a recipient would be lost. */
const OWN_HEADERS = /^(?:subject|to|from|content-.*|mime-version|message-id|in-reply-to|references|bcc|cc|date)$/i;

const headers = textMap().superRefine((all, context) => {
  const seen = new Set<string>();
  for (const name of Object.keys(all)) {
    const lower = name.toLowerCase();
    const taken = seen.has(lower) ? 'stands twice' : undefined;
    const wrong = HEADER_NAME.test(name) ? taken : 'is not the name of a header';
    if (wrong !== undefined) {
      context.addIssue({ code: 'custom', params: { sentence: true }, path: [name], message: `"${name}" ${wrong}` });
    }
    seen.add(lower);
  }
});

const schema = z
  .strictObject({
    send_resolved: bool().default(false),
    to: text().optional(),
    from: text().optional(),
    hello: text().default('localhost'),
    smarthost: z
      .string()
      .regex(/^.*:\d{1,5}$/, 'an address like "mail.example.org:587"')
      .optional(),
    auth_username: text().default(''),
    auth_password: secretText().optional(),
    auth_password_file: text().optional(),
    auth_secret: secretText().optional(),
    auth_secret_file: text().optional(),
    auth_identity: text().optional(),
    headers: headers.default({}),
    html: text().default('{{ template "email.default.html" . }}'),
    text: text().default('{{ template "email.default.text" . }}'),
    require_tls: bool().default(true),
    tls_config: tlsConfig.optional(),
    force_implicit_tls: bool().optional(),
    threading: z
      .strictObject({ enabled: bool().default(true), thread_by_date: text().optional() })
      .default({ enabled: true }),
  })
  .superRefine(needsOne(['to']))
  .superRefine(needsOne(['smarthost']))
  .superRefine(needsOne(['from']))
  .superRefine(atMostOne(['auth_password', 'auth_password_file']))
  .superRefine(atMostOne(['auth_secret', 'auth_secret_file']));
type Entry = z.output<typeof schema>;

const TIMEOUT_MS = 20_000;
const MAX_BODY = 256 * 1024;
const MAX_HEADER = 900;
const IMPLICIT_TLS_PORT = 465;
const LOCAL = new Set(['localhost', '127.0.0.1', '::1']);
const CHART = 'chart@vitrine';

interface Mail {
  readonly from: string;
  readonly to: string;
  readonly subject: string;
  readonly messageId: string;
  readonly inReplyTo?: string | undefined;
  readonly references?: string | undefined;
  readonly headers: Record<string, string>;
  readonly text?: string | undefined;
  readonly html?: string | undefined;
  readonly textEncoding: 'base64';
  readonly attachments: { filename: string; content: Buffer; cid: string; contentType: string }[];
}

interface Server {
  readonly host: string;
  readonly port: number;
}

function serverOf(smarthost: string): Server {
  const at = smarthost.lastIndexOf(':');
  return { host: smarthost.slice(0, at).replaceAll(/^\[|\]$/g, ''), port: Number(smarthost.slice(at + 1)) };
}

/** A label can name a recipient, but not more than one. */
const oneAddress = (value: string): string => oneLine(value).replaceAll(/[,;:<>()[\]"\\\s]/g, '');

class Email extends EntryReceiver<Entry> {
  protected async deliver(notification: Notification, signal: AbortSignal): Promise<Delivery> {
    const mail = await this.#mail(notification);
    await this.#transfer(mail, signal);
    if (!this.entry.threading.enabled) return { kind: 'delivered' };
    return { kind: 'delivered', memory: { root: notification.memory['root'] ?? mail.messageId } };
  }

  protected override failure(error: unknown, signal: AbortSignal): Delivery {
    return mailFailure(error, this.entry.smarthost ?? '', signal);
  }

  async #transfer(mail: Mail, signal: AbortSignal): Promise<void> {
    const entry = this.entry;
    const { host, port } = serverOf(entry.smarthost ?? '');
    const auth = await this.#auth();
    const tls = await tlsOf({ tls_config: entry.tls_config }, this.tools);
    const deadline = AbortSignal.any([signal, AbortSignal.timeout(TIMEOUT_MS)]);
    // Few send mail, and the package takes 3 MB.
    const { createTransport } = await import('nodemailer');
    const socket = await this.tools.connect({ host, port, signal: deadline });
    try {
      const transport = createTransport({
        host,
        port,
        connection: socket,
        name: oneLine(entry.hello),
        secure: entry.force_implicit_tls ?? port === IMPLICIT_TLS_PORT,
        // A password is not sent in the clear, except within the machine.
        requireTLS: entry.require_tls || (auth !== undefined && !LOCAL.has(host)),
        ...(tls === undefined ? {} : { tls }),
        ...(auth === undefined ? {} : { auth }),
        greetingTimeout: TIMEOUT_MS,
        socketTimeout: TIMEOUT_MS,
        disableFileAccess: true,
        disableUrlAccess: true,
      });
      await transport.sendMail({ ...mail, signal: deadline });
    } finally {
      socket.destroy();
    }
  }

  async #auth(): Promise<{ user: string; pass: string; method?: string } | undefined> {
    const { auth_username: user } = this.entry;
    if (user === '') return undefined;
    const secret = await secretOf(this.entry.auth_secret, this.entry.auth_secret_file, this.tools);
    const password = await secretOf(this.entry.auth_password, this.entry.auth_password_file, this.tools);
    // As in Alertmanager, a secret is for CRAM-MD5 and a password for the other mechanisms.
    if (password === undefined && secret !== undefined) return { user, pass: secret, method: 'CRAM-MD5' };
    return { user, pass: password ?? '' };
  }

  async #mail(notification: Notification): Promise<Mail> {
    const entry = this.entry;
    const head = await this.#head(notification);
    const picture = entry.html === '' ? undefined : await pictureOf(notification);
    const html = entry.html === '' ? undefined : await this.#html(notification, picture);
    const body = entry.text === '' ? undefined : cut(await rendered(this.tools, entry.text, notification), MAX_BODY);
    const attachments =
      picture === undefined
        ? []
        : [{ filename: 'chart.png', content: picture.png, cid: CHART, contentType: 'image/png' }];
    return { ...head, text: body, html, textEncoding: 'base64', attachments };
  }

  async #head(notification: Notification): Promise<Pick<Mail, 'from' | 'to' | 'subject' | 'messageId' | 'headers'>> {
    const entry = this.entry;
    const header = async (template: string, about = notification): Promise<string> =>
      cut(oneLine(await rendered(this.tools, template, about)), MAX_HEADER);
    const addressed = escapedNotification(notification, oneAddress);
    const written = new Map(Object.entries(entry.headers).map(([name, value]) => [name.toLowerCase(), value]));
    const own: Record<string, string> = { 'Auto-Submitted': 'auto-generated' };
    for (const [name, value] of Object.entries(entry.headers)) {
      if (OWN_HEADERS.test(name)) continue;
      own[name] = await header(value, /^(?:sender|reply-to)$/i.test(name) ? addressed : notification);
    }
    const from = await header(written.get('from') ?? entry.from ?? '', addressed);
    return {
      from,
      to: await header(entry.to ?? '', addressed),
      subject: await header(written.get('subject') ?? '{{ template "email.default.subject" . }}'),
      messageId: `<${randomUUID()}@${/@([\w.-]+)/.exec(from)?.[1] ?? 'vitrine'}>`,
      headers: own,
      ...threadOf(notification, entry),
    };
  }

  async #html(notification: Notification, picture: Picture | undefined): Promise<string> {
    const escaped = escapedNotification(notification, escapeHtml);
    const html = cut(await rendered(this.tools, this.entry.html, escaped), MAX_BODY);
    return picture === undefined ? html : `${html}<p><img src="cid:${CHART}" alt="${escapeHtml(picture.alt)}"></p>`;
  }
}

const threadOf = ({ memory }: Notification, { threading }: Entry): Pick<Mail, 'inReplyTo' | 'references'> =>
  threading.enabled ? { inReplyTo: memory['root'], references: memory['root'] } : {};

export const email: ReceiverKind<Entry> = {
  name: 'email',
  key: 'email_configs',
  schema,
  usesHttp: false,
  inherits: {
    from: 'smtp_from',
    hello: 'smtp_hello',
    smarthost: 'smtp_smarthost',
    auth_username: 'smtp_auth_username',
    auth_password: 'smtp_auth_password',
    auth_password_file: 'smtp_auth_password_file',
    auth_secret: 'smtp_auth_secret',
    auth_secret_file: 'smtp_auth_secret_file',
    auth_identity: 'smtp_auth_identity',
    require_tls: 'smtp_require_tls',
    tls_config: 'smtp_tls_config',
    force_implicit_tls: 'smtp_force_implicit_tls',
  },
  unused: ['auth_identity', 'threading.thread_by_date'],
  create: (entry, tools) => new Email(entry, tools),
};
