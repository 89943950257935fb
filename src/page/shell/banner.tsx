/** Warns when the page shows old data: the connection is lost, with the reason when it is known, or the view is paused. */
import type { JSX } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import { connect, connection, frame, pausedSince, togglePause } from '../state/connection.ts';
import { clockTime } from '../state/format.ts';

const span = (ms: number): string => {
  const seconds = Math.max(0, Math.floor(ms / 1_000));
  return `${String(Math.floor(seconds / 60)).padStart(2, '0')}:${String(seconds % 60).padStart(2, '0')}`;
};

function useNow(active: boolean): number {
  const [now, setNow] = useState(Date.now());
  useEffect(() => {
    if (!active) return undefined;
    setNow(Date.now());
    const timer = window.setInterval(() => setNow(Date.now()), 500);
    return () => clearInterval(timer);
  }, [active]);
  return now;
}

function Lost({ now }: { now: number }): JSX.Element | null {
  const state = connection.value;
  if (state.kind !== 'lost') return null;
  const wait = Math.max(0, Math.ceil((state.retryAtMs - now) / 1_000));
  const seen = frame.value?.timeMs;
  return (
    <div class="banner lost" role="alert">
      <span>
        <b>Connection lost</b>
        {state.reason !== '' && <span>: {state.reason}</span>}{' '}
        <span aria-hidden="true">
          {span(now - state.sinceMs)}, {wait > 0 ? `next try in ${wait} s` : 'trying now'}
        </span>
        {seen !== undefined && <span class="muted"> · figures of {clockTime(seen)}</span>}
      </span>
      <button type="button" class="btn sm" onClick={connect}>
        Retry now
      </button>
    </div>
  );
}

export function Banner(): JSX.Element | null {
  const paused = pausedSince.value;
  const now = useNow(connection.value.kind === 'lost' || paused !== undefined);
  if (connection.value.kind === 'lost') return <Lost now={now} />;
  if (paused === undefined) return null;
  return (
    <div class="banner" role="status">
      <span>
        <b>View paused</b> at {clockTime(paused)}, still recording{' '}
        <span aria-hidden="true">· {span(now - paused)} behind</span>
      </span>
      <button type="button" class="btn sm" onClick={togglePause}>
        Resume
      </button>
    </div>
  );
}
