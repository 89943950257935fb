/** Choices of this browser: single-key shortcuts, density, and cards that were closed. They stay here, never in the address. */
import { signal } from '@preact/signals';

const PREFIX = 'vitrine.';

function stored(name: string): string | null {
  try {
    return localStorage.getItem(PREFIX + name);
  } catch {
    // Storage may be forbidden: then every choice is at its default.
    return null;
  }
}

function store(name: string, value: string): void {
  try {
    if (value === '') localStorage.removeItem(PREFIX + name);
    else localStorage.setItem(PREFIX + name, value);
  } catch {
    // Storage may be forbidden: the choice then lasts until the page is closed.
  }
}

/** Single-key shortcuts can be turned off (WCAG 2.1.4): speech input would trigger them. */
export const keysOn = signal(true);
export const compact = signal(false);
/** Names of cards that this browser closed. */
export const closedCards = signal<readonly string[]>([]);
/** The card that says how to connect an application. */
export const CONNECT_CARD = 'connect';

export function setKeys(on: boolean): void {
  keysOn.value = on;
  store('keys', on ? '' : 'off');
}

export function setCompact(on: boolean): void {
  compact.value = on;
  if (on) document.documentElement.dataset.density = 'compact';
  else delete document.documentElement.dataset.density;
  store('density', on ? 'compact' : '');
}

export function closeCard(name: string, closed = true): void {
  const others = closedCards.value.filter((one) => one !== name);
  closedCards.value = closed ? [...others, name] : others;
  store('closed', closedCards.value.join(' '));
}

export function startPreferences(): void {
  keysOn.value = stored('keys') !== 'off';
  if (stored('density') === 'compact') setCompact(true);
  closedCards.value = (stored('closed') ?? '').split(' ').filter((name) => name !== '');
}
