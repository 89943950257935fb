/**
 * The short form of vitrine.yaml as Alertmanager's file and the entries beside it. A team that outgrows the short form starts
 * from this text: `vitrine check --print notify` shows it.
 */
import { stringify } from 'yaml';
import type { Secret } from '../../../../config/types.ts';
import type { NotifySettings } from '../config.ts';

export interface ShortForm {
  /** YAML of Alertmanager's file. Holds secrets. */
  readonly text: string;
  /** Entries of kinds that the file does not know, by receiver. */
  readonly own: NotifySettings['receivers'];
}

const RECEIVER = 'default';

/** Alerts that are critical are sent at once; others wait a little for their neighbours. */
const ROUTE = {
  receiver: RECEIVER,
  group_by: ['alertname', 'service'],
  group_wait: '10s',
  group_interval: '1m',
  repeat_interval: '4h',
  routes: [{ matchers: ['severity="critical"'], group_wait: '0s' }],
};

const revealed = (value: Secret | undefined): string | undefined => value?.reveal();

/** Without the keys that have no value. */
const compact = (entry: Readonly<Record<string, unknown>>): Record<string, unknown> =>
  Object.fromEntries(Object.entries(entry).filter(([, value]) => value !== undefined));

export function shortForm({ email, slack, webhook, sms, receivers }: NotifySettings): ShortForm {
  const receiver = compact({
    name: RECEIVER,
    email_configs:
      email === undefined
        ? undefined
        : [
            compact({
              to: email.to.join(', '),
              from: email.from,
              smarthost: email.smarthost,
              auth_username: email.username,
              auth_password: revealed(email.password),
              require_tls: email.require_tls,
              send_resolved: true,
              headers: email.subject === undefined ? undefined : { Subject: email.subject },
              html: email.template,
            }),
          ],
    slack_configs:
      slack === undefined
        ? undefined
        : [
            compact({
              api_url: slack.webhook.reveal(),
              channel: slack.channel,
              username: slack.username,
              send_resolved: true,
            }),
          ],
    webhook_configs: webhook !== undefined && isPlain(webhook) ? [{ url: webhook.url.reveal() }] : undefined,
  });
  const own = {
    ...(webhook === undefined || isPlain(webhook) ? {} : { http: [{ ...webhook, url: webhook.url.reveal() }] }),
    ...(sms === undefined ? {} : { sms: [sms] }),
  };
  // Receivers that only `notify.receivers` describes: people who are on call, for example.
  const others = Object.keys(receivers)
    .filter((name) => name !== RECEIVER)
    .map((name) => ({ name }));
  const text = stringify({ route: ROUTE, receivers: [receiver, ...others] }, { lineWidth: 0 });
  return { text, own: Object.keys(own).length === 0 ? {} : { [RECEIVER]: own } };
}

/** A webhook that Alertmanager can send as well. */
const isPlain = ({ method, headers }: NonNullable<NotifySettings['webhook']>): boolean =>
  method === 'POST' && Object.keys(headers).length === 0;
