/** The frame of every page: rail, top bar, banner, messages, and on a phone the tabs at the bottom. */
import type { ComponentChildren, ComponentType, JSX } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import { connection, frame, version } from '../state/connection.ts';
import { failingTargets } from '../state/failing-targets.ts';
import { param, place } from '../state/router.ts';
import { nextTheme, theme } from '../state/theme.ts';
import { copyLink } from '../ui/copy.tsx';
import { Icon, Logo } from '../ui/icons.tsx';
import { Toasts } from '../ui/toast.tsx';
import { helpOpen, paletteOpen } from './actions.ts';
import { Banner } from './banner.tsx';
import { LiveButton } from './live-button.tsx';
import type { PageLink } from './navigation.ts';
import { isCurrent, visiblePages } from './navigation.ts';
import { Help } from './shortcuts.tsx';
import { RangeGroup } from './range-group.tsx';

/** Alerts that call for somebody: those that only inform are in the list. */
const firingNow = (): number =>
  (frame.value?.alerts ?? []).filter(({ state, severity }) => state === 'firing' && severity !== 'info').length;

/** What calls for somebody, by the page that shows it. */
interface Badges {
  readonly alerts: number;
  readonly targets: number;
}

const NONE: Badges = { alerts: 0, targets: 0 };

function Badge({ of, badges }: { of: PageLink; badges: Badges }): JSX.Element | null {
  const [count, word] = of.path === '/alerts' ? [badges.alerts, 'firing'] : [badges.targets, 'failing'];
  if ((of.path !== '/alerts' && of.path !== '/targets') || count === 0) return null;
  return (
    <span class="badge">
      {count}
      <span class="vh"> {word}</span>
    </span>
  );
}

function Links({ of, badges }: { of: readonly PageLink[]; badges: Badges }): JSX.Element {
  const { path } = place.value;
  return (
    <>
      {of.map((page) => (
        <a
          key={page.path}
          href={page.path}
          title={page.title}
          aria-current={isCurrent(page, path) ? 'page' : undefined}
          onClick={() => document.querySelector<HTMLElement>('#more')?.hidePopover()}
        >
          <Icon name={page.icon} />
          <span class="word-of">{page.title}</span>
          <Badge of={page} badges={badges} />
        </a>
      ))}
    </>
  );
}

function Rail({ badges }: { badges: Badges }): JSX.Element {
  const open = connection.value.kind === 'open';
  return (
    <aside class="rail">
      <a class="brand" href="/" aria-label="Vitrine">
        <Logo />
        <span class="word-of">Vitrine</span>
      </a>
      <nav aria-label="Main">
        <Links of={visiblePages().filter(({ foot }) => foot !== true)} badges={badges} />
      </nav>
      <div class="foot">
        <nav aria-label="Server">
          <Links of={visiblePages().filter(({ foot }) => foot === true)} badges={NONE} />
        </nav>
        <div class="conn">
          <b title={open ? 'Connected' : 'Not connected'}>
            <i class={open ? 'dot' : 'dot off'} />
            <span class="word-of">{open ? 'Connected' : 'Not connected'}</span>
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
      <a class="brand mob" href="/" aria-label="Vitrine">
        <Logo />
      </a>
      <button
        type="button"
        class="search d"
        title="Search or jump to (Ctrl K)"
        onClick={() => {
          paletteOpen.value = true;
        }}
      >
        <Icon name="search" small />
        <span class="cut">Search or jump to</span>
        <span class="keys">
          <kbd>Ctrl</kbd> <kbd>K</kbd>
        </span>
      </button>
      <span class="sp" />
      <RangeGroup />
      <LiveButton />
      <a class={badge > 0 ? 'btn bell' : 'btn bell calm'} href="/alerts" aria-label={`${badge} alerts firing`}>
        <Icon name="alerts" small />
        {badge}
      </a>
      <button
        type="button"
        class="btn icon ghost d"
        aria-label="Copy a link to this view (y)"
        title="Copy a link to this view (y). Shift: with moving times"
        onClick={(event) => copyLink(!event.shiftKey)}
      >
        <Icon name="link" />
      </button>
      <button
        type="button"
        class="btn icon ghost d"
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

/** The four pages that a phone needs first; the others, the search and the theme are one tap further. */
function Tabs({ badges }: { badges: Badges }): JSX.Element {
  const pages = visiblePages();
  const others = pages.filter(({ tab }) => tab !== true);
  const act = (what: () => void) => (): void => {
    document.querySelector<HTMLElement>('#more')?.hidePopover();
    what();
  };
  return (
    <>
      <nav class="tabs" aria-label="Pages">
        <Links of={pages.filter(({ tab }) => tab === true)} badges={badges} />
        <button type="button" popovertarget="more" aria-haspopup="true">
          <Icon name="more" />
          More
        </button>
      </nav>
      <div id="more" class="popover more-sheet" popover="auto" role="dialog" aria-label="More">
        <nav aria-label="More pages">
          <Links of={others} badges={badges} />
        </nav>
        <button type="button" class="item" onClick={act(() => (paletteOpen.value = true))}>
          <Icon name="search" /> Search or jump to
        </button>
        <button type="button" class="item" onClick={act(() => copyLink(true))}>
          <Icon name="link" /> Copy a link to this view
        </button>
        <button type="button" class="item" onClick={nextTheme}>
          <Icon name="theme" /> Theme: {THEME_WORDS[theme.value]}
        </button>
        <button type="button" class="item" onClick={act(() => (helpOpen.value = true))}>
          <Icon name="help" /> Keyboard shortcuts
        </button>
      </div>
    </>
  );
}

/** Its code is loaded when it is first opened. */
function PaletteHolder(): JSX.Element | null {
  const [Drawn, setDrawn] = useState<ComponentType<{ close: () => void }> | undefined>(undefined);
  const open = paletteOpen.value;
  useEffect(() => {
    if (!open || Drawn !== undefined) return;
    import('./palette.tsx')
      .then(({ Palette }) => setDrawn(() => Palette))
      .catch(() => {
        paletteOpen.value = false;
      });
  }, [open, Drawn]);
  if (!open || Drawn === undefined) return null;
  return (
    <Drawn
      close={() => {
        paletteOpen.value = false;
      }}
    />
  );
}

export function Shell({ children }: { children: ComponentChildren }): JSX.Element {
  const badges = { alerts: firingNow(), targets: failingTargets.value.length };
  const stale = connection.value.kind === 'lost';
  return (
    <div class={param('kiosk') === '' ? 'app' : 'app kiosk'}>
      <Rail badges={badges} />
      <TopBar badge={badges.alerts} />
      <main id="main" class={stale ? 'stale' : ''} tabIndex={-1}>
        <Banner />
        {children}
      </main>
      <Tabs badges={badges} />
      <Toasts />
      <Help />
      <PaletteHolder />
    </div>
  );
}
