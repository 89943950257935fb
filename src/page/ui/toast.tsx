/** Short messages in a corner, read out once. A change that can be taken back offers it for ten seconds. */
import { signal } from '@preact/signals';
import type { JSX } from 'preact';
import { Icon } from './icons.tsx';

interface Toast {
  readonly id: number;
  readonly text: string;
  readonly failed: boolean;
  readonly undo: (() => Promise<void>) | undefined;
}

const SHOWN_MS = 5_000;
const UNDO_MS = 10_000;
const MOST = 4;

const toasts = signal<readonly Toast[]>([]);
let nextId = 0;

const close = (id: number): void => {
  toasts.value = toasts.value.filter((toast) => toast.id !== id);
};

/** Says `text`. With `undo` the message has a button that takes the change back. */
export function say(text: string, options: { failed?: boolean; undo?: () => Promise<void> } = {}): void {
  const id = (nextId += 1);
  const toast = { id, text, failed: options.failed ?? false, undo: options.undo };
  toasts.value = [...toasts.value, toast].slice(-MOST);
  setTimeout(close, options.undo === undefined ? SHOWN_MS : UNDO_MS, id);
}

export const sayError = (error: unknown): void =>
  say(error instanceof Error ? error.message : 'This failed.', { failed: true });

function takeBack({ id, undo }: Toast): void {
  close(id);
  undo?.()
    .then(() => say('Taken back.'))
    .catch(sayError);
}

export function Toasts(): JSX.Element {
  return (
    <div class="toasts" role="status" aria-live="polite">
      {toasts.value.map((toast) => (
        <div key={toast.id} class={toast.failed ? 'toast failed' : 'toast'}>
          <span>{toast.text}</span>
          {toast.undo !== undefined && (
            <button type="button" class="btn sm" onClick={() => takeBack(toast)}>
              Undo
            </button>
          )}
          <button
            type="button"
            class="btn sm icon ghost"
            aria-label="Close the message"
            onClick={() => close(toast.id)}
          >
            <Icon name="close" small />
          </button>
        </div>
      ))}
    </div>
  );
}
