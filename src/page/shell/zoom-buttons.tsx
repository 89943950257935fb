/** Earlier, later, zoom out and zoom in as buttons: what a drag on a chart does must also work without one. */
import type { JSX } from 'preact';
import { shiftRange, shown, viewNowMs, zoomIn, zoomOut } from '../state/range.ts';
import type { IconName } from '../ui/icon-paths.ts';
import { Icon } from '../ui/icons.tsx';

const MOVES = {
  earlier: { icon: 'left', word: 'Earlier', name: 'Earlier (t ←)', act: () => shiftRange(-1) },
  later: { icon: 'right', word: 'Later', name: 'Later (t →)', act: () => shiftRange(1) },
  wider: { icon: 'minus', word: 'Wider', name: 'Zoom out (t −)', act: zoomOut },
  closer: { icon: 'plus', word: 'Closer', name: 'Zoom in (t +)', act: zoomIn },
} as const satisfies Record<string, { icon: IconName; word: string; name: string; act: () => void }>;

type Move = keyof typeof MOVES;

/** In the bar an icon, in the picker also a word. Nothing is later than now. */
export function MoveButton({ move, words = false }: { move: Move; words?: boolean }): JSX.Element {
  const { icon, word, name, act } = MOVES[move];
  const { toMs, stepMs } = shown.value;
  const off = move === 'later' && toMs + stepMs >= viewNowMs.value;
  return (
    <button
      type="button"
      class={words ? 'btn' : 'btn icon d'}
      aria-label={words ? undefined : name}
      title={name}
      aria-disabled={off}
      onClick={() => {
        if (!off) act();
      }}
    >
      <Icon name={icon} small />
      {words && word}
    </button>
  );
}

export function MoveButtons(): JSX.Element {
  return (
    <div class="words" role="group" aria-label="Move the time range">
      {(Object.keys(MOVES) as Move[]).map((move) => (
        <MoveButton key={move} move={move} words />
      ))}
    </div>
  );
}
