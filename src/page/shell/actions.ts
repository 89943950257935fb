/** What can be done from anywhere: by key, from the palette, from the help. One list, so that they never differ. */
import { signal } from '@preact/signals';
import { togglePause } from '../state/connection.ts';
import { jumpToNow, setRange, shiftRange, zoomIn, zoomOut } from '../state/range.ts';
import { param, setParams } from '../state/router.ts';
import { nextTheme } from '../state/theme.ts';
import { PRESETS } from '../state/time-range.ts';
import { setCompact, compact } from '../state/preferences.ts';
import type { IconName } from '../ui/icon-paths.ts';
import { copyLink } from '../ui/copy.tsx';
import { say } from '../ui/toast.tsx';
import type { PaletteItem } from './palette-items.ts';

export const helpOpen = signal(false);
export const paletteOpen = signal(false);

export interface Action {
  /** Keys one after the other, '' without. */
  readonly keys: string;
  readonly title: string;
  readonly icon: IconName;
  readonly act: () => void;
}

const focusFilter = (): void => {
  const filter = document.querySelector<HTMLElement>('main [data-filter], main form.filters input');
  if (filter === null) paletteOpen.value = true;
  else filter.focus();
};

const openPicker = (): void => document.querySelector<HTMLElement>('#time-picker')?.showPopover();

/** A screen on a wall shows the page alone. Escape ends it. */
export const toggleKiosk = (): void => setParams({ kiosk: param('kiosk') === '' ? '1' : '' }, true);

/** Moves the focus among the rows of a list. */
function moveInList(step: 1 | -1): void {
  const rows = [...document.querySelectorAll<HTMLElement>('main [data-row]')].filter(
    (row) => row.getBoundingClientRect().height > 0,
  );
  const at = rows.findIndex((row) => row === document.activeElement || row.contains(document.activeElement));
  const next = rows[at < 0 ? (step > 0 ? 0 : rows.length - 1) : Math.max(0, Math.min(rows.length - 1, at + step))];
  next?.focus();
  next?.scrollIntoView({ block: 'nearest' });
}

/** Presses the button of the row that has the focus, or the only one of the page. */
function pressOnPage(key: string): void {
  const row = document.activeElement?.closest('[data-keys]');
  const found = [...(row ?? document).querySelectorAll<HTMLElement>(`[data-key="${key}"]`)];
  if (found.length === 1) found[0].click();
  else if (found.length > 1) say('Choose a row first, with j and k.');
}

export const ACTIONS: readonly Action[] = [
  { keys: '?', title: 'Keyboard shortcuts', icon: 'help', act: () => void (helpOpen.value = !helpOpen.value) },
  { keys: '/', title: 'Filter this page', icon: 'search', act: focusFilter },
  { keys: 'space', title: 'Pause or resume the view; recording goes on', icon: 'pause', act: togglePause },
  { keys: '.', title: 'Jump to now', icon: 'last', act: jumpToNow },
  { keys: 't', title: 'Choose the time range', icon: 'clock', act: openPicker },
  { keys: 't -', title: 'Zoom out', icon: 'minus', act: zoomOut },
  { keys: 't +', title: 'Zoom in', icon: 'plus', act: zoomIn },
  { keys: 't ←', title: 'Earlier', icon: 'left', act: () => shiftRange(-1) },
  { keys: 't →', title: 'Later', icon: 'right', act: () => shiftRange(1) },
  { keys: 'y', title: 'Copy a link with fixed times', icon: 'copy', act: () => copyLink(true) },
  { keys: 'Y', title: 'Copy a link with moving times', icon: 'copy', act: () => copyLink(false) },
  { keys: 'j', title: 'Next row of a list', icon: 'down', act: () => moveInList(1) },
  { keys: 'k', title: 'Previous row of a list', icon: 'up', act: () => moveInList(-1) },
  { keys: 'a', title: 'Acknowledge the alert', icon: 'alerts', act: () => pressOnPage('a') },
  {
    keys: 'm',
    title: 'Silence the alert: says what would be muted, and asks why',
    icon: 'alerts',
    act: () => pressOnPage('m'),
  },
  { keys: 'd k', title: 'Show the page alone, for a wall screen', icon: 'chart', act: toggleKiosk },
];

/** Only sensible with the focus in a list, so the palette leaves them out. */
const IN_LISTS = new Set(['j', 'k', '/', 'a', 'm']);

export function paletteActions(): Omit<PaletteItem, 'group'>[] {
  const all: readonly Action[] = [
    ...ACTIONS.filter(({ keys }) => !IN_LISTS.has(keys)),
    { keys: '', title: 'Change the theme', icon: 'theme', act: nextTheme },
    { keys: '', title: 'Change the density', icon: 'table', act: () => setCompact(!compact.value) },
    ...PRESETS.map(({ title, from, to }): Action => ({
      keys: '',
      title,
      icon: 'clock',
      act: () => setRange({ from, to }),
    })),
  ];
  return all.map(({ keys, title, icon, act }) => ({ id: `do ${title}`, title, detail: '', keys, icon, open: act }));
}
