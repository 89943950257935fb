/** `vitrine alerts`, `silence`, `notify test` and `explain alert`: alert care in the terminal, over the API on port 4000. */
import { VitrineError } from '../../base/errors.ts';
import type {
  AlertDetail,
  EventView,
  LedgerAnswer,
  RecordingsAnswer,
  RecordingView,
  SilencesAnswer,
} from '../../monitor/api/alerts/contract.ts';
import { ask, remove, send, type ClientOptions } from '../client.ts';
import { paint, print, tell, visibleLine } from '../output.ts';

export interface AlertTarget extends ClientOptions {
  readonly json: boolean;
  /** Who acts. */
  readonly by: string;
}

type Labels = Readonly<Record<string, string>>;

interface ListedAlert {
  readonly fingerprint: string;
  readonly labels: Labels;
  readonly annotations: Labels;
  readonly startsAt: string;
  readonly receivers: readonly { readonly name: string }[];
  readonly status: {
    readonly state: string;
    readonly silencedBy: string[];
    readonly inhibitedBy: string[];
    readonly mutedBy: string[];
  };
}

/** Labels as text, without the name of the alert. */
const labelsText = (labels: Labels): string =>
  Object.entries(labels)
    .filter(([name]) => name !== 'alertname')
    .map(([name, value]) => `${name}=${value}`)
    .join(' ');

const out = (text: string): void => print(visibleLine(text));

export async function listAlerts(target: AlertTarget): Promise<void> {
  const alerts = (await ask(target, '/api/v2/alerts')) as readonly ListedAlert[];
  if (target.json) return print(JSON.stringify(alerts));
  if (alerts.length === 0) return out('No alert fires.');
  for (const { fingerprint, labels, annotations, startsAt, receivers, status } of alerts) {
    const mutes = [...status.silencedBy, ...status.inhibitedBy, ...status.mutedBy];
    const state = mutes.length === 0 ? paint('red', 'firing') : paint('dim', 'muted');
    const to = receivers.map(({ name }) => name).join(', ');
    print(`${fingerprint}  ${state}  ${visibleLine(`${labels['alertname'] ?? ''}  ${labelsText(labels)}`)}`);
    out(`    since ${startsAt} → ${to}${annotations['summary'] === undefined ? '' : `: ${annotations['summary']}`}`);
  }
  return undefined;
}

/** The whole fingerprint of a beginning. Throws VitrineError `usage` when several or none have it. */
async function wholeId(target: AlertTarget, id: string): Promise<string> {
  if (/^[0-9a-f]{16}$/.test(id)) return id;
  const alerts = (await ask(target, '/api/v2/alerts')) as readonly ListedAlert[];
  const found = alerts.filter(({ fingerprint }) => fingerprint.startsWith(id));
  if (found.length === 1) return found[0].fingerprint;
  const what = found.length === 0 ? 'No alert has' : `${found.length} alerts have`;
  throw new VitrineError('usage', `${what} an id that begins with "${id}".`, { hint: '`vitrine alerts` lists them.' });
}

export async function careFor(target: AlertTarget, id: string, action: string, body: object): Promise<void> {
  const whole = await wholeId(target, id);
  const answer = await send(target, `/api/alerts/${whole}/${action}`, { ...body, by: target.by });
  if (target.json) print(JSON.stringify(answer));
  else tell(`${action}: done by ${visibleLine(target.by)}`);
}

/** Why it was, or was not, sent: the present state first, then the history. */
export async function explainAlert(target: AlertTarget, id: string): Promise<void> {
  const whole = await wholeId(target, id);
  const page = (await ask(target, `/api/notifications?alert=${whole}&limit=1000`)) as LedgerAnswer;
  const detail = await alertNow(target, whole);
  if (detail === undefined && page.notifications.length === 0) {
    throw new VitrineError('not_found', `Nothing is known of an alert ${whole}.`);
  }
  const { enabled, recordings } = (await ask(target, `/api/recordings?alert=${whole}`)) as RecordingsAnswer;
  if (target.json)
    return print(JSON.stringify({ alert: detail ?? null, notifications: page.notifications, recordings }));
  const events = page.notifications.toReversed();
  if (detail !== undefined) showDetail(detail);
  showNotified(detail, events);
  for (const recording of recordings) showRecording(recording);
  if (recordings.length === 0) out(enabled ? 'Nothing is recorded of it.' : 'The flight recorder is switched off.');
  out('');
  for (const { at, text, type } of events) out(`${at}  ${text}  (${type})`);
  return undefined;
}

function showNotified(detail: AlertDetail | undefined, events: readonly EventView[]): void {
  const sent = events.filter(({ type }) => type === 'notification').length;
  out(sent === 0 ? 'Nobody was told of it.' : `It was sent ${sent} ${sent === 1 ? 'time' : 'times'}.`);
  for (const { text } of detail?.muted_by ?? []) out(`It is not sent now: ${text}.`);
  for (const { key, receiver, next_flush: next } of detail?.groups ?? []) {
    out(`Its group ${key} for ${receiver} is looked at next at ${next}.`);
  }
}

