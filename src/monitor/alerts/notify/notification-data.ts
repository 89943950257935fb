/** Makes the notification that a receiver gets from a group, its alerts and the reason. */
import type {
  ErrorLine,
  Links,
  NotifiedAlert,
  Notification,
  NotifyReason,
  Picture,
  Texts,
  TraceHint,
} from './notification.ts';
import { isHttpUrl } from './receivers/fields.ts';
import type { Care } from './state/care.ts';
import type { FlushedAlert } from './steps/batch.ts';
import type { StoredAlert } from './steps/intake.ts';

/** What other parts of the monitor know of an alert. */
export interface AlertContext {
  readonly errorLine?: ErrorLine | undefined;
  readonly trace?: TraceHint | undefined;
}

export interface DataSources {
  readonly externalUrl: string;
  readonly careOf: (fingerprint: string) => Care;
  readonly contextOf: (alert: StoredAlert) => Promise<AlertContext>;
  readonly pictureOf: (alert: StoredAlert) => Promise<Picture | undefined>;
}

export interface NotificationParts {
  readonly receiver: string;
  readonly alerts: readonly FlushedAlert[];
  readonly reason: NotifyReason;
  readonly groupKey: string;
  readonly groupLabels: Texts;
  readonly routeLabels: Texts;
  readonly memory: Texts;
  readonly isTest?: boolean;
}

const SUMMARIES = ['summary', 'message', 'description'];

export function summaryOf({ annotations, reason, labels }: StoredAlert): string {
  const written = SUMMARIES.map((name) => annotations[name] ?? '').find((text) => text.trim() !== '');
  const name = labels.get('alertname') || 'alert';
  return written ?? (reason === undefined ? name : `${name}: ${reason}`);
}

export function linksOf({ fingerprint, annotations }: StoredAlert, externalUrl: string): Links {
  const page = `${externalUrl}/alerts/${fingerprint}`;
  const runbook = annotations['runbook_url'] ?? '';
  return { page, silence: `${page}?silence=new`, runbook: isHttpUrl(runbook) ? runbook : undefined };
}

function notifiedAlert({ alert, resolved }: FlushedAlert, { externalUrl, careOf }: DataSources): NotifiedAlert {
  return {
    status: resolved ? 'resolved' : 'firing',
    labels: alert.labels.toJSON(),
    annotations: alert.annotations,
    startsAtMs: alert.startsAtMs,
    endsAtMs: resolved ? alert.endsAtMs : undefined,
    generatorUrl: alert.generatorUrl,
    fingerprint: alert.fingerprint,
    summary: summaryOf(alert),
    value: alert.value,
    threshold: alert.threshold,
    links: linksOf(alert, externalUrl),
    acknowledgedBy: careOf(alert.fingerprint).acknowledged?.by,
  };
}

/** The names and values that all have. */
function commonOf(all: readonly Texts[]): Texts {
  const common = Object.create(null) as Record<string, string>;
  const [first = {}, ...rest] = all;
  for (const [name, value] of Object.entries(first)) {
    if (rest.every((texts) => texts[name] === value)) common[name] = value;
  }
  return common;
}

/**
 * The notification of its first alerts alone, as Alertmanager's `max_alerts` makes it: also its status and what is common are
 * those of the alerts that are left. 0: all of them.
 */
export function withFirst(notification: Notification, count: number): Notification {
  if (count === 0 || notification.alerts.length <= count) return notification;
  const alerts = notification.alerts.slice(0, count);
  return {
    ...notification,
    alerts,
    status: statusOf(alerts),
    commonLabels: commonOf(alerts.map(({ labels }) => labels)),
    commonAnnotations: commonOf(alerts.map(({ annotations }) => annotations)),
  };
}

const statusOf = (alerts: readonly NotifiedAlert[]): Notification['status'] =>
  alerts.some(({ status }) => status === 'firing') ? 'firing' : 'resolved';

/** Go's regexp.QuoteMeta: Alertmanager gives the receiver's name in this form. */
const quoteMeta = (text: string): string => text.replaceAll(/[\\.+*?()|[\]{}^$]/g, String.raw`\$&`);

function groupSummary(alerts: readonly NotifiedAlert[]): string {
  const [first, ...rest] = alerts;
  if (rest.length === 0) return first.summary;
  const firing = alerts.filter(({ status }) => status === 'firing').length;
  const counts = [
    ...(firing > 0 ? [`${firing} firing`] : []),
    ...(firing < alerts.length ? [`${alerts.length - firing} resolved`] : []),
  ];
  return `${counts.join(', ')}: ${first.summary}`;
}

/** `alerts` has at least one. */
export async function notificationOf(parts: NotificationParts, sources: DataSources): Promise<Notification> {
  const alerts = parts.alerts.map((one) => notifiedAlert(one, sources));
  const lead = parts.alerts.find(({ resolved }) => !resolved) ?? parts.alerts[0];
  const { errorLine, trace } = await sources.contextOf(lead.alert);
  return {
    receiver: quoteMeta(parts.receiver),
    status: statusOf(alerts),
    alerts,
    reason: parts.reason,
    groupKey: parts.groupKey,
    groupLabels: parts.groupLabels,
    commonLabels: commonOf(alerts.map(({ labels }) => labels)),
    commonAnnotations: commonOf(alerts.map(({ annotations }) => annotations)),
    routeLabels: parts.routeLabels,
    externalUrl: sources.externalUrl,
    summary: groupSummary(alerts),
    sinceMs: Math.min(...alerts.map(({ startsAtMs }) => startsAtMs)),
    links: linksOf(lead.alert, sources.externalUrl),
    picture: () => sources.pictureOf(lead.alert),
    errorLine,
    trace,
    memory: parts.memory,
    ...(parts.isTest === true ? { isTest: true } : {}),
  };
}
