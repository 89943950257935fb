/**
 * A notification whose texts are escaped for the markup of a service. The texts are escaped before a template sees them, so
 * markup that the author of the template writes works, and markup inside a label or an error line stays text.
 */
import type { NotifiedAlert, Notification, Texts } from '../../notification.ts';

type Escape = (text: string) => string;

/** docs.slack.dev/messaging/formatting-message-text#escaping */
export const escapeSlack: Escape = (text) =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');

function texts(all: Texts, escape: Escape): Texts {
  const escaped = Object.create(null) as Record<string, string>;
  for (const [name, value] of Object.entries(all)) escaped[escape(name)] = escape(value);
  return escaped;
}

function escapedAlert(alert: NotifiedAlert, escape: Escape): NotifiedAlert {
  return {
    ...alert,
    labels: texts(alert.labels, escape),
    annotations: texts(alert.annotations, escape),
    generatorUrl: escape(alert.generatorUrl),
    summary: escape(alert.summary),
    threshold: alert.threshold === undefined ? undefined : escape(alert.threshold),
    links: links(alert.links, escape),
  };
}

const links = ({ page, silence, runbook }: Notification['links'], escape: Escape): Notification['links'] => ({
  page: escape(page),
  silence: escape(silence),
  runbook: runbook === undefined ? undefined : escape(runbook),
});

export function escapedNotification(about: Notification, escape: Escape): Notification {
  const { errorLine, trace } = about;
  return {
    ...about,
    alerts: about.alerts.map((alert) => escapedAlert(alert, escape)),
    groupKey: escape(about.groupKey),
    groupLabels: texts(about.groupLabels, escape),
    commonLabels: texts(about.commonLabels, escape),
    commonAnnotations: texts(about.commonAnnotations, escape),
    routeLabels: texts(about.routeLabels, escape),
    externalUrl: escape(about.externalUrl),
    summary: escape(about.summary),
    links: links(about.links, escape),
    errorLine:
      errorLine === undefined
        ? undefined
        : {
            ...errorLine,
            text: escape(errorLine.text),
            service: escape(errorLine.service),
            link: escape(errorLine.link),
          },
    trace: trace === undefined ? undefined : { ...trace, name: escape(trace.name), link: escape(trace.link) },
  };
}

/** Markdown of Discord and Teams: a text in brackets would be a link that hides where it leads. */
export const escapeLinks: Escape = (text) => text.replaceAll(/[[\]\\]/g, String.raw`\$&`);

/** core.telegram.org/bots/api#markdownv2-style */
export const escapeMarkdownV2: Escape = (text) => text.replaceAll(/[_*[\]()~`>#+\-=|{}.!\\]/g, String.raw`\$&`);

/** core.telegram.org/bots/api#markdown-style */
export const escapeOldMarkdown: Escape = (text) => text.replaceAll(/[_*`[]/g, String.raw`\$&`);
