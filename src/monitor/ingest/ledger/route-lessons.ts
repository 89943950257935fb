/**
 * What the balancer can learn about the application's routes from completed rows. Each pattern is told once. A pattern that
 * belongs to several routes of the application in turn cannot name a request by its path: the balancer is told to keep its own name.
 */
import type { RouteLesson } from '../../../model/learned-route.ts';
import type { RequestRow } from '../../../model/request-row.ts';
import { routePattern } from '../../../model/text/route-pattern.ts';

/** Patterns that are remembered. An application that puts ids into its routes has more than any real one. */
const PATTERNS_LIMIT = 2_000;
/** A deployment may rename a route; an ambiguous pattern changes with every second request. */
const CHANGES_LIMIT = 4;
const ROUTE_MAX = 256;

interface Told {
  route: string;
  changes: number;
}

export class RouteLessons {
  readonly #told = new Map<string, Told>();
  readonly #limit: number;
  #new: RouteLesson[] = [];
  /** Routes that were not told because of the limit. */
  refused = 0;

  constructor(limit = PATTERNS_LIMIT) {
    this.#limit = limit;
  }

  /** `row` has the balancer's name; the application called it `route`. */
  note({ upstream, method, path, route: guess }: RequestRow, route: string): void {
    if (upstream === '' || path === '' || route === guess) return;
    const { pattern, open } = routePattern(path, route);
    const key = `${upstream} ${method} ${pattern.map((each) => each ?? '*').join('/')}${open ? '/**' : ''}`;
    const told = this.#told.get(key);
    if (told === undefined) {
      if (this.#told.size >= this.#limit || route.length > ROUTE_MAX) {
        this.refused += 1;
        return;
      }
      this.#told.set(key, { route, changes: 0 });
    } else {
      if (told.route === route || told.changes >= CHANGES_LIMIT) return;
      told.changes += 1;
      told.route = route;
    }
    const isAmbiguous = told !== undefined && told.changes >= CHANGES_LIMIT;
    this.#new.push({ upstream, method, pattern, open, route: isAmbiguous ? '' : route });
  }

  /** Lessons since the last call. */
  take(): readonly RouteLesson[] {
    if (this.#new.length === 0) return [];
    const taken = this.#new;
    this.#new = [];
    return taken;
  }
}
