/**
 * A compiled route: every switch is something to call, or absent. A switch that is off is an absent field, which is read at
 * most once for each request.
 */
import type { BlockList } from 'node:net';
import type { Clock } from '../../../base/clock.ts';
import type { Limits, RetryRules, RouteOptions, Timeouts } from '../config.ts';
import { addressList } from '../http/address-list.ts';
import type { RequestHead } from '../http/request-head.ts';
import { RetryBudget } from '../upstream/retry-budget.ts';
import type { Upstream } from '../upstream/upstream.ts';
import { compileRouteCache, type RouteCache } from './cache-rules.ts';
import { compileCompression, type Compression } from './compression.ts';
import { Gate } from './gate.ts';
import { LearnedRoutes } from './learned-routes.ts';
import { compileMatches, type Matches } from './matching.ts';
import { withoutOffForms } from './off-forms.ts';
import { compileAnswerEdit, compileOutgoing, type AnswerEdit, type Outgoing } from './outgoing.ts';
import type { PasswordGate } from './password-gate.ts';
import { bareHost, hasDotSegments, otherReadings, pathOf, plainPath, underPath } from './path.ts';
import type { RouteLesson } from '../../../model/learned-route.ts';
import { PathTemplates } from '../../../model/text/path-templates.ts';
import { Picker } from './picker.ts';
import type { RequestFacts } from './request-facts.ts';
import { byPath, makeSticky, type Preference, type Sticky } from './sticky.ts';

export interface Route {
  /** The id in the runtime API: the route's name, or its host and path. */
  readonly id: string;
  readonly name: string | undefined;
  readonly host: string | undefined;
  readonly path: string;
  readonly matches: Matches | undefined;
  readonly upstreams: readonly Upstream[];
  readonly picker: Picker;
  readonly templates: PathTemplates;
  /** Routes that the application behind this one has told. */
  readonly learned: LearnedRoutes;
  readonly timeouts: Timeouts;
  readonly retries: RetryRules;
  /** Each route has its own: an outage behind one does not use up the retries of another. */
  readonly budget: RetryBudget;
  readonly limits: Limits;
  readonly cache: RouteCache | undefined;
  readonly compression: Compression | undefined;
  readonly outgoing: Outgoing | undefined;
  readonly answerEdit: AnswerEdit | undefined;
  readonly sticky: Sticky | undefined;
  /** Every route has a gate, because maintenance may be switched on; `guarded` says whether the gate has any check now. */
  readonly gate: Gate;
  guarded: boolean;
  /** Whether any switch reads facts of a request. */
  readonly factual: boolean;
}

export interface RoutePieces {
  readonly clock: Clock;
  readonly loosest: Limits;
  readonly passwords: PasswordGate | undefined;
  /** The route of the same name in the previous configuration. */
  readonly before?: Route | undefined;
}

const trimmed = (path: string): string => (path.length > 1 ? path.replace(/\/+$/, '') || '/' : '/');

/** `upstreams`: those of `written`, in their order. Throws VitrineError `config_invalid`. */
export function makeRoute(written: RouteOptions, upstreams: readonly Upstream[], pieces: RoutePieces): Route {
  const options = withoutOffForms(written);
  const { name, host, policy, timeouts, retries, limits } = options;
  const path = trimmed(options.path);
  // The sort is stable: backups come last and keep their order.
  const ordered = [...upstreams].sort((a, b) => Number(a.backup) - Number(b.backup));
  const gate = new Gate(options, { ...pieces, before: pieces.before?.gate });
  const outgoing = compileOutgoing({ ...options, path });
  const answerEdit = compileAnswerEdit(options.response_headers);
  const sticky = options.sticky
    ? makeSticky(options.sticky, ordered)
    : policy === 'consistent_hash'
      ? byPath
      : undefined;
  return {
    id: name ?? `${host ?? ''}${path}`,
    name,
    host,
    path,
    matches: compileMatches(options),
    upstreams: ordered,
    picker: new Picker(policy, ordered),
    templates: pieces.before?.path === path ? pieces.before.templates : new PathTemplates(path),
    learned: pieces.before?.path === path ? pieces.before.learned : new LearnedRoutes(),
    timeouts,
    retries,
    budget: keptBudget(retries, pieces) ?? new RetryBudget(retries.budget, retries.min, pieces.clock),
    limits,
    cache: compileRouteCache(options),
    compression: compileCompression(options.compress),
    outgoing,
    answerEdit,
    sticky,
    gate,
    guarded: !gate.open,
    factual: outgoing !== undefined || answerEdit !== undefined || sticky !== undefined,
  };
}

/** The budget of the previous configuration, if its rules are the same. */
function keptBudget({ budget, min }: RetryRules, { before }: RoutePieces): RetryBudget | undefined {
  return before?.retries.budget === budget && before.retries.min === min ? before.budget : undefined;
}

/**
 * Whether every upstream of the route is unavailable. Then all that are not drained by hand are tried: one may still answer
 * (`upstream/pick.ts`).
 */
