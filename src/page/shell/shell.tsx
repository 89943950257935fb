/** The frame of every page: rail, top bar, banner, and on a phone the tabs at the bottom. */
import type { ComponentChildren, JSX } from 'preact';
import { connection, frame, version } from '../state/connection.ts';
import { place } from '../state/router.ts';
import { nextTheme, theme } from '../state/theme.ts';
import { Icon, Logo } from '../ui/icons.tsx';
import { Banner } from './banner.tsx';
import { LiveButton } from './live-button.tsx';
import { isCurrent, PAGES } from './navigation.ts';
import { Help, helpOpen } from './shortcuts.tsx';
import { TimePicker } from './time-picker.tsx';
import { ZoomButtons } from './zoom-buttons.tsx';

const firingNow = (): number => (frame.value?.alerts ?? []).filter(({ state }) => state === 'firing').length;

function Links({ badge }: { badge: number }): JSX.Element {
  const { path } = place.value;
  return (
    <>
      {PAGES.map((page) => (
        <a key={page.path} href={page.path} aria-current={isCurrent(page, path) ? 'page' : undefined}>
          <Icon name={page.icon} />
          {page.title}
          {page.path === '/alerts' && badge > 0 && (
            <span class="badge" aria-label={`${badge} firing`}>
              {badge}
            </span>
          )}
        </a>
      ))}
    </>
  );
}

function Rail({ badge }: { badge: number }): JSX.Element {
  const open = connection.value.kind === 'open';
  return (
    <aside class="rail">
      <a class="brand" href="/">
        <Logo />
        Vitrine
      </a>
      <nav aria-label="Main">
        <Links badge={badge} />
      </nav>
      <div class="foot">
        <div class="conn">
          <b>
            <i class={open ? 'dot' : 'dot off'} />
            {open ? 'Connected' : 'Not connected'}
          </b>
          {frame.value && <span>up {frame.value.health.uptime}</span>}
          {version.value !== '' && <span>version {version.value}</span>}
        </div>
      </div>
    </aside>
  );
}

const THEME_WORDS = { system: 'as the system', light: 'light', dark: 'dark' } as const;

function TopBar({ badge }: { badge: number }): JSX.Element {
  return (
    <header class="top">
      <a class="brand mob" href="/">
        <Logo />
        Vitrine
      </a>
      <span class="sp" />
      <TimePicker />
      <ZoomButtons />
      <LiveButton />
      <a class={badge > 0 ? 'btn bell' : 'btn bell calm'} href="/alerts" aria-label={`${badge} alerts firing`}>
        <Icon name="alerts" small />
        {badge}
      </a>
      <button
        type="button"
        class="btn icon ghost"
        aria-label={`Theme: ${THEME_WORDS[theme.value]}`}
        title={`Theme: ${THEME_WORDS[theme.value]}`}
        onClick={nextTheme}
      >
        <Icon name="theme" />
      </button>
      <button
        type="button"
        class="btn icon ghost d"
        aria-label="Keyboard shortcuts (?)"
        onClick={() => {
          helpOpen.value = true;
        }}
      >
        <Icon name="help" />
      </button>
    </header>
  );
}

export function Shell({ children }: { children: ComponentChildren }): JSX.Element {
  const badge = firingNow();
  const stale = connection.value.kind === 'lost';
  return (
    <div class="app">
      <Rail badge={badge} />
      <TopBar badge={badge} />
      <main id="main" class={stale ? 'stale' : ''} tabIndex={-1}>
        <Banner />
        {children}
      </main>
      <nav class="tabs" aria-label="Pages">
        <Links badge={badge} />
      </nav>
      <Help />
    </div>
  );
}
