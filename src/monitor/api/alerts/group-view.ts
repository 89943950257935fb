/** The groups of now: what is told together, to whom, what was sent of it so far, and why some of it is not sent. */
import { iso } from '../../../base/units.ts';
import type { Ledger, StoredEvent } from '../../alerts/notify/state/ledger.ts';
import type { Group } from '../../alerts/notify/state/groups.ts';
import { muteText, type Mute } from '../../alerts/notify/steps/batch.ts';
import { isResolved } from '../../alerts/notify/steps/intake.ts';
import type { AlertCare } from './care.ts';
import type { GroupsAnswer } from './contract.ts';

const MAX_GROUPS = 500;
const MAX_IN_GROUP = 200;
/** Groups whose messages are looked up; each costs a look into the ledger. */
const MAX_TOLD = 20;
const MAX_EVENTS = 60;
const SHOWN_STEPS = 5;

type Told = GroupsAnswer['groups'][number]['told'][number];

const KINDS: Readonly<Record<string, Told['kind']>> = {
  notification: 'sent',
  vitrine_notification_failed: 'failed',
  vitrine_escalated: 'escalated',
};

const mute = (found: Mute | undefined): string | null => (found === undefined ? null : muteText(found));

interface EventData {
  readonly groupInfo?: { readonly groupKey?: unknown; readonly receiverName?: unknown };
  readonly integration?: { readonly name?: unknown };
}

const textOf = (value: unknown): string => (typeof value === 'string' ? value : '');

function toldStep({ type, atMs, receiver = '', text, data }: StoredEvent): Told | undefined {
  const kind = KINDS[type];
  if (kind === undefined) return undefined;
  const channel = textOf((data as EventData).integration?.name);
  return { at: iso(atMs), kind, to: channel === '' ? receiver : `${receiver} ${channel}`, text };
}

/**
 * The newest messages of the group, oldest first: those of its oldest alert, because every one of them names it. Of failures
 * that follow one another only the last is shown.
 */
function toldOf(ledger: Ledger, { key, route, alerts }: Group): Told[] {
  const oldest = [...alerts.values()].reduce((first, alert) => (alert.startsAtMs < first.startsAtMs ? alert : first));
  const isOfGroup = ({ data }: StoredEvent): boolean => {
    const { groupInfo } = data as EventData;
    return groupInfo?.groupKey === key && groupInfo.receiverName === route.options.receiver;
  };
  return ledger
    .query({ alert: oldest.fingerprint, limit: MAX_EVENTS })
    .filter(isOfGroup)
    .flatMap((event) => toldStep(event) ?? [])
    .filter(({ kind, to }, at, all) => kind !== 'failed' || all[at - 1]?.kind !== 'failed' || all[at - 1]?.to !== to)
    .slice(0, SHOWN_STEPS)
    .reverse();
}

export function groupsAnswer({ pipeline, clock, ledger }: AlertCare): GroupsAnswer {
  const nowMs = clock.now();
  const groups = pipeline.groups.slice(0, MAX_GROUPS).map((group, at) => {
    const all = mute(pipeline.timeMuteOf(group, nowMs));
    const alerts = [...group.alerts.values()].slice(0, MAX_IN_GROUP).map((alert) => {
      const by = all ?? mute(pipeline.mutesOf(alert, nowMs)[0]);
      const state = isResolved(alert, nowMs) ? 'resolved' : by === null ? 'firing' : 'muted';
      return { fingerprint: alert.fingerprint, labels: alert.labels.toJSON(), state, muted_by: by } as const;
    });
    const { key, labels, route, nextFlushMs } = group;
    const told = at < MAX_TOLD && group.alerts.size > 0 ? toldOf(ledger, group) : [];
    return {
      key,
      receiver: route.options.receiver,
      labels: labels.toJSON(),
      next_flush: iso(nextFlushMs),
      alerts,
      told,
    };
  });
  return { groups };
}
