/** The receivers with their channels, and a button that sends a test message. Secrets are never shown. */
import type { JSX } from 'preact';
import { useState } from 'preact/hooks';
import type { ReceiversAnswer, ReceiverTestAnswer } from '../../monitor/api/alerts/contract.ts';
import { sendJson, useResource } from '../state/api.ts';
import { mayDo } from '../state/session.ts';
import { StatusIcon } from '../ui/icons.tsx';
import { Loaded } from '../ui/loaded.tsx';
import { Name } from '../ui/name.tsx';
import { Empty } from '../ui/states.tsx';
import { sayError } from '../ui/toast.tsx';

type Receiver = ReceiversAnswer['receivers'][number];

function Row({ receiver }: { receiver: Receiver }): JSX.Element {
  const [results, setResults] = useState<ReceiverTestAnswer['results'] | 'running' | undefined>(undefined);
  const test = (): void => {
    setResults('running');
    sendJson<ReceiverTestAnswer>('POST', '/api/notify/test', { receiver: receiver.name })
      .then((answer) => setResults(answer.results))
      .catch((error: unknown) => {
        setResults(undefined);
        sayError(error);
      });
  };
  const outcome = (kind: string, index: number): JSX.Element | null => {
    if (results === undefined) return null;
    if (results === 'running') return <span class="muted">sending</span>;
    const one = results.find((result) => result.kind === kind && result.index === index);
    if (one === undefined) return null;
    return (
      <span>
        <StatusIcon status={one.ok ? 'ok' : 'crit'} label="" /> <Name of={one.message} most={200} />
      </span>
    );
  };
  return (
    <div class="row-2">
      <div class="line">
        <b>
          <Name of={receiver.name} most={60} />
        </b>
        {mayDo('editor') && receiver.channels.length > 0 && (
          <button type="button" class="btn sm" disabled={results === 'running'} onClick={test}>
            Send a test<span class="vh"> to {receiver.name}</span>
          </button>
        )}
      </div>
      {receiver.channels.length === 0 && <p class="muted">No channel: what is sent here reaches nobody.</p>}
      {receiver.channels.map(({ kind, index, send_resolved: resolved }) => (
        <p key={`${kind}/${index}`} role="status">
          {kind}
          <span class="muted">{resolved ? '' : ', without resolutions'}</span> {outcome(kind, index)}
        </p>
      ))}
    </div>
  );
}

export function ChannelsCard(): JSX.Element {
  const found = useResource<ReceiversAnswer>('/api/notify/receivers');
  return (
    <section class="card c12" aria-label="Channels">
      <div class="hd">
        <h2>Channels</h2>
        <span class="sub">receivers of the configuration</span>
      </div>
      <Loaded
        of={found}
        height={120}
        isEmpty={({ receivers }) => receivers.length === 0}
        empty={<Empty text="No receiver is configured (notify in vitrine.yaml)." />}
      >
        {({ receivers }) => receivers.map((one) => <Row key={one.name} receiver={one} />)}
      </Loaded>
    </section>
  );
}
