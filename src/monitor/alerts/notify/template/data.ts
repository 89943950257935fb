/**
 * A notification as the data of Alertmanager's templates: `.Status`, `.Alerts.Firing`, `.GroupLabels.SortedPairs.Values`,
 * `.CommonLabels.Remove` and the others. Vitrine's own facts have lower-case neighbours there (`.Summary`, `.Links`), which
 * Alertmanager does not know; a template that has to work in both must not use them.
 */
import { Labels } from '../../../../model/labels.ts';
import type { NotifiedAlert, Notification, Texts } from '../notification.ts';
import {
  goString,
  GoObject,
  GoTime,
  plainOf,
  ZERO_TIME_MS,
  type GoMethod,
  type Value,
} from '../../rules/template/value.ts';

/** Names in order, `alertname` first. */
function sortedNames(labels: Labels): string[] {
  const names = [...labels].map(([name]) => name);
  return names.includes('alertname') ? ['alertname', ...names.filter((name) => name !== 'alertname')] : names;
}

const STRINGS: Readonly<Record<string, GoMethod>> = {
  Join: (self, separator) => (plainOf(self) as readonly string[]).join(goString(separator)),
};

const strings = (items: readonly string[]): GoObject => new GoObject('template.Strings', items, STRINGS);

const pairsOf = (labels: Labels): GoObject =>
  new GoObject(
    'template.Pairs',
    sortedNames(labels).map(
      (name) =>
        new GoObject(
          'template.Pair',
          new Map<string, Value>([
            ['Name', name],
            ['Value', labels.get(name)],
          ]),
        ),
    ),
    {
      Names: (_self) => strings(sortedNames(labels)),
      Values: (_self) => strings(sortedNames(labels).map((name) => labels.get(name))),
      String: (_self) =>
        sortedNames(labels)
          .map((name) => `${name}=${labels.get(name)}`)
          .join(', '),
    },
  );

/** `template.KV`. */
function textsOf(texts: Texts): GoObject {
  const labels = Labels.from(Object.entries(texts));
  return new GoObject('template.KV', labels, {
    SortedPairs: (_self) => pairsOf(labels),
    Names: (_self) => strings(sortedNames(labels)),
    Values: (_self) => strings(sortedNames(labels).map((name) => labels.get(name))),
    String: (_self) => pairsOf(labels).toString(),
    Remove: (_self, names) => {
      const gone = new Set(plainOf(names) as readonly string[]);
      return textsOf(labels.filter((name) => !gone.has(name)).toJSON());
    },
  });
}

function alertOf(alert: NotifiedAlert): GoObject {
  const { links } = alert;
  return new GoObject(
    'template.Alert',
    new Map<string, Value>([
      ['Status', alert.status],
      ['Labels', textsOf(alert.labels)],
      ['Annotations', textsOf(alert.annotations)],
      ['StartsAt', new GoTime(alert.startsAtMs)],
      ['EndsAt', new GoTime(alert.endsAtMs ?? ZERO_TIME_MS)],
      ['GeneratorURL', alert.generatorUrl],
      ['Fingerprint', alert.fingerprint],
      ['Summary', alert.summary],
      ['Value', alert.value ?? ''],
      ['Threshold', alert.threshold ?? ''],
      ['PageURL', links.page],
      ['SilenceURL', links.silence],
      ['RunbookURL', links.runbook ?? ''],
    ]),
  );
}

/** The dot of a template. */
export function templateData(notification: Notification): GoObject {
  const alerts = notification.alerts.map((alert) => ({ status: alert.status, value: alertOf(alert) }));
  const only = (status: string): Value[] => alerts.filter((one) => one.status === status).map(({ value }) => value);
  const { errorLine, trace, links } = notification;
  return new GoObject(
    'template.Data',
    new Map<string, Value>([
      ['Receiver', notification.receiver],
      ['Status', notification.status],
      [
        'Alerts',
        new GoObject(
          'template.Alerts',
          alerts.map(({ value }) => value),
          { Firing: (_self) => only('firing'), Resolved: (_self) => only('resolved') },
        ),
      ],
      ['NotificationReason', notification.reason],
      ['GroupLabels', textsOf(notification.groupLabels)],
      ['CommonLabels', textsOf(notification.commonLabels)],
      ['CommonAnnotations', textsOf(notification.commonAnnotations)],
      ['RouteLabels', textsOf(notification.routeLabels)],
      ['ExternalURL', notification.externalUrl],
      ['GroupKey', notification.groupKey],
      ['Summary', notification.summary],
      ['Since', new GoTime(notification.sinceMs)],
      ['PageURL', links.page],
      ['SilenceURL', links.silence],
      ['RunbookURL', links.runbook ?? ''],
      ['ErrorLine', errorLine === undefined ? '' : `${errorLine.service}: ${errorLine.text}`],
      ['TraceURL', trace?.link ?? ''],
    ]),
  );
}
