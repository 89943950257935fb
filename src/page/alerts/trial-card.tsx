/** Tries a channel or a template before it is written into the configuration. Nothing of it is kept, here or on the server. */
import type { JSX } from 'preact';
import { useState } from 'preact/hooks';
import type { ReceiverTestAnswer, RenderedAnswer } from '../../monitor/api/alerts/contract.ts';
import { sendJson } from '../state/api.ts';
import { mayDo } from '../state/session.ts';

/** Kind → an entry to begin with, as it would stand in the configuration. */
const EXAMPLES: Readonly<Record<string, string>> = {
  webhook: '{ "url": "https://example.org/hook" }',
  slack: '{ "api_url": "https://hooks.slack.com/services/…", "channel": "#ops" }',
  email: '{ "smarthost": "mail.example.org:587", "from": "vitrine@example.org", "to": "ops@example.org" }',
  telegram: '{ "bot_token": "…", "chat_id": "-100…" }',
  discord: '{ "webhook_url": "https://discord.com/api/webhooks/…" }',
  msteamsv2: '{ "webhook_url": "https://…" }',
  pagerduty: '{ "routing_key": "…" }',
  ntfy: '{ "topic": "ops" }',
  sms: '{ "account_sid": "…", "auth_token": "…", "from": "Vitrine", "to": "+49…" }',
};
const TEMPLATE = '{{ .Status }}: {{ .CommonLabels.alertname }} {{ .Summary }}';

interface Said {
  readonly isFine: boolean;
  readonly text: string;
}

/** Runs one trial at a time and keeps what the last one said. */
function useTrial(): [Said | 'running' | undefined, (trial: () => Promise<Said>) => void] {
  const [said, setSaid] = useState<Said | 'running' | undefined>(undefined);
  const run = (trial: () => Promise<Said>): void => {
    setSaid('running');
    trial()
      .catch((error: unknown) => ({ isFine: false, text: error instanceof Error ? error.message : 'failed' }))
      .then(setSaid)
      .catch(() => setSaid(undefined));
  };
  return [said, run];
}

function Outcome({ said }: { said: Said | 'running' | undefined }): JSX.Element {
  if (said === undefined || said === 'running')
    return <output class="muted">{said === undefined ? '' : 'running'}</output>;
  return <output class={said.isFine ? 'trial-out mono' : 'trial-out crit-text'}>{said.text}</output>;
}

async function tryChannel(kind: string, entry: string): Promise<Said> {
  const body = { kind, entry: JSON.parse(entry) as unknown };
  const { results } = await sendJson<ReceiverTestAnswer>('POST', '/api/notify/test', body);
  return {
    isFine: results.every(({ ok }) => ok),
    text: results.map(({ ok, message }) => (ok ? 'The channel took the test message.' : message)).join('\n'),
  };
}

function ChannelTrial(): JSX.Element {
  const [kind, setKind] = useState('webhook');
  const [entry, setEntry] = useState(EXAMPLES['webhook'] ?? '');
  const [said, run] = useTrial();
  return (
    <form
      class="trial"
      onSubmit={(event) => {
        event.preventDefault();
        run(() => tryChannel(kind, entry));
      }}
    >
      <label>
        Kind
        <select
          value={kind}
          onChange={({ currentTarget }) => {
            setKind(currentTarget.value);
            setEntry(EXAMPLES[currentTarget.value] ?? '{}');
          }}
        >
          {Object.keys(EXAMPLES).map((one) => (
            <option key={one} value={one}>
              {one}
            </option>
          ))}
        </select>
      </label>
      <label>
        Entry, as JSON
        <textarea
          class="mono"
          rows={4}
          spellcheck={false}
          autocomplete="off"
          value={entry}
          onInput={({ currentTarget }) => setEntry(currentTarget.value)}
        />
      </label>
      <button type="submit" class="btn" disabled={said === 'running'}>
        Send a test
      </button>
      <Outcome said={said} />
    </form>
  );
}

function TemplateTrial(): JSX.Element {
  const [template, setTemplate] = useState(TEMPLATE);
  const [alert, setAlert] = useState('');
  const [said, run] = useTrial();
  const render = async (): Promise<Said> => {
    const body = { template, ...(alert === '' ? {} : { alert }) };
    const { text } = await sendJson<RenderedAnswer>('POST', '/api/notify/render', body);
    return { isFine: true, text: text === '' ? '(an empty text)' : text };
  };
  return (
    <form
      class="trial"
      onSubmit={(event) => {
        event.preventDefault();
        run(render);
      }}
    >
      <label>
        Template
        <textarea
          class="mono"
          rows={4}
          spellcheck={false}
          value={template}
          onInput={({ currentTarget }) => setTemplate(currentTarget.value)}
        />
      </label>
      <label>
        Fingerprint of an alert (an example without it)
        <input class="mono" value={alert} onInput={({ currentTarget }) => setAlert(currentTarget.value.trim())} />
      </label>
      <button type="submit" class="btn" disabled={said === 'running'}>
        Show
      </button>
      <Outcome said={said} />
    </form>
  );
}

export function TrialCard(): JSX.Element | null {
  if (!mayDo('editor')) return null;
  return (
    <section class="card c12" aria-label="Try before saving">
      <div class="hd tall">
        <h2>Try before saving</h2>
        <span class="sub">nothing of it is kept; private addresses are for the configuration file</span>
      </div>
      <div class="trials">
        <ChannelTrial />
        <TemplateTrial />
      </div>
    </section>
  );
}
