/**
 * Keys. Single keys can be turned off (WCAG 2.1.4) and are ignored while the user types; `Ctrl K` always works. A sequence
 * (`g o`, `t -`) ends after a second; a key that is also the start of one acts when nothing follows.
 */
import type { JSX } from 'preact';
import { useEffect, useRef } from 'preact/hooks';
import { keysOn, setKeys } from '../state/preferences.ts';
import { go, param } from '../state/router.ts';
import { Icon } from '../ui/icons.tsx';
import { ACTIONS, helpOpen, paletteOpen, toggleKiosk } from './actions.ts';
import { visiblePages } from './navigation.ts';

const SEQUENCE_MS = 1_000;

const isTyping = (target: EventTarget | null): boolean =>
  target instanceof HTMLElement && target.closest('input, textarea, select, [contenteditable]') !== null;
const isPressable = (target: EventTarget | null): boolean =>
  target instanceof HTMLElement && target.closest('button, a, summary, [role="option"]') !== null;

const NAMES: Readonly<Record<string, string>> = { ' ': 'space', ArrowLeft: '←', ArrowRight: '→', '=': '+', '−': '-' };

/** What a sequence of keys does; undefined when it is none. */
function actionOf(keys: string): (() => void) | undefined {
  const page = visiblePages().find(({ key }) => keys === `g ${key}`);
  if (page !== undefined) return () => go(page.path);
  return ACTIONS.find((action) => action.keys === keys)?.act;
}

const startsMore = (keys: string): boolean =>
  keys === 'g' || ACTIONS.some((action) => action.keys.startsWith(`${keys} `));

let pending = '';
let timer = 0;

/** The key as the lists name it; undefined when this press is none of ours. */
function keyOf(event: KeyboardEvent): string | undefined {
  if (!keysOn.value || event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey) return undefined;
  if (isTyping(event.target) || document.querySelector('dialog[open]') !== null) return undefined;
  const key = NAMES[event.key] ?? event.key;
  if (key === 'space') return isPressable(event.target) ? undefined : key;
  return key.length === 1 ? key : undefined;
}

function press(key: string): boolean {
  clearTimeout(timer);
  const keys = pending === '' ? key : `${pending} ${key}`;
  pending = '';
  if (startsMore(keys)) {
    pending = keys;
    timer = window.setTimeout(() => {
      pending = '';
      actionOf(keys)?.();
    }, SEQUENCE_MS);
    return false;
  }
  const act = actionOf(keys);
  act?.();
  return act !== undefined;
}

function onKey(event: KeyboardEvent): void {
  if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === 'k') {
    event.preventDefault();
    paletteOpen.value = !paletteOpen.value;
    return;
  }
  if (event.key === 'Escape' && param('kiosk') !== '') toggleKiosk();
  const key = keyOf(event);
  if (key !== undefined && press(key)) event.preventDefault();
}

export function startShortcuts(): void {
  addEventListener('keydown', onKey);
}

const ON_PAGES: readonly (readonly [string, string])[] = [
  ['← →', 'move the crosshair of a chart that has the focus'],
  ['Enter', 'open what lies under the crosshair, or the row'],
  ['f b', 'next and previous span of a trace'],
  ['Esc', 'close'],
];

export function Help(): JSX.Element {
  const dialog = useRef<HTMLDialogElement>(null);
  const open = helpOpen.value;
  useEffect(() => {
    if (open) dialog.current?.showModal();
    else dialog.current?.close();
  }, [open]);
  const rows: readonly (readonly [string, string])[] = [
    ['Ctrl K', 'search or jump to anything'],
    ...ACTIONS.map(({ keys, title }) => [keys, title] as const),
    ...visiblePages().map(({ key, title }) => [`g ${key}`, title] as const),
    ...ON_PAGES,
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
      <label class="check">
        <input type="checkbox" checked={keysOn.value} onChange={(event) => setKeys(event.currentTarget.checked)} />
        Single keys do something. Ctrl K always does.
      </label>
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