/** With the commands that show the records. */
function showRecording({ from, to, kept_until: until, released_at: released, records }: RecordingView): void {
  const { logs = 0, traces = 0, requests = 0 } = records ?? {};
  out(`Recorded from ${from} to ${to}: ${requests} requests, ${traces} spans, ${logs} lines.`);
  out(
    until === null
      ? `  released at ${released ?? ''}, because newer recordings needed the room`
      : `  kept until ${until}; vitrine requests, traces or logs --since ${from} --until ${to}`,
  );
}

async function alertNow(target: AlertTarget, id: string): Promise<AlertDetail | undefined> {
  try {
    return (await ask(target, `/api/alerts/${id}`)) as AlertDetail;
  } catch (error) {
    // Over, and no longer held; its history is still there.
    if (error instanceof VitrineError && error.code === 'query_failed') return undefined;
    throw error;
  }
}

function showDetail({
  fingerprint,
  labels,
  annotations,
  state,
  starts_at: since,
  value,
  threshold,
  care,
}: AlertDetail): void {
  out(`${labels['alertname'] ?? fingerprint} (${fingerprint}) ${state} since ${since}`);
  out(`  ${labelsText(labels)}`);
  if (annotations['summary'] !== undefined) out(`  ${annotations['summary']}`);
  if (value !== null) out(`  value ${value}${threshold === null ? '' : `, condition ${threshold}`}`);
  if (care.acknowledged !== undefined) out(`  acknowledged by ${care.acknowledged.by}`);
  if (care.assignee !== undefined) out(`  assigned to ${care.assignee}`);
  for (const { by, text } of care.comments) out(`  ${by}: ${text}`);
}

const OPERATORS: Readonly<Record<string, string>> = {
  truefalse: '=',
  falsefalse: '!=',
  truetrue: '=~',
  falsetrue: '!~',
};

export async function listSilences(target: AlertTarget, withExpired: boolean): Promise<void> {
  const path = `/api/silences${withExpired ? '?expired=true' : ''}`;
  const { silences } = (await ask(target, path)) as SilencesAnswer;
  if (target.json) return print(JSON.stringify(silences));
  if (silences.length === 0) return out('No silences.');
  for (const { id, status, endsAt, createdBy, comment, matchers, mutes } of silences) {
    const text = matchers.map(
      ({ name, value, isEqual, isRegex }) => `${name}${OPERATORS[`${isEqual}${isRegex}`]}"${value}"`,
    );
    out(`${id}  ${status.state} until ${endsAt}  {${text.join(', ')}}  mutes ${mutes.length} of the alerts of now`);
    out(`    ${createdBy}: ${comment}`);
  }
  return undefined;
}

export async function addSilence(target: AlertTarget, body: object): Promise<void> {
  const answer = (await send(target, '/api/silences', { ...body, created_by: target.by })) as {
    readonly silence?: { readonly id: string; readonly endsAt: string };
    readonly would_mute: readonly { readonly fingerprint: string; readonly labels: Labels }[];
  };
  if (target.json) return print(JSON.stringify(answer));
  const { silence, would_mute: mutes } = answer;
  tell(`${silence === undefined ? 'It would mute' : 'It mutes'} ${mutes.length} of the alerts of now.`);
  for (const { fingerprint, labels } of mutes)
    tell(visibleLine(`  ${fingerprint}  ${labels['alertname'] ?? ''}  ${labelsText(labels)}`));
  if (silence !== undefined) print(silence.id);
  return undefined;
}

export async function expireSilence(target: AlertTarget, id: string): Promise<void> {
  const answer = await remove(target, `/api/silences/${encodeURIComponent(id)}`);
  if (target.json) print(JSON.stringify(answer));
  else tell('The silence has ended.');
}

/** Throws VitrineError `check_failed` when a channel failed. */
export async function testReceiver(target: AlertTarget, receiver: string): Promise<void> {
  const answer = await send(target, '/api/notify/test', { receiver, by: target.by });
  reportTest(target, answer, `Receiver "${visibleLine(receiver)}"`);
}

export function reportTest(target: AlertTarget, answer: unknown, what: string): void {
  const { results } = answer as {
    readonly results: readonly {
      readonly kind: string;
      readonly index: number;
      readonly ok: boolean;
      readonly message: string;
    }[];
  };
  if (target.json) print(JSON.stringify(answer));
  else {
    for (const { kind, index, ok, message } of results)
      out(`${kind}/${index}: ${ok ? 'delivered' : `failed: ${message}`}`);
    if (results.length === 0) tell(`${what} has no channel that Vitrine delivers to.`);
  }
  if (results.every(({ ok }) => ok)) return;
  throw new VitrineError('check_failed', 'A channel did not take the test message.');
}
