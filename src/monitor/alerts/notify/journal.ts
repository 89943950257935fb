/** Step 10, journal: the decisions of the pipeline as events of the ledger, with Alertmanager's names and fields. */
import { formatDurationMs, iso } from '../../../base/units.ts';
import type { NotifyReason } from './notification.ts';
import type { FlappingOptions } from './steps/flapping.ts';
import { matcherText } from './file/matchers.ts';
import { REASON_NAMES } from './deliver.ts';
import type { Ledger } from './state/ledger.ts';
import type { Silence } from './state/silences.ts';
import type { Group } from './state/groups.ts';
import { muteText, type Decision, type FlushedAlert, type Mute } from './steps/batch.ts';
import { isResolved, type StoredAlert } from './steps/intake.ts';

type Data = Readonly<Record<string, unknown>>;

function alertData(alert: StoredAlert, nowMs: number): Data {
  return {
    fingerprint: alert.fingerprint,
    name: alert.labels.get('alertname'),
    labels: alert.labels,
    annotations: alert.annotations,
    startsAt: iso(alert.startsAtMs),
    endsAt: iso(alert.endsAtMs),
    resolved: isResolved(alert, nowMs),
  };
}

export function groupData({ key, labels, route }: Group): Data {
  return {
    groupKey: key,
    groupLabels: labels,
    receiverName: route.options.receiver,
    matchers: route.matchers.map(matcherText),
  };
}

export function silenceData(silence: Silence): Data {
  const { id, matchers, annotations, createdBy, comment } = silence;
  return {
    id,
    matchers: matchers.map(matcherText),
    annotations,
    startsAt: iso(silence.startsAtMs),
    endsAt: iso(silence.endsAtMs),
    updatedAt: iso(silence.updatedAtMs),
    createdBy,
    comment,
  };
}

function muteData(alert: StoredAlert, mute: Mute): Data {
  const mutedAlert = { labels: alert.labels, fingerprint: alert.fingerprint };
  if (mute.kind === 'inhibition') {
    const { rule, source } = mute.by;
    const inhibitRule = {
      name: rule.name,
      sourceMatchers: rule.source.map(matcherText),
      targetMatchers: rule.target.map(matcherText),
      equalLabels: rule.equal,
    };
    return { inhibitRules: [inhibitRule], mutedAlert, inhibitingFingerprints: [source] };
  }
  return { ...mute, mutedAlert };
}

export class Journal {
  readonly #ledger: Ledger;

  constructor(ledger: Ledger) {
    this.#ledger = ledger;
  }

