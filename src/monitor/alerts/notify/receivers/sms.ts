/** SMS through a service that speaks Twilio's HTTP API (twilio.com/docs/messaging/api/message-resource#create-a-message-resource). */
import { z } from 'zod';
import type { Delivery, Notification } from '../notification.ts';
import { EntryReceiver } from './entry-receiver.ts';
import { bool, goDuration, nonEmpty, plainUrl, secretText, text } from './fields.ts';
import { httpConfig } from './http-config.ts';
import { deliverHttp } from './http-delivery.ts';
import type { ReceiverKind } from './kind.ts';
import { cut, oneLine } from './message/limits.ts';
import { rendered } from './message/rendering.ts';

const NUMBER = /^\+[1-9]\d{4,14}$/;
const number = z.string().regex(NUMBER, 'a telephone number like "+491701234567"');

const schema = z.strictObject({
  send_resolved: bool().default(false),
  http_config: httpConfig.default({}),
  url: plainUrl().default('https://api.twilio.com'),
  account_sid: z.string().regex(/^[A-Za-z0-9_-]{1,64}$/, 'an account of letters and digits'),
  auth_token: secretText(),
  from: nonEmpty('a telephone number or the name of the sender'),
  /** One number each; every number is a message of its own. */
  to: number,
  message: text().default('{{ template "__subject" . }} {{ .Summary }} {{ .PageURL }}'),
  timeout: goDuration().default(0),
});
type Entry = z.output<typeof schema>;

/** Twilio refuses longer ones; 320 characters are two to five parts, depending on the alphabet. */
const MAX_LENGTH = 320;

class Sms extends EntryReceiver<Entry> {
  protected async deliver(notification: Notification, signal: AbortSignal): Promise<Delivery> {
    const { account_sid: account, auth_token: token, from, to, timeout: timeoutMs } = this.entry;
    const text = cut(oneLine(await rendered(this.tools, this.entry.message, notification)), MAX_LENGTH);
    const credentials = Buffer.from(`${account}:${token.reveal()}`).toString('base64');
    const message = {
      url: `${this.entry.url.replace(/\/+$/, '')}/2010-04-01/Accounts/${account}/Messages.json`,
      headers: {
        'content-type': 'application/x-www-form-urlencoded',
        authorization: `Basic ${credentials}`,
      },
      body: new URLSearchParams({ From: from, To: to, Body: text }).toString(),
      http: this.entry.http_config,
      timeoutMs,
    };
    return (await deliverHttp(this.tools, message, signal)).delivery;
  }
}

export const sms: ReceiverKind<Entry> = {
  name: 'sms',
  key: 'sms',
  isOwn: true,
  schema,
  create: (entry, tools) => new Sms(entry, tools),
};
