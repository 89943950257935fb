/** A card without data: the reason, and one action. */
import type { JSX } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import { ApiError } from '../state/api.ts';

export function Empty({ text, action }: { text: string; action?: JSX.Element }): JSX.Element {
  return (
    <div class="state">
      <p>{text}</p>
      {action}
    </div>
  );
}

export function Failed({ error, retry }: { error: Error; retry: () => void }): JSX.Element {
  const { hint, requestId } = error instanceof ApiError ? error : { hint: '', requestId: '' };
  return (
    <div class="state failed" role="status">
      <p>
        <b>This could not be loaded.</b> {error.message} {hint}
      </p>
      {requestId !== '' && (
        <p class="muted">
          Request <span class="mono">{requestId}</span>
        </p>
      )}
      <button type="button" class="btn sm" onClick={retry}>
        Retry
      </button>
    </div>
  );
}

/** Nothing for 200 ms, then a placeholder. */
export function Loading({ height }: { height: number }): JSX.Element {
  const [shown, setShown] = useState(false);
  useEffect(() => {
    const timer = window.setTimeout(() => setShown(true), 200);
    return () => clearTimeout(timer);
  }, []);
  return (
    <div class="loading" style={{ height: `${height}px` }} role="status" aria-label="Loading">
      {shown && <div class="skeleton" />}
    </div>
  );
}
