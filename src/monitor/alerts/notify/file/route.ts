/** The route tree: which routes an alert takes, and with which settings. */
import { Labels } from '../../../../model/labels.ts';
import { quote } from '../../../../model/text/quoting.ts';
import { matchersText, matchesAll, sortMatchers, type LabelMatcher } from './matchers.ts';

/** A route as it is written; absent settings are inherited. */
export interface WrittenRoute {
  readonly receiver?: string | undefined;
  /** `...` alone groups by all labels. */
  readonly group_by?: readonly string[] | undefined;
  readonly matchers: readonly LabelMatcher[];
  readonly mute_time_intervals?: readonly string[] | undefined;
  readonly active_time_intervals?: readonly string[] | undefined;
  readonly continue?: boolean | undefined;
  readonly routes?: readonly WrittenRoute[] | undefined;
  readonly group_wait?: number | undefined;
  readonly group_interval?: number | undefined;
  readonly repeat_interval?: number | undefined;
  readonly labels?: Readonly<Record<string, string>> | undefined;
}

interface RouteOptions {
  readonly receiver: string;
  readonly groupBy: ReadonlySet<string> | 'all';
  readonly groupWaitMs: number;
  readonly groupIntervalMs: number;
  readonly repeatIntervalMs: number;
  /** Templates, merged with those of the routes above. */
  readonly labels: Readonly<Record<string, string>>;
}

export interface Route {
  readonly options: RouteOptions;
  readonly matchers: readonly LabelMatcher[];
  readonly muteTimeIntervals: readonly string[];
  readonly activeTimeIntervals: readonly string[];
  readonly continues: boolean;
  readonly routes: readonly Route[];
  /** The matchers from the root on: `{}/{team="pay"}`. Routes with the same matchers have the same key. */
  readonly key: string;
  /** Unique in the tree. */
  readonly id: string;
}

const DEFAULTS: RouteOptions = {
  receiver: '',
  groupBy: new Set(),
  groupWaitMs: 30_000,
  groupIntervalMs: 300_000,
  repeatIntervalMs: 14_400_000,
  labels: {},
};

export function routeOf(written: WrittenRoute, parent?: Pick<Route, 'options' | 'key' | 'id'>, at = 0): Route {
  const inherited = parent?.options ?? DEFAULTS;
  const options: RouteOptions = {
    receiver: written.receiver ?? inherited.receiver,
    groupBy: groupByOf(written.group_by) ?? inherited.groupBy,
    groupWaitMs: written.group_wait ?? inherited.groupWaitMs,
    groupIntervalMs: written.group_interval ?? inherited.groupIntervalMs,
    repeatIntervalMs: written.repeat_interval ?? inherited.repeatIntervalMs,
    labels: { ...inherited.labels, ...written.labels },
  };
  const matchers = sortMatchers(written.matchers);
  const text = matchersText(matchers);
  const own = {
    options,
    matchers,
    muteTimeIntervals: written.mute_time_intervals ?? [],
    activeTimeIntervals: written.active_time_intervals ?? [],
    continues: written.continue ?? false,
    key: parent === undefined ? text : `${parent.key}/${text}`,
    id: parent === undefined ? text : `${parent.id}/${text}/${at}`,
  };
  return { ...own, routes: (written.routes ?? []).map((route, index) => routeOf(route, own, index)) };
}

function groupByOf(names: readonly string[] | undefined): RouteOptions['groupBy'] | undefined {
  if (names === undefined) return undefined;
  return names.includes('...') ? 'all' : new Set(names);
}

/** The routes that an alert takes, depth first. Empty when the root does not match. */
export function routesFor(route: Route, labels: Labels): Route[] {
  if (!matchesAll(route.matchers, labels)) return [];
  const taken: Route[] = [];
  for (const child of route.routes) {
    const matches = routesFor(child, labels);
    taken.push(...matches);
    if (matches.length > 0 && !child.continues) break;
  }
  return taken.length === 0 ? [route] : taken;
}

/** All routes, the root first. */
export const allRoutes = (route: Route): Route[] => [route, ...route.routes.flatMap(allRoutes)];

export function groupLabelsOf(labels: Labels, { options: { groupBy } }: Route): Labels {
  return groupBy === 'all' ? labels : labels.filter((name) => groupBy.has(name));
}

/** `{}/{team="pay"}:{alertname="Down"}`, as Alertmanager writes it: receivers deduplicate by it. */
export function groupKeyOf({ key }: Route, labels: Labels): string {
  return `${key}:{${[...labels].map(([name, value]) => `${name}=${quote(value)}`).join(', ')}}`;
}
