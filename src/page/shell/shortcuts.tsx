/** Keys: `?` lists them, space pauses the view, `g` and a letter opens a page. Ignored while the user types. */
import { signal } from '@preact/signals';
import type { JSX } from 'preact';
import { useEffect, useRef } from 'preact/hooks';
import { togglePause } from '../state/connection.ts';
import { go } from '../state/router.ts';
import { Icon } from '../ui/icons.tsx';
import { PAGES } from './navigation.ts';

export const helpOpen = signal(false);

const isTyping = (target: EventTarget | null): boolean =>
  target instanceof HTMLElement && target.closest('input, textarea, select, [contenteditable]') !== null;
const isPressable = (target: EventTarget | null): boolean =>
  target instanceof HTMLElement && target.closest('button, a, summary') !== null;

let afterG = false;

function onKey(event: KeyboardEvent): void {
  if (isTyping(event.target) || event.ctrlKey || event.metaKey || event.altKey) return;
  const { key } = event;
  const page = afterG ? PAGES.find((one) => one.key === key) : undefined;
  afterG = key === 'g';
  if (page !== undefined) go(page.path);
  else if (key === '?') helpOpen.value = !helpOpen.value;
  else if (key === ' ' && !isPressable(event.target)) {
    event.preventDefault();
    togglePause();
  }
}

export function startShortcuts(): void {
  addEventListener('keydown', onKey);
}

export function Help(): JSX.Element {
  const dialog = useRef<HTMLDialogElement>(null);
  const open = helpOpen.value;
  useEffect(() => {
    if (open) dialog.current?.showModal();
    else dialog.current?.close();
  }, [open]);
  const rows: readonly [string, string][] = [
    ['?', 'this list'],
    ['space', 'hold or resume the view; recording goes on'],
    ...PAGES.map(({ key, title }): [string, string] => [`g ${key}`, title]),
    ['← →', 'move the crosshair of a chart that has the focus'],
    ['Enter', 'open what lies under the crosshair'],
    ['f b', 'next and previous span of a trace'],
    ['Esc', 'close'],
  ];
  return (
    <dialog
      ref={dialog}
      class="help"
      aria-label="Keyboard shortcuts"
      onClose={() => {
        helpOpen.value = false;
      }}
    >
      <header>
        <h2>Keys</h2>
        <button type="button" class="btn icon ghost" aria-label="Close" onClick={() => dialog.current?.close()}>
          <Icon name="close" />
        </button>
      </header>
      <dl>
        {rows.map(([keys, does]) => (
          <div key={keys}>
            <dt>
              {keys.split(' ').map((key) => (
                <kbd key={key}>{key}</kbd>
              ))}
            </dt>
            <dd>{does}</dd>
          </div>
        ))}
      </dl>
    </dialog>
  );
}
