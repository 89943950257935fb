/**
 * Templates over groups of any size. A group whose text is too large for a template is rendered again from its first alerts:
 * a message with part of the group is better than none.
 */
import type { Notification, Texts } from '../../notification.ts';
import { TemplateError } from '../../../rules/template/tree.ts';
import type { ReceiverTools } from '../kind.ts';
import { cut } from './limits.ts';

const FIRST_ALERTS = 10;
const MAX_VALUE = 500;

function shortTexts(texts: Texts): Texts {
  const short = Object.create(null) as Record<string, string>;
  for (const [name, value] of Object.entries(texts)) short[name] = cut(value, MAX_VALUE);
  return short;
}

function shortened(notification: Notification): Notification {
  const alerts = notification.alerts.slice(0, FIRST_ALERTS).map((alert) => ({
    ...alert,
    labels: shortTexts(alert.labels),
    annotations: shortTexts(alert.annotations),
    summary: cut(alert.summary, MAX_VALUE),
  }));
  return {
    ...notification,
    alerts,
    summary: cut(notification.summary, MAX_VALUE),
    groupLabels: shortTexts(notification.groupLabels),
    commonLabels: shortTexts(notification.commonLabels),
    commonAnnotations: shortTexts(notification.commonAnnotations),
  };
}

/** Throws TemplateError when the template fails with few alerts too. */
export async function rendered(
  { render }: Pick<ReceiverTools, 'render'>,
  template: string,
  notification: Notification,
): Promise<string> {
  try {
    return await render(template, notification);
  } catch (error) {
    if (!(error instanceof TemplateError)) throw error;
    return render(template, shortened(notification));
  }
}
