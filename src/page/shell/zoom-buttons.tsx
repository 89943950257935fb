/** Earlier, later, zoom out and zoom in as buttons: what a drag on a chart does must also work without one. */
import type { JSX } from 'preact';
import { shiftRange, shown, viewNowMs, zoomIn, zoomOut } from '../state/range.ts';
import type { IconName } from '../ui/icon-paths.ts';
import { Icon } from '../ui/icons.tsx';

export function ZoomButtons({ words = false }: { words?: boolean }): JSX.Element {
  const { toMs, stepMs } = shown.value;
  const atNow = toMs + stepMs >= viewNowMs.value;
  const rows: readonly [icon: IconName, word: string, name: string, act: () => void, off: boolean][] = [
    ['left', 'Earlier', 'Earlier (t ←)', () => shiftRange(-1), false],
    ['right', 'Later', 'Later (t →)', () => shiftRange(1), atNow],
    ['minus', 'Wider', 'Zoom out (t −)', zoomOut, false],
    ['plus', 'Closer', 'Zoom in (t +)', zoomIn, false],
  ];
  return (
    <div class={words ? 'group words' : 'group d'} role="group" aria-label="Move the time range">
      {rows.map(([icon, word, name, act, off]) => (
        <button
          key={icon}
          type="button"
          class={words ? 'btn' : 'btn icon'}
          aria-label={words ? undefined : name}
          title={name}
          aria-disabled={off}
          onClick={() => !off && act()}
        >
          <Icon name={icon} small />
          {words && word}
        </button>
      ))}
    </div>
  );
}
