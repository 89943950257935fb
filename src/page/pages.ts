/**
 * Which code draws which address. Every page is loaded when it is first opened, so that the first paint does not wait for
 * pages that nobody looks at. What the navigation says about a page is in shell/navigation.ts.
 */
import type { ComponentType } from 'preact';

/** What the address gives to a page. */
export interface PageProps {
  /** The part of the path that names one thing, '' for a list. */
  readonly id: string;
}

export interface PageRoute {
  /** The first group, when there is one, becomes `id`. */
  readonly path: RegExp;
  readonly load: () => Promise<ComponentType<PageProps>>;
}

export const PAGE_ROUTES: readonly PageRoute[] = [
  { path: /^\/$/, load: async () => (await import('./overview/overview.tsx')).OverviewPage },
  { path: /^\/services$/, load: async () => (await import('./services/services.tsx')).ServicesPage },
  { path: /^\/service$/, load: async () => (await import('./services/service.tsx')).ServicePage },
  { path: /^\/traffic$/, load: async () => (await import('./traffic/traffic.tsx')).TrafficPage },
  { path: /^\/settings$/, load: async () => (await import('./settings/settings.tsx')).SettingsPage },
  { path: /^\/traces$/, load: async () => (await import('./traces/trace-list.tsx')).TraceListPage },
  { path: /^\/traces\/([0-9a-f]{1,32})$/, load: async () => (await import('./traces/trace-page.tsx')).TracePage },
  { path: /^\/requests$/, load: async () => (await import('./requests/requests.tsx')).RequestsPage },
  { path: /^\/requests\/([\w.:-]{8,128})$/, load: async () => (await import('./requests/request.tsx')).RequestPage },
  { path: /^\/logs$/, load: async () => (await import('./logs/logs.tsx')).LogsPage },
  { path: /^\/errors$/, load: async () => (await import('./errors/errors.tsx')).ErrorsPage },
  { path: /^\/errors\/([\w-]{1,64})$/, load: async () => (await import('./errors/error.tsx')).ErrorPage },
  { path: /^\/map$/, load: async () => (await import('./map/map.tsx')).MapPage },
  { path: /^\/alerts$/, load: async () => (await import('./alerts/alerts.tsx')).AlertsPage },
  { path: /^\/alerts\/rules$/, load: async () => (await import('./alerts/rules.tsx')).AlertRulesPage },
  { path: /^\/alerts\/([0-9a-f]{16})$/, load: async () => (await import('./alerts/alert-page.tsx')).AlertPage },
  { path: /^\/targets$/, load: async () => (await import('./targets/targets.tsx')).TargetsPage },
  { path: /^\/targets\/([\w.~-]{1,128})$/, load: async () => (await import('./targets/target.tsx')).TargetPage },
  { path: /^\/slo$/, load: async () => (await import('./slo/objectives.tsx')).ObjectivesPage },
  { path: /^\/status$/, load: async () => (await import('./status/status.tsx')).StatusPage },
  { path: /^\/explore$/, load: async () => (await import('./explore/explore.tsx')).ExplorePage },
  {
    path: /^\/dashboards$/,
    load: async () => (await import('./dashboards/dashboards.tsx')).DashboardListPage,
  },
  {
    path: /^\/dashboards\/([\w-]{1,64})$/,
    load: async () => (await import('./dashboards/dashboards.tsx')).DashboardPage,
  },
];

export function routeOf(path: string): { readonly route: PageRoute; readonly id: string } | undefined {
  for (const route of PAGE_ROUTES) {
    const match = route.path.exec(path);
    if (match !== null) return { route, id: match[1] ?? '' };
  }
  return undefined;
}
