/** One error: how often and when it was seen, its stack, and the ways to a trace and to its lines. */
import type { JSX } from 'preact';
import type { ErrorDetail } from '../../monitor/api/records/contract.ts';
import { ApiError, sendJson, useResource } from '../state/api.ts';
import { termOf } from '../state/filter-text.ts';
import { dateTime, digits, NONE } from '../state/format.ts';
import { address } from '../state/router.ts';
import { CopyButton } from '../ui/copy.tsx';
import { Crumbs } from '../ui/crumbs.tsx';
import { Icon } from '../ui/icons.tsx';
import { Loaded } from '../ui/loaded.tsx';
import { Name } from '../ui/name.tsx';
import { Empty } from '../ui/states.tsx';
import { say, sayError } from '../ui/toast.tsx';
import { ErrorState } from './error-state.tsx';
import { usersText } from './errors.tsx';
import '../styles/records.css';

/** The line of an error may be written a moment after its span. */
const AROUND_MS = 60_000;

async function change(id: string, action: 'resolve' | 'reopen', reload: () => void): Promise<void> {
  try {
    const opposite = action === 'resolve' ? 'reopen' : 'resolve';
    const path = `/api/errors/${encodeURIComponent(id)}`;
    await sendJson('POST', `${path}/${action}`);
    say(action === 'resolve' ? 'Resolved. It opens again when it is seen.' : 'Opened again.', {
      async undo() {
        await sendJson('POST', `${path}/${opposite}`);
        reload();
      },
    });
    reload();
  } catch (error) {
    sayError(error);
  }
}

function Facts({ error }: { error: ErrorDetail }): JSX.Element {
  const facts: readonly (readonly [string, string])[] = [
    ['service', error.service],
    ['failing traces', digits(error.count)],
    ['users', usersText(error.users)],
    ['first seen', `${dateTime(error.first_seen_ms, 'seconds')} ${error.first_version}`],
    ['last seen', `${dateTime(error.last_seen_ms, 'seconds')} ${error.last_version}`],
    ['resolved', error.resolved_at_ms === null ? NONE : dateTime(error.resolved_at_ms, 'seconds')],
    ['culprit', error.culprit === '' ? NONE : error.culprit],
  ];
  return (
    <dl class="pairs">
      {facts.map(([name, value]) => (
        <div key={name}>
          <dt>{name}</dt>
          <dd>
            <Name of={value} mono />
          </dd>
        </div>
      ))}
    </dl>
  );
}

function ErrorCard({ error, reload }: { error: ErrorDetail; reload: () => void }): JSX.Element {
  const isResolved = error.state === 'resolved';
  const lines = address('/logs', {
    q: `${termOf('service', error.service)} level:>=error`,
    from: String(Math.floor(error.last_seen_ms - AROUND_MS)),
    to: String(Math.ceil(error.last_seen_ms + AROUND_MS)),
  });
  return (
    <>
      <section class="card c12 one-request" aria-label="Error">
        <div class="hd">
          <h2 class="cut">
            <Name of={error.type} most={80} />
          </h2>
          <ErrorState state={error.state} />
          <button
            type="button"
            class="btn sm"
            onClick={() => void change(error.id, isResolved ? 'reopen' : 'resolve', reload)}
          >
            <Icon name={isResolved ? 'up' : 'check'} small />
            {isResolved ? 'Reopen' : 'Resolve'}
          </button>
        </div>
        <p class="error-message mono">
          <Name of={error.message} most={2_000} />
        </p>
        <Facts error={error} />
        <p class="foot">
          {error.trace_id !== null && (
            <a class="btn sm" data-row href={`/traces/${error.trace_id}`}>
              <Icon name="traces" small />
              Open a trace of it
            </a>
          )}
          <a class="btn sm" href={lines}>
            <Icon name="logs" small />
            Lines around the last one
          </a>
          <a class="btn sm" href={address('/traces', { q: `${termOf('service', error.service)} span.status:error` })}>
            Failed traces of the service
          </a>
        </p>
      </section>
      <section class="card c12" aria-label="Stack">
        <div class="hd">
          <h2>Stack</h2>
          <span class="sub">of the newest one</span>
          {error.stack !== '' && <CopyButton text={error.stack} what="Stack" />}
        </div>
        {error.stack === '' ? (
          <Empty text="The error came without a stack; it is grouped by its type and message." />
        ) : (
          <pre class="stack-trace" tabIndex={0}>
            {error.stack}
          </pre>
        )}
      </section>
    </>
  );
}

export function ErrorPage({ id }: { id: string }): JSX.Element {
  const found = useResource<ErrorDetail>(`/api/errors/${encodeURIComponent(id)}`);
  const isUnknown = found.error instanceof ApiError && found.error.status === 404;
  const all = (
    <a class="btn sm" href="/errors">
      Show all errors
    </a>
  );
  return (
    <>
      <Crumbs list="Errors" path="/errors" name={found.data?.type ?? id} />
      {isUnknown ? (
        <section class="card c12">
          <Empty text="No error has this id. It may have given way to newer ones." action={all} />
        </section>
      ) : (
        <Loaded of={found} height={300}>
          {(error) => <ErrorCard error={error} reload={found.reload} />}
        </Loaded>
      )}
    </>
  );
}
