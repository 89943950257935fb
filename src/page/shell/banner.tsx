/** Warns when the page shows old data: the connection is lost, or the view is paused. */
import type { JSX } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import { connect, connection, pausedSince, togglePause } from '../state/connection.ts';

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

export function Banner(): JSX.Element | null {
  const state = connection.value;
  const paused = pausedSince.value;
  const now = useNow(state.kind === 'lost' || paused !== undefined);
  if (state.kind === 'lost') {
    const wait = Math.max(0, Math.ceil((state.retryAtMs - now) / 1_000));
    return (
      <div class="banner lost" role="alert">
        <span>
          <b>Connection lost</b>{' '}
          <span aria-hidden="true">
            {span(now - state.sinceMs)}, {wait > 0 ? `next try in ${wait} s` : 'trying now'}
          </span>
        </span>
        <button type="button" class="btn sm" onClick={connect}>
          Retry now
        </button>
      </div>
    );
  }
  if (paused === undefined) return null;
  return (
    <div class="banner" role="status">
      <span>
        <b>View paused</b>, still recording <span aria-hidden="true">· {span(now - paused)} behind</span>
      </span>
      <button type="button" class="btn sm" onClick={togglePause}>
        Resume
      </button>
    </div>
  );
}
