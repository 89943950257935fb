/** A card without data (the reason, and one action), a card that failed, a card that waits. */
import type { JSX } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import { ApiError } from '../state/api.ts';
import { copyText } from './copy.tsx';

export function Empty({ text, action }: { text: string; action?: JSX.Element }): JSX.Element {
  return (
    <div class="state">
      <p>{text}</p>
      {action}
    </div>
  );
}

export function Failed({ error, retry }: { error: Error; retry: () => void }): JSX.Element {
  const { hint, requestId, status } = error instanceof ApiError ? error : { hint: '', requestId: '', status: 0 };
  // A role that may not see something does not get it by asking again.
  const refused = status === 403;
  const details = [error.message, hint, requestId && `Request ${requestId}`].filter(Boolean).join('\n');
  return (
    <div class="state failed" role="status">
      <p>
        <b>{refused ? 'Your role may not see this.' : 'This could not be loaded.'}</b> {error.message} {hint}
      </p>
      {requestId !== '' && (
        <p class="muted">
          Request <span class="mono">{requestId}</span>
        </p>
      )}
      <div class="acts">
        {!refused && (
          <button type="button" class="btn sm" onClick={retry}>
            Retry
          </button>
        )}
        <button type="button" class="btn sm ghost" onClick={() => copyText(details, 'Details')}>
          Copy details
        </button>
      </div>
    </div>
  );
}

/** Nothing for 200 ms, then a placeholder; after two seconds it can be cancelled. */
export function Loading({ height, cancel }: { height: number; cancel?: () => void }): JSX.Element {
  const [waited, setWaited] = useState<'short' | 'long' | undefined>(undefined);
  useEffect(() => {
    const short = window.setTimeout(() => setWaited('short'), 200);
    const long = window.setTimeout(() => setWaited('long'), 2_000);
    return () => {
      clearTimeout(short);
      clearTimeout(long);
    };
  }, []);
  return (
    <div class="loading" style={{ height: `${height}px` }} role="status" aria-label="Loading">
      {waited !== undefined && <div class="skeleton" />}
      {waited === 'long' && cancel !== undefined && (
        <button type="button" class="btn sm" onClick={cancel}>
          Cancel
        </button>
      )}
    </div>
  );
}
