/**
 * The section `notify` of vitrine.yaml: where Alertmanager's file is, or the short form that stands for one, and what
 * Alertmanager's file does not know.
 */
import { z } from 'zod';
import { duration, httpUrl, secret } from '../../../config/types.ts';
import { escalationConfig, oncallConfig } from '../oncall/config.ts';

const name = z.string().min(1);
const names = z.union([z.string().transform((one) => one.split(/\s*,\s*/)), z.array(name)]);

const email = z.strictObject({
  to: names.describe('Recipients.'),
  from: name.describe('Sender.'),
  smarthost: name.describe('Mail server, such as `mail.example.org:587`.'),
  username: z.string().optional().describe('User name at the mail server.'),
  password: secret().optional().describe('Password at the mail server.'),
  require_tls: z.boolean().default(true).describe('Refuse to send over a connection without TLS.'),
  subject: z.string().optional().describe('Template of the subject.'),
  template: z.string().optional().describe('Template of the HTML body.'),
  digest: duration({ min: 60_000, max: 7 * 86_400_000 })
    .optional()
    .describe(
      'Collect alerts that are not critical into one mail each `1h`, for example. Critical ones are sent at once.',
    ),
});

const slack = z.strictObject({
  webhook: secret().describe('The URL of an incoming webhook.'),
  channel: z.string().optional().describe('Channel, such as `#ops`.'),
  username: z.string().optional().describe('Name of the sender.'),
});

const webhook = z.strictObject({
  url: secret().describe('Where the notification is sent.'),
  method: z.enum(['POST', 'PUT', 'PATCH']).default('POST').describe('Method of the request.'),
  headers: z.record(z.string(), z.string()).default({}).describe('Fields of the request.'),
});

const sms = z.record(z.string(), z.unknown()).describe('Entry of the receiver `sms`.');

const entry = z.record(z.string(), z.unknown());
/** A list, or one entry. */
const entries = z.union([z.array(entry).max(100), entry.transform((one) => [one])]);

export const notifyConfig = z.strictObject({
  file: z
    .string()
    .min(1)
    .optional()
    .describe("Alertmanager's configuration file; taken from the directory of this file."),
  email: email.optional().describe('Short form: send all alerts by e-mail.'),
  slack: slack.optional().describe('Short form: send all alerts to Slack.'),
  webhook: webhook.optional().describe('Short form: send all alerts to a webhook.'),
  sms: sms.optional(),
  receivers: z
    .record(z.string(), z.record(z.string(), entries))
    .default({})
    .describe("By name of a receiver: entries of kinds that Alertmanager's file does not know."),
  resolve_through_mutes: z
    .boolean()
    .default(true)
    .describe('Send the resolution of a delivered alert even while it is muted. `false`: as Alertmanager does.'),
  topology: z
    .strictObject({
      enabled: z.boolean().optional().describe('Default: true, and false with `resolve_through_mutes: false`.'),
      depends_on: z
        .record(z.string(), z.array(name).max(1_000))
        .default({})
        .describe('By name of a host, address or service: names that it depends on.'),
    })
    .prefault({})
    .describe('While something is down, alerts about what runs on it or depends on it are muted.'),
  flapping: z
    .strictObject({
      enabled: z.boolean().optional().describe('Default: true, and false with `resolve_through_mutes: false`.'),
      changes: z.int().min(3).max(100).default(5).describe('Begins and ends from which an alert flaps.'),
      within: duration({ min: 10_000, max: 86_400_000 })
        .prefault('10m')
        .describe('Time within which they are counted.'),
      quiet: duration({ min: 10_000, max: 86_400_000 })
        .prefault('5m')
        .describe('An alert that flaps ends after this time without a change.'),
    })
    .prefault({})
    .describe('An alert that begins and ends again and again is one message.'),
  alertmanager: z
    .strictObject({
      url: httpUrl().describe('Alerts are handed over to this Alertmanager; nothing is routed or sent here.'),
      bearer_token: secret().optional().describe('Token for it.'),
    })
    .optional()
    .describe('Another Alertmanager that does the work.'),
  ledger: z
    .strictObject({
      retention: duration({ min: 3_600_000 }).prefault('90d').describe('How long decisions are kept.'),
      max_events: z.int().min(1_000).max(10_000_000).default(500_000).describe('Number of decisions that are kept.'),
      file: z.string().min(1).optional().describe('Also write each decision to this file, as a line of JSON.'),
    })
    .prefault({})
    .describe('The record of decisions.'),
  oncall: oncallConfig.describe('Who is on call: people and schedules.'),
  escalation: escalationConfig.describe(
    'By name of a receiver: who is told besides it, step by step, until somebody acknowledges.',
  ),
});

export type NotifySettings = z.output<typeof notifyConfig>;
