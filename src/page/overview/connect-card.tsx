/**
 * "Connect your app": the lines that send telemetry here, for each language, and a live line that says what has come. It
 * stays until it is closed; `/?connect=1` opens it again.
 */
import type { JSX } from 'preact';
import { useState } from 'preact/hooks';
import type { ConnectAnswer } from '../../monitor/api/care-contract.ts';
import { useResource } from '../state/api.ts';
import { age } from '../state/format.ts';
import { viewNowMs } from '../state/range.ts';
import { address, setParams } from '../state/router.ts';
import { closeCard, CONNECT_CARD } from '../state/preferences.ts';
import { session } from '../state/session.ts';
import { copyText } from '../ui/copy.tsx';
import { Icon, StatusIcon } from '../ui/icons.tsx';
import { Loaded } from '../ui/loaded.tsx';
import { Name } from '../ui/name.tsx';
import type { Place } from './snippets.ts';
import { addressFrom, obstacle, snippetsFor } from './snippets.ts';

const EVERY_MS = 2_000;
const PLACES: readonly (readonly [Place, string])[] = [
  ['here', 'on this machine'],
  ['container', 'in a container'],
  ['elsewhere', 'on another machine'],
];

function Received({ received }: { received: ConnectAnswer['received'] }): JSX.Element {
  const [first, ...others] = received;
  return (
    <p class="received" role="status">
      {first === undefined ? (
        <>
          <StatusIcon status="unknown" label="" /> Waiting for the first span of a service of yours.
        </>
      ) : (
        <>
          <StatusIcon status="ok" label="" />
          <span>
            received <b>{first.spans}</b> {first.spans === 1 ? 'span' : 'spans'} from{' '}
            <a href={address('/service', { service: first.service })}>
              <Name of={first.service} most={60} />
            </a>
            <span class="muted">, the last {age(viewNowMs.value - first.lastMs)} ago</span>
            {others.length > 0 && <span class="muted">, and from {others.length} more</span>}
          </span>
        </>
      )}
    </p>
  );
}

function Lines({ answer }: { answer: ConnectAnswer }): JSX.Element {
  const [where, setWhere] = useState<Place>('here');
  const [chosen, setChosen] = useState('node');
  const needsToken = session.value?.token_needed === true;
  const from = (given: string): string => addressFrom(given, where, location.hostname);
  const snippets = snippetsFor({ otlpHttp: from(answer.otlp_http), otlpGrpc: from(answer.otlp_grpc), needsToken });
  const snippet = snippets.find(({ id }) => id === chosen) ?? snippets[0];
  const hindrance = obstacle(answer.otlp_http, where);
  return (
    <>
      <div class="choices">
        <div class="seg" role="group" aria-label="Language">
          {snippets.map(({ id, title }) => (
            <button key={id} type="button" aria-pressed={id === snippet.id} onClick={() => setChosen(id)}>
              {title}
            </button>
          ))}
        </div>
        <label class="where">
          It runs
          <select value={where} onChange={(event) => setWhere(event.currentTarget.value as Place)}>
            {PLACES.map(([id, title]) => (
              <option key={id} value={id}>
                {title}
              </option>
            ))}
          </select>
        </label>
      </div>
      {hindrance !== '' && (
        <p class="hindrance">
          <StatusIcon status="warn" label="" /> {hindrance}
        </p>
      )}
      <div class="snippet">
        <pre class="mono" tabIndex={0} aria-label={`Lines for ${snippet.title}`}>
          {snippet.lines.join('\n')}
        </pre>
        <button type="button" class="btn sm" onClick={() => copyText(snippet.lines.join('\n'), 'Lines')}>
          <Icon name="copy" small /> Copy
        </button>
      </div>
    </>
  );
}

export function ConnectCard(): JSX.Element {
  const answer = useResource<ConnectAnswer>('/api/connect', EVERY_MS);
  return (
    <section class="card c8 connect" aria-label="Connect your app">
      <div class="hd">
        <h2>Connect your app</h2>
        <span class="sub">OpenTelemetry, as it is</span>
        <button
          type="button"
          class="more"
          aria-label="Close this card"
          title="Close this card; Settings shows it again"
          onClick={() => {
            closeCard(CONNECT_CARD);
            setParams({ connect: '' }, true);
          }}
        >
          <Icon name="close" small />
        </button>
      </div>
      <Loaded of={answer} height={180}>
        {(data) => (
          <div class="body">
            <Lines answer={data} />
            <Received received={data.received} />
          </div>
        )}
      </Loaded>
    </section>
  );
}