export function inPanic({ upstreams }: Pick<Route, 'upstreams'>): boolean {
  return upstreams.some((one) => !one.drained) && !upstreams.some((one) => one.available);
}

/** The name of the request's route for telemetry: the configured one, the application's own, or one from the path. */
export function nameAtStart({ name, templates, learned }: Route, method: string, target: string): string {
  if (name !== undefined) return name;
  const path = pathOf(target);
  return learned.find(method, path) ?? templates.find(path) ?? templates.other;
}

/**
 * The name when the request has ended. It may be known only now: from the request's own answer (`status`), or from the
 * answer to another request that this one waited for.
 */
export function nameByNow(route: Route, atStart: string, head: RequestHead, status: number | undefined): string {
  const { name, templates } = route;
  if (name !== undefined || atStart !== templates.other) return atStart;
  if (status === undefined) return nameAtStart(route, head.method, head.target);
  const path = pathOf(head.target);
  return route.learned.find(head.method, path) ?? templates.learn(path, status);
}

/** The head that the route sends to the upstream. */
export function outgoingHead(route: Route, facts: RequestFacts | undefined, head: RequestHead): RequestHead {
  return facts === undefined || route.outgoing === undefined ? head : route.outgoing(facts);
}

/** Makes the fields that the route sends to the upstream; undefined where it sends those of the client. */
export function changedFields(
  { outgoing }: Route,
  facts: RequestFacts | undefined,
): (() => readonly string[]) | undefined {
  return outgoing === undefined || facts === undefined ? undefined : () => outgoing(facts).raw;
}

/** Lines that tell a client at which upstream it stays. */
export function stickyFields(
  { sticky }: Route,
  facts: RequestFacts | undefined,
  upstream: Upstream,
  preference: Preference | undefined,
): string {
  return facts === undefined || sticky === undefined ? '' : sticky.fields(upstream, preference, facts);
}

const hostRank = ({ host }: Route): number => (host === undefined ? 0 : host.startsWith('*.') ? 1 : 2);

/**
 * Routes in the order in which they are tried: exact hosts, then wildcards; longer paths first; routes with further
 * conditions first; then the order of the configuration.
 */
export class RouteTable {
  readonly routes: readonly Route[];
  /** Whether the path decides which upstream gets the request, or is changed on the way. */
  readonly #byPath: boolean;
  readonly trusted: BlockList;

  constructor(routes: readonly Route[], trustedProxies: readonly string[] = []) {
    this.routes = [...routes].sort(
      (a, b) =>
        hostRank(b) - hostRank(a) ||
        b.path.length - a.path.length ||
        Number(b.matches !== undefined) - Number(a.matches !== undefined),
    );
    this.#byPath = routes.some((route) => route.path !== '/' || route.outgoing !== undefined);
    this.trusted = addressList(trustedProxies);
  }

  find(head: RequestHead, path: string): Route | undefined {
    for (const route of this.routes) {
      if (route.host !== undefined && !hostMatches(route.host, bareHost(head.host))) continue;
      if (route.path !== '/' && !underPath(path, route.path)) continue;
      if (route.matches === undefined || route.matches(head)) return route;
    }
    return undefined;
  }

  /**
   * Whether the service may read the path as one of another route than `found`. Dot segments also lead out of a prefix that a
   * route adds, so they are always ambiguous here; an unusual slash is not, while every reading leads to the same route.
   */
  isAmbiguous(head: RequestHead, path: string, found: Route | undefined): boolean {
    if (!this.#byPath) return false;
    return hasDotSegments(path) || otherReadings(path).some((other) => this.find(head, plainPath(other)) !== found);
  }

  /** Each lesson is for the routes that have its upstream. `note` hears whether it was taken. */
  learn(lessons: readonly RouteLesson[], note: (route: Route, taken: boolean) => void): void {
    for (const { upstream, ...lesson } of lessons)
      for (const route of this.routes)
        if (route.upstreams.some(({ name }) => name === upstream)) note(route, route.learned.learn(lesson));
  }

  named(id: string): Route | undefined {
    return this.routes.find((route) => route.id === id);
  }
}

function hostMatches(pattern: string, host: string): boolean {
  if (!pattern.startsWith('*.')) return pattern === host;
  const label = host.length - pattern.length + 1;
  return label > 0 && host.endsWith(pattern.slice(1)) && !host.slice(0, label).includes('.');
}

/** The limits for a head before its route is known: the largest of each limit. */
export function loosestLimits(routes: readonly RouteOptions[], section: Limits): Limits {
  const all = routes.length === 0 ? [section] : routes.map((route) => route.limits);
  const most = (key: 'header' | 'fields' | 'target'): number => Math.max(...all.map((limits) => limits[key]));
  const body = all.some((limits) => limits.body === 0) ? 0 : Math.max(...all.map((limits) => limits.body));
  return { ...section, header: most('header'), fields: most('fields'), target: most('target'), body };
}
