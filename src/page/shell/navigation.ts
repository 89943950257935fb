/** The pages that exist, in the order of the rail, with the key that follows `g`. */
import type { IconName } from '../ui/icons.tsx';

export interface PageLink {
  readonly path: string;
  readonly title: string;
  readonly icon: IconName;
  readonly key: string;
}

export const PAGES: readonly PageLink[] = [
  { path: '/', title: 'Overview', icon: 'overview', key: 'o' },
  { path: '/traces', title: 'Traces', icon: 'traces', key: 't' },
  { path: '/explore', title: 'Metrics', icon: 'metrics', key: 'm' },
  { path: '/alerts', title: 'Alerts', icon: 'alerts', key: 'a' },
];

export const isCurrent = (page: PageLink, path: string): boolean =>
  page.path === path || (page.path !== '/' && path.startsWith(`${page.path}/`));

/** The title of the page at an address, for the tab of the browser. */
export const titleOfPath = (path: string): string =>
  PAGES.find((page) => isCurrent(page, path))?.title ?? 'Unknown page';
