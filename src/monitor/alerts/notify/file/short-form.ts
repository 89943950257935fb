/**
 * The short form of vitrine.yaml as Alertmanager's file and the entries beside it. A team that outgrows the short form starts
 * from this text: `vitrine check --print notify` shows it.
 */
import { stringify } from 'yaml';
import { formatDurationMs } from '../../../../base/units.ts';
import type { Secret } from '../../../../config/types.ts';
import type { NotifySettings } from '../config.ts';

export interface ShortForm {
  /** YAML of Alertmanager's file. Holds secrets. */
  readonly text: string;
  /** Entries of kinds that the file does not know, by receiver. */
  readonly own: NotifySettings['receivers'];
}

const RECEIVER = 'default';
const EMAIL = 'email';
const DIGEST = 'email-digest';
const DAY_MS = 86_400_000;

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

type Email = NonNullable<NotifySettings['email']>;

const emailConfigs = (email: Email): readonly object[] => [
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
];

/** A digest is a group of everything that waits long; critical alerts take a route of their own. */
function digestRoutes(digestMs: number): object {
  const interval = formatDurationMs(digestMs);
  const quiet = ['severity!="critical"'];
  const critical = { matchers: ['severity="critical"'], group_wait: '0s' };
  const digest = { receiver: DIGEST, matchers: quiet, group_by: [], group_wait: interval, group_interval: interval };
  return {
    ...ROUTE,
    routes: [
      { ...digest, repeat_interval: formatDurationMs(Math.max(digestMs, DAY_MS)), continue: true },
      { receiver: EMAIL, ...critical, continue: true },
      { receiver: RECEIVER, ...critical },
      { receiver: RECEIVER },
    ],
  };
}

export function shortForm({ email, slack, webhook, sms, receivers }: NotifySettings): ShortForm {
  const digestMs = email?.digest;
  const receiver = compact({
    name: RECEIVER,
    email_configs: email === undefined || digestMs !== undefined ? undefined : emailConfigs(email),
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
  const mails =
    email === undefined || digestMs === undefined
      ? []
      : [EMAIL, DIGEST].map((name) => ({ name, email_configs: emailConfigs(email) }));
  const known = new Set([RECEIVER, ...mails.map(({ name }) => name)]);
  // Receivers that only `notify.receivers` describes: people who are on call, for example.
  const others = Object.keys(receivers)
    .filter((name) => !known.has(name))
    .map((name) => ({ name }));
  const route = digestMs === undefined ? ROUTE : digestRoutes(digestMs);
  const text = stringify({ route, receivers: [receiver, ...mails, ...others] }, { lineWidth: 0 });
  return { text, own: Object.keys(own).length === 0 ? {} : { [RECEIVER]: own } };
}

/** A webhook that Alertmanager can send as well. */
const isPlain = ({ method, headers }: NonNullable<NotifySettings['webhook']>): boolean =>
  method === 'POST' && Object.keys(headers).length === 0;
