/** All kinds of receivers. A new kind is a file beside this one and a row here. */
import { alertmanager } from './alertmanager.ts';
import { consoleKind } from './console.ts';
import { discord } from './discord.ts';
import { email } from './email.ts';
import type { ReceiverKind } from './kind.ts';
import { msteams, msteamsv2 } from './msteams.ts';
import { ntfy } from './ntfy.ts';
import { pagerduty } from './pagerduty.ts';
import { plugin } from './plugin.ts';
import { slack } from './slack.ts';
import { sms } from './sms.ts';
import { telegram } from './telegram.ts';
import { httpKind, webhook } from './webhook.ts';

export const RECEIVER_KINDS: readonly ReceiverKind[] = [
  webhook,
  slack,
  email,
  pagerduty,
  telegram,
  discord,
  msteamsv2,
  msteams,
  httpKind,
  ntfy,
  sms,
  plugin,
  alertmanager,
  consoleKind,
];
