/** System, light or dark. Charts draw on canvas and so need colours as values: they read them here, and again after a change. */
import { signal } from '@preact/signals';

export type Theme = 'system' | 'light' | 'dark';

const KEY = 'vitrine.theme';
const ORDER: readonly Theme[] = ['system', 'light', 'dark'];

function stored(): Theme {
  const chosen = document.documentElement.dataset.theme;
  return chosen === 'light' || chosen === 'dark' ? chosen : 'system';
}

export const theme = signal<Theme>('system');
/** Rises whenever colours may have changed. */
export const paint = signal(0);

let probe: HTMLElement | undefined;
const known = new Map<string, string>();

/** A design token as a colour that canvas understands. */
export function colourOf(token: string): string {
  let colour = known.get(token);
  if (colour === undefined) {
    if (probe === undefined) {
      probe = document.createElement('i');
      probe.hidden = true;
      document.body.append(probe);
    }
    probe.style.color = `var(--${token})`;
    colour = getComputedStyle(probe).color;
    known.set(token, colour);
  }
  return colour;
}

function repaint(): void {
  known.clear();
  paint.value += 1;
}

export function setTheme(next: Theme): void {
  theme.value = next;
  if (next === 'system') delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = next;
  try {
    if (next === 'system') localStorage.removeItem(KEY);
    else localStorage.setItem(KEY, next);
  } catch {
    // Storage may be forbidden: the choice then lasts until the page is closed.
  }
  repaint();
}

export const nextTheme = (): void => setTheme(ORDER[(ORDER.indexOf(theme.value) + 1) % ORDER.length]);

export function startTheme(): void {
  theme.value = stored();
  matchMedia('(prefers-color-scheme: dark)').addEventListener('change', repaint);
}
