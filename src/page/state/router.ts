/**
 * The address holds the state: the page, its filters, the time range, the zone, and whether the view is paused. Links are
 * plain links and the browser's Back button works, also for a zoom. The parameters that all pages share go with every link
 * of the page, and a list is where it was when Back returns to it.
 */
import { computed, signal } from '@preact/signals';
import type { PageState } from './page-state.ts';
import { decodeState, encodeState, SHARED_PARAMS } from './page-state.ts';
import { redirectOf } from './redirects.ts';

export interface Place {
  readonly path: string;
  readonly query: URLSearchParams;
}

const read = (): Place => ({ path: location.pathname, query: new URLSearchParams(location.search) });

/** The root until `startRouter`. */
export const place = signal<Place>({ path: '/', query: new URLSearchParams() });
/** The address as a state. Pages read their own parameters with `param`. */
export const pageState = computed<PageState>(() => decodeState(place.value.path, `?${place.value.query}`));

/** A list that Back returns to may still be loading: its position is restored within this time. */
const RESTORE_MS = 3_000;

/** The last address of each path, so that the way back to a list keeps its filters. */
const addresses = new Map<string, string>();
const MOST_ADDRESSES = 50;

function noteAddress({ path, query }: Place): void {
  addresses.delete(path);
  addresses.set(path, query.toString());
  const [oldest] = addresses.keys();
  if (addresses.size > MOST_ADDRESSES) addresses.delete(oldest);
}

/** The address of a list as it was left, with its filters; the range is always the present one. */
export function lastAddressOf(path: string): string {
  const { params } = decodeState(path, addresses.get(path) ?? '');
  return encodeState({ path, range: undefined, zone: 'local', live: 'live', params });
}

const scroller = (): Element | null => document.querySelector('main');

function keepPosition(): void {
  history.replaceState({ scroll: scroller()?.scrollTop ?? 0 }, '');
}

/** Scrolls to `top` as soon as the page is long enough; a scroll by the user ends the attempt. */
function restorePosition(top: number): void {
  const box = scroller();
  if (box === null || top <= 0) return;
  const until = performance.now() + RESTORE_MS;
  let last = box.scrollTop;
  const attempt = (): void => {
    if (Math.abs(box.scrollTop - last) > 1) return;
    box.scrollTop = top;
    last = box.scrollTop;
    if (Math.abs(last - top) > 1 && performance.now() < until) requestAnimationFrame(attempt);
  };
  requestAnimationFrame(attempt);
}

/** The same address with the shared parameters of the present one, unless it has a time range of its own. */
export function carried(to: string): string {
  const at = to.indexOf('?');
  const query = new URLSearchParams(at < 0 ? '' : to.slice(at));
  const own = query.has('from') || query.has('to');
  const present = new URLSearchParams(encodeState({ ...pageState.value, path: '', params: [] }));
  for (const name of SHARED_PARAMS) {
    const value = present.get(name);
    if (value === null || query.has(name) || (own && name !== 'tz')) continue;
    query.set(name, value);
  }
  const text = query.toString();
  const path = at < 0 ? to : to.slice(0, at);
  return text === '' ? path : `${path}?${text}`;
}

function show(to: string, replace: boolean): void {
  if (replace) history.replaceState(history.state, '', to);
  else {
    keepPosition();
    history.pushState(null, '', to);
  }
  const moved = redirectOf(location.pathname, location.search);
  if (moved !== undefined) history.replaceState(history.state, '', moved);
  place.value = read();
  noteAddress(place.value);
}

/** Opens an address of the page. The range, the zone and a pause stay as they are unless `to` has its own. */
export function go(to: string, replace = false): void {
  show(carried(to), replace);
  if (!replace) scroller()?.scrollTo(0, 0);
}

/** Changes a part of the state: the address changes, the page and its position stay. */
export function changeState(change: Partial<PageState>, replace = false): void {
  show(encodeState({ ...pageState.value, ...change }), replace);
}

/** The first value of a parameter of the page, '' when there is none. */
export const param = (name: string): string => pageState.value.params.find(([own]) => own === name)?.[1] ?? '';

/** Sets parameters of the page; '' and undefined remove one. Other parameters stay. */
export function setParams(change: Readonly<Record<string, string | undefined>>, replace = false): void {
  const kept = pageState.value.params.filter(([name]) => !Object.hasOwn(change, name));
  const added = Object.entries(change).filter((pair): pair is [string, string] => (pair[1] ?? '') !== '');
  changeState({ params: [...kept, ...added] }, replace);
}

/** `path` with the given parameters; empty ones are left out. */
export function address(path: string, params: Readonly<Record<string, string | undefined>>): string {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(params)) if (value !== undefined && value !== '') query.set(name, value);
  const text = query.toString();
  return text === '' ? path : `${path}?${text}`;
}

const linkOf = (event: MouseEvent): HTMLAnchorElement | undefined => {
  const link = event.target instanceof Element ? event.target.closest('a') : null;
  const ours = link !== null && link.origin === location.origin && link.target === '' && link.hash === '';
  return ours && !link.hasAttribute('download') ? link : undefined;
};

/** What a link said before the shared parameters were added, so that they are never added twice. */
const written = new WeakMap<HTMLAnchorElement, { plain: string; full: string }>();

/** A link that is opened in a new tab, or copied, must show the same range: it gets the shared parameters before. */
function complete(event: MouseEvent): void {
  const link = linkOf(event);
  const href = link?.getAttribute('href');
  if (link === undefined || href === null || href === undefined || !href.startsWith('/')) return;
  const known = written.get(link);
  const plain = known?.full === href ? known.plain : href;
  const full = carried(plain);
  written.set(link, { plain, full });
  if (full !== href) link.setAttribute('href', full);
}

export function startRouter(): void {
  const moved = redirectOf(location.pathname, location.search);
  if (moved !== undefined) history.replaceState(null, '', moved);
  place.value = read();
  noteAddress(place.value);
  history.scrollRestoration = 'manual';
  addEventListener('popstate', (event: PopStateEvent) => {
    place.value = read();
    noteAddress(place.value);
    const state: unknown = event.state;
    const scroll = typeof state === 'object' && state !== null && 'scroll' in state ? state.scroll : 0;
    if (typeof scroll === 'number') restorePosition(scroll);
  });
  document.addEventListener('pointerdown', complete, true);
  document.addEventListener('contextmenu', complete, true);
  document.addEventListener('click', (event) => {
    if (event.defaultPrevented || event.button !== 0) return;
    if (event.ctrlKey || event.metaKey || event.shiftKey || event.altKey) return;
    const link = linkOf(event);
    if (link === undefined || link.pathname.startsWith('/api/')) return;
    event.preventDefault();
    go(link.pathname + link.search);
  });
}
