/** The pages that exist, in the order of the rail, with the key that follows `g`, and the part of the server they need. */
import { capabilities } from '../state/session.ts';
import type { IconName } from '../ui/icon-paths.ts';

export interface PageLink {
  readonly path: string;
  readonly title: string;
  readonly icon: IconName;
  readonly key: string;
  /** Other paths of the same page, such as one thing of a list. */
  readonly also?: string;
  /** Without this part of the server the page is left out. */
  readonly needs?: string;
  /** Among the four tabs of a phone; the others are under More. */
  readonly tab?: boolean;
  /** At the foot of the rail. */
  readonly foot?: boolean;
}

export const PAGES: readonly PageLink[] = [
  { path: '/', title: 'Overview', icon: 'overview', key: 'o', tab: true },
  { path: '/services', title: 'Services', icon: 'services', key: 's', also: '/service', tab: true },
  { path: '/requests', title: 'Requests', icon: 'requests', key: 'r' },
  { path: '/traces', title: 'Traces', icon: 'traces', key: 't' },
  { path: '/logs', title: 'Logs', icon: 'logs', key: 'l', tab: true },
  { path: '/errors', title: 'Errors', icon: 'errors', key: 'x' },
  { path: '/map', title: 'Map', icon: 'map', key: 'p' },
  { path: '/explore', title: 'Metrics', icon: 'metrics', key: 'm' },
  { path: '/dashboards', title: 'Dashboards', icon: 'dashboards', key: 'd' },
  { path: '/alerts', title: 'Alerts', icon: 'alerts', key: 'a', tab: true },
  { path: '/targets', title: 'Targets', icon: 'targets', key: 'c', needs: 'targets' },
  { path: '/slo', title: 'Objectives', icon: 'objectives', key: 'j', needs: 'targets' },
  { path: '/status', title: 'Status page', icon: 'status', key: 'u', needs: 'status' },
  { path: '/traffic', title: 'Traffic', icon: 'traffic', key: 'b', needs: 'balancer' },
  { path: '/settings', title: 'Settings', icon: 'settings', key: 'e', foot: true },
];

/** Until the server has said what it has, pages that need a part of it are shown: they would flicker otherwise. */
export const visiblePages = (): readonly PageLink[] =>
  PAGES.filter(({ needs }) => needs === undefined || capabilities.value?.includes(needs) !== false);

export const isCurrent = (page: PageLink, path: string): boolean =>
  page.path === path || page.also === path || (page.path !== '/' && path.startsWith(`${page.path}/`));

/** The title of the page at an address, for the tab of the browser. */
export const titleOfPath = (path: string): string =>
  PAGES.find((page) => isCurrent(page, path))?.title ?? 'Unknown page';
