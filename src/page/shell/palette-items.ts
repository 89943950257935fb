/** What the command palette can find, and what a pasted text probably is. Pure but for the actions themselves. */
import type { AlertView, RouteLedger, ServiceRow } from '../../monitor/api/contract.ts';
import { termOf } from '../state/filter-text.ts';
import { address } from '../state/router.ts';
import type { IconName } from '../ui/icon-paths.ts';
import type { PageLink } from './navigation.ts';

export interface PaletteItem {
  /** Unique. */
  readonly id: string;
  readonly group: 'Go to' | 'Do' | 'Services' | 'Routes' | 'Alerts' | 'Metrics' | 'Find';
  readonly title: string;
  /** A second text that is searched too. */
  readonly detail: string;
  readonly keys: string;
  readonly icon: IconName;
  /** An address, or what to do. */
  readonly open: string | (() => void);
}

export interface PaletteData {
  readonly pages: readonly PageLink[];
  readonly services: readonly ServiceRow[];
  readonly routes: readonly RouteLedger[];
  readonly alerts: readonly AlertView[];
  readonly metrics: readonly string[];
  readonly actions: readonly Omit<PaletteItem, 'group'>[];
}

/** Metrics are many: they are searched only once something is typed. */
export function itemsOf(data: PaletteData, typed: string): readonly PaletteItem[] {
  const { pages, services, routes, alerts, metrics, actions } = data;
  const items: PaletteItem[] = [
    ...pages.map(({ path, title, icon, key }): PaletteItem => {
      return { id: `page ${path}`, group: 'Go to', title, detail: '', keys: `g ${key}`, icon, open: path };
    }),
    ...actions.map((action): PaletteItem => ({ ...action, group: 'Do' })),
    ...alerts.map(({ fingerprint, name, state, labels }): PaletteItem => ({
      id: `alert ${fingerprint}`,
      group: 'Alerts',
      title: name,
      detail: [labels.service ?? labels.job ?? '', state].filter(Boolean).join(', '),
      keys: '',
      icon: 'alerts',
      open: `/alerts/${fingerprint}`,
    })),
    ...services.map(({ service, reason }): PaletteItem => ({
      id: `service ${service}`,
      group: 'Services',
      title: service,
      detail: reason,
      keys: '',
      icon: 'services',
      open: address('/service', { service }),
    })),
    ...routes.map(({ method, route }): PaletteItem => ({
      id: `route ${method} ${route}`,
      group: 'Routes',
      title: `${method} ${route}`,
      detail: '',
      keys: '',
      icon: 'traces',
      open: address('/traces', { q: termOf('route', route) }),
    })),
  ];
  if (typed.trim() === '') return items;
  for (const name of metrics) {
    const open = address('/explore', { q: name });
    items.push({ id: `metric ${name}`, group: 'Metrics', title: name, detail: '', keys: '', icon: 'metrics', open });
  }
  return items;
}

const find = (id: string, title: string, open: string): PaletteItem => ({
  id: `find ${id}`,
  group: 'Find',
  title,
  detail: '',
  keys: '',
  icon: 'search',
  open,
});

/** A `traceparent` header, a trace id, an address of this page, or an id of another kind. */
export function pastedItem(text: string, origin: string): PaletteItem | undefined {
  const pasted = text.trim();
  if (pasted.length < 6 || pasted.length > 300) return undefined;
  const trace = /^(?:[0-9a-f]{2}-)?([0-9a-f]{32})(?:-[0-9a-f]{16}-[0-9a-f]{2})?$/i.exec(pasted)?.[1];
  if (trace !== undefined) return find('trace', 'Open this trace', `/traces/${trace.toLowerCase()}`);
  if (pasted.startsWith(`${origin}/`)) return find('link', 'Open this link', pasted.slice(origin.length));
  // Ids have a digit or a sign between letters; a plain word is a search for a name.
  if (/\s/.test(pasted) || !/\d/.test(pasted) || !/^[\w.:~/+=-]+$/.test(pasted)) return undefined;
  return find('id', 'Find by trace, request or transaction id, or support code', address('/traces', { id: pasted }));
}
