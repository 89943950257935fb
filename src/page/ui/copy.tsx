/** Copies a text and says so. Without permission to the clipboard the text is shown selected, to be copied by hand. */
import type { JSX } from 'preact';
import { pageState } from '../state/router.ts';
import { encodeState } from '../state/page-state.ts';
import { shown } from '../state/range.ts';
import { pinned } from '../state/time-range.ts';
import { Icon } from './icons.tsx';
import { say } from './toast.tsx';

export function copyText(text: string, what: string): void {
  const copied = (): void => say(`${what} copied.`);
  const byHand = (): void => {
    prompt(`Copy the ${what.toLowerCase()}:`, text);
  };
  // Without a secure origin there is no clipboard.
  const { clipboard } = navigator as { clipboard?: Clipboard };
  if (clipboard === undefined) byHand();
  else clipboard.writeText(text).then(copied, byHand);
}

/** The address of this view. Absolute: it shows the same times to everybody, now and later. */
export function linkOf(absolute: boolean): string {
  const state = pageState.value;
  const fixed = absolute ? { ...state, range: pinned(shown.value), live: 'live' as const } : state;
  return location.origin + encodeState(fixed);
}

export const copyLink = (absolute: boolean): void =>
  copyText(linkOf(absolute), absolute ? 'Link with fixed times' : 'Link with moving times');

export function CopyButton({ text, what }: { text: string; what: string }): JSX.Element {
  return (
    <button
      type="button"
      class="btn sm icon ghost copy"
      aria-label={`Copy the ${what.toLowerCase()}`}
      title={`Copy the ${what.toLowerCase()}`}
      onClick={() => copyText(text, what)}
    >
      <Icon name="copy" small />
    </button>
  );
}
