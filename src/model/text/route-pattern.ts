/**
 * The paths that belong to a route, from one path and the route that the application gave it. Frameworks write routes in
 * many ways (`:id`, `{id}`, `[id]`, `<id>`, `*`), so the two texts are laid side by side instead of reading each of these languages:
 * where they agree, the segment is fixed; where the route has a sign that is not part of a plain word, it is a parameter.
 * A route that cannot be laid beside its path, such as a regular expression, gets the paths of the same shape. Pure.
 */
import { PATTERN_SEGMENTS, segmentsOf, type PathPattern } from '../learned-route.ts';
import { pathTemplate } from './path-templates.ts';

export interface RoutePattern {
  readonly pattern: PathPattern;
  readonly open: boolean;
}

const PARAMETER = /[:{}[\]<>()*?+$^|]/;
const REST = /\*|\.\.\.|\+\)?$/;

export function routePattern(path: string, route: string): RoutePattern {
  const [have, told] = [segmentsOf(path), segmentsOf(withoutConstraints(route))];
  return rest(have, told) ?? sideBySide(have, told) ?? shape(path);
}

/** `:id(\d+)` is a parameter like any other; only `:path(.*)` takes all that follows. */
const withoutConstraints = (route: string): string =>
  route.replace(/\([^()]*\)/g, (group) => (/^\(\.[*+]\)$/.test(group) ? '*' : '()'));

/** `/files/*`: the segments before the one that takes all that follow. */
function rest(have: readonly string[], told: readonly string[]): RoutePattern | undefined {
  const at = told.findIndex((segment) => REST.test(segment));
  if (at < 0 || at > have.length || at >= PATTERN_SEGMENTS) return undefined;
  // A regular expression also has stars; the text before them is then no path.
  const pattern = aligned(have.slice(0, at), told.slice(0, at));
  return pattern && { pattern, open: true };
}

/** When the balancer or a mount removed a prefix, the route is that of the last segments, and the prefix is fixed. */
function sideBySide(have: readonly string[], told: readonly string[]): RoutePattern | undefined {
  const removed = have.length - told.length;
  if (removed < 0 || have.length > PATTERN_SEGMENTS || (removed > 0 && told.length === 0)) return undefined;
  const tail = aligned(have.slice(removed), told);
  return tail && { pattern: [...have.slice(0, removed), ...tail], open: false };
}

function aligned(have: readonly string[], told: readonly string[]): (string | null)[] | undefined {
  const pattern: (string | null)[] = [];
  for (const [at, segment] of have.entries()) {
    if (isSame(segment, told[at])) pattern.push(segment);
    else if (PARAMETER.test(told[at]) && !told[at].includes('\\')) pattern.push(null);
    else return undefined;
  }
  return pattern;
}

function isSame(segment: string, told: string): boolean {
  if (segment === told) return true;
  if (!segment.includes('%')) return false;
  try {
    return decodeURIComponent(segment) === told;
  } catch {
    return false;
  }
}

function shape(path: string): RoutePattern {
  const segments = segmentsOf(pathTemplate(path));
  const open = segments[segments.length - 1] === '*';
  const kept = open ? segments.slice(0, -1) : segments;
  return { pattern: kept.map((each) => (each === ':id' || each.startsWith('*.') ? null : each)), open };
}
