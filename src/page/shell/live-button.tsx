/** Live, paused, or a fixed range: says which, pauses and resumes, and leads from a fixed range back to the present. */
import type { JSX } from 'preact';
import { connection, pausedSince, togglePause } from '../state/connection.ts';
import { jumpToNow, shown } from '../state/range.ts';
import { pageState } from '../state/router.ts';
import { Icon } from '../ui/icons.tsx';

export function LiveButton(): JSX.Element {
  const paused = pausedSince.value !== undefined;
  const open = connection.value.kind === 'open';
  const fixed = shown.value.mode === 'fixed' && !paused;
  const word = paused
    ? 'Paused'
    : fixed
      ? 'Past'
      : !open
        ? 'Offline'
        : pageState.value.live === 'always'
          ? 'Always live'
          : 'Live';
  const name = fixed ? 'Back to the present (.)' : paused ? 'Resume the view (space)' : 'Pause the view (space)';
  return (
    <button
      type="button"
      class={`btn live${paused || fixed || !open ? ' held' : ''}`}
      aria-label={`${word}. ${name}`}
      title={name}
      onClick={fixed ? jumpToNow : togglePause}
    >
      <i class="pulse" />
      {word}
      <Icon name={fixed ? 'last' : paused ? 'play' : 'pause'} small />
    </button>
  );
}
