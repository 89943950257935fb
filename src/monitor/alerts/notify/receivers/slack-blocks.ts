/**
 * A notification as blocks of Slack (docs.slack.dev/reference/block-kit/blocks): what happens, since when, how much of what
 * limit, the newest error line, a trace, and buttons. Pure; within the limits that the documentation gives.
 */
import type { NotifiedAlert, Notification } from '../notification.ts';
import { escapedNotification, escapeSlack } from './message/escaped.ts';
import { cut, oneLine } from './message/limits.ts';

/** Characters of a section, a field, an element of a context, and a button's URL. */
const MAX_SECTION = 3_000;
const MAX_FIELD = 2_000;
const MAX_CONTEXT = 1_000;
const MAX_URL = 3_000;
const MAX_LISTED = 10;
const MAX_SUMMARY = 250;

export type Block = Readonly<Record<string, unknown>>;

const marked = (text: string, length: number): Block => ({ type: 'mrkdwn', text: cut(text, length) });

/** Slack shows the time in the zone of the reader. */
const timeText = (ms: number): string => {
  const date = new Date(ms);
  const plain = `${date.toISOString().slice(0, 19).replace('T', ' ')} UTC`;
  return `<!date^${Math.floor(ms / 1_000)}^{date_short_pretty} {time_secs}|${plain}>`;
};

const numberText = (value: number): string => String(Number(value.toPrecision(6)));

function measured({ value, threshold }: NotifiedAlert): string {
  if (value === undefined) return '';
  return threshold === undefined ? ` (${numberText(value)})` : ` (${numberText(value)}, limit ${threshold.trim()})`;
}

function listOf({ alerts }: Notification): string {
  const shown = alerts.slice(0, MAX_LISTED).map((alert) => {
    const sign = alert.status === 'firing' ? ':red_circle:' : ':white_check_mark:';
    const by = alert.acknowledgedBy === undefined ? '' : ` – acknowledged by ${escapeSlack(alert.acknowledgedBy)}`;
    return `${sign} ${cut(oneLine(alert.summary), MAX_SUMMARY)}${measured(alert)}${by}`;
  });
  const more = alerts.length - shown.length;
  return [...shown, ...(more > 0 ? [`… and ${more} more`] : [])].join('\n');
}

function fieldsOf({ sinceMs, alerts, commonLabels }: Notification): Block[] {
  const [first] = alerts;
  const facts: [string, string | undefined][] = [
    ['Since', timeText(sinceMs)],
    ['Severity', commonLabels['severity']],
    ['Service', commonLabels['service']],
    ['Value', first.value === undefined ? undefined : numberText(first.value)],
    ['Threshold', first.threshold?.trim()],
  ];
  return facts.flatMap(([name, value]) =>
    value === undefined || value === '' ? [] : [marked(`*${name}*\n${oneLine(value)}`, MAX_FIELD)],
  );
}

function contextOf({ errorLine, trace }: Notification): Block[] {
  const elements: Block[] = [];
  // A back-tick would end the code.
  if (errorLine !== undefined)
    elements.push(marked(`Error: \`${cut(oneLine(errorLine.text.replaceAll('`', "'")), 500)}\``, MAX_CONTEXT));
  if (trace !== undefined) {
    const name = cut(oneLine(trace.name.replaceAll('|', '/')), 200);
    const what = `${trace.failed ? 'failed' : 'slow'}, ${Math.round(trace.durationMs)} ms`;
    elements.push(marked(`Trace: <${trace.link}|${name}> (${what})`, MAX_CONTEXT));
  }
  return elements.length === 0 ? [] : [{ type: 'context', elements }];
}

function buttonsOf({ links: { page, silence, runbook } }: Notification): Block {
  const all = [['Page', page], ['Silence', silence], ...(runbook === undefined ? [] : [['Runbook', runbook]])];
  const elements = all
    .filter(([, url]) => url.length <= MAX_URL)
    .map(([name, url]) => ({
      type: 'button',
      text: { type: 'plain_text', text: name },
      url,
      action_id: `vitrine_${name}`,
    }));
  return { type: 'actions', elements };
}

/** `title` is marked text already. */
export function blocksOf(notification: Notification, title: string): Block[] {
  const escaped = escapedNotification(notification, escapeSlack);
  const head = `*<${escaped.links.page}|${cut(oneLine(title).replaceAll('|', '/'), 300)}>*`;
  return [
    { type: 'section', text: marked(`${head}\n${listOf(escaped)}`, MAX_SECTION) },
    { type: 'section', fields: fieldsOf(escaped) },
    ...contextOf(escaped),
    // A URL of a button is no marked text.
    buttonsOf(notification),
  ];
}