  created(alert: StoredAlert, nowMs: number): void {
    const text = `arrived: ${alert.labels.get('alertname') || alert.fingerprint}`;
    void this.#ledger.record(
      { type: 'alert_created', alerts: [alert.fingerprint], text, data: { alert: alertData(alert, nowMs) } },
      nowMs,
    );
  }

  grouped(alert: StoredAlert, group: Group, nowMs: number): void {
    const { options, key } = group.route;
    const text = `took route ${key} to receiver "${options.receiver}" and joined group ${group.key}; the group is flushed at ${iso(group.nextFlushMs)}`;
    const data = { alert: { details: alertData(alert, nowMs) }, groupInfo: groupData(group) };
    void this.#ledger.record(
      { type: 'alert_grouped', alerts: [alert.fingerprint], receiver: options.receiver, text, data },
      nowMs,
    );
  }

  resolved(alert: StoredAlert, group: Group, nowMs: number): void {
    const data = { alert: { details: alertData(alert, nowMs) }, groupInfo: groupData(group) };
    const text = `is resolved and left group ${group.key}`;
    const { receiver } = group.route.options;
    void this.#ledger.record({ type: 'alert_resolved', alerts: [alert.fingerprint], receiver, text, data }, nowMs);
  }

  /** Only decisions that differ from those of the flush before. */
  decisions(group: Group, decisions: readonly Decision[], nowMs: number): void {
    const before = new Map(group.muted);
    group.muted.clear();
    for (const { alert, mute, passed } of decisions) {
      const text = muteText(mute);
      const known = `${passed ? 'passed' : 'muted'} ${text}`;
      group.muted.set(alert.fingerprint, known);
      if (before.get(alert.fingerprint) === known) continue;
      void this.#ledger.record(
        {
          type: passed ? 'vitrine_resolution_passed_mute' : muteType(mute),
          alerts: [alert.fingerprint],
          receiver: group.route.options.receiver,
          text: passed ? `its resolution is sent although it is ${text}` : `is not sent: ${text}`,
          data: { ...muteData(alert, mute), groupInfo: groupData(group) },
        },
        nowMs,
      );
    }
  }

  notified(group: Group, sent: readonly FlushedAlert[], facts: NotifiedFacts, nowMs: number): void {
    const { reason, integration, receiver, tries, tookMs } = facts;
    const text = `was sent to ${receiver}/${integration.name} (${reason})${tries > 1 ? ` at try ${tries}` : ''}`;
    const of = (resolved: boolean): string[] =>
      sent.filter((one) => one.resolved === resolved).map(({ alert }) => alert.fingerprint);
    void this.#ledger.record(
      {
        type: 'notification',
        alerts: sent.map(({ alert }) => alert.fingerprint),
        receiver,
        text,
        data: {
          firingAlerts: of(false),
          resolvedAlerts: of(true),
          mutedAlerts: [...group.muted.keys()],
          groupInfo: groupData(group),
          repeatInterval: `${group.route.options.repeatIntervalMs / 1_000}s`,
          reason: REASON_NAMES[reason],
          flushId: group.flushId,
          integration,
          tries,
          tookMs: Math.round(tookMs),
        },
      },
      nowMs,
    );
  }

  failed(group: Group, alerts: readonly FlushedAlert[], facts: FailedFacts, nowMs: number): void {
    const { integration, receiver, tries, message, reason, isFinal } = facts;
    const text = `could not be sent to ${receiver}/${integration.name} (try ${tries}): ${message.replace(/\.?$/, '.')}${isFinal ? ' It is tried again with the next flush of the group.' : ''}`;
    void this.#ledger.record(
      {
        type: 'vitrine_notification_failed',
        alerts: alerts.map(({ alert }) => alert.fingerprint),
        receiver,
        text,
        data: { groupInfo: groupData(group), integration, tries, reason, message },
      },
      nowMs,
    );
  }

  flapping(alert: StoredAlert, options: FlappingOptions | undefined, nowMs: number): void {
    const { changes = 0, withinMs = 0, quietMs = 0 } = options ?? {};
    const [within, quiet] = [formatDurationMs(withinMs), formatDurationMs(quietMs)];
    const text = `flaps: it changed ${changes} times within ${within}; from now on it ends after ${quiet} without a change`;
    const data = { alert: alertData(alert, nowMs) };
    void this.#ledger.record({ type: 'vitrine_alert_flapping', alerts: [alert.fingerprint], text, data }, nowMs);
  }

  /** Steps of a policy, and hand-overs. */
  escalated(group: Group, news: readonly string[], nowMs: number): void {
    const { receiver } = group.route.options;
    for (const text of news) {
      const data = { groupInfo: groupData(group) };
      const alerts = [...group.alerts.keys()];
      void this.#ledger.record({ type: 'vitrine_escalated', alerts, receiver, text, data }, nowMs);
    }
  }

  /** The begin or the end of an alert whose rule is on trial. */
  onTrial(alert: StoredAlert, receivers: readonly string[], nowMs: number): void {
    const resolved = isResolved(alert, nowMs);
    const to = receivers.length === 0 ? 'nobody' : receivers.join(', ');
    const text = resolved
      ? 'is resolved (on trial)'
      : `is on trial: nobody is told; without the trial it would go to ${to}`;
    const type = resolved ? 'vitrine_trial_resolved' : 'vitrine_trial_alert';
    const data = { alert: alertData(alert, nowMs), receivers };
    void this.#ledger.record({ type, alerts: [alert.fingerprint], text, data }, nowMs);
  }

  /** An end without a message. */
  quiet(group: Group, alerts: readonly FlushedAlert[], receiver: string, why: string, nowMs: number): void {
    void this.#ledger.record(
      {
        type: 'vitrine_not_notified',
        alerts: alerts.map(({ alert }) => alert.fingerprint),
        receiver,
        text: `is not sent: ${why}`,
        data: { groupInfo: groupData(group), why },
      },
      nowMs,
    );
  }
}

interface NotifiedFacts {
  readonly reason: NotifyReason;
  readonly receiver: string;
  readonly integration: { readonly name: string; readonly index: number };
  readonly tries: number;
  readonly tookMs: number;
}

interface FailedFacts {
  readonly receiver: string;
  readonly integration: { readonly name: string; readonly index: number };
  readonly tries: number;
  readonly reason: string;
  readonly message: string;
  readonly isFinal: boolean;
}

function muteType({ kind }: Mute): 'silence_muted_alert' | 'inhibition_muted_alert' | `vitrine_${string}` {
  if (kind === 'silence') return 'silence_muted_alert';
  return kind === 'inhibition' ? 'inhibition_muted_alert' : `vitrine_${kind}_muted_alert`;
}
