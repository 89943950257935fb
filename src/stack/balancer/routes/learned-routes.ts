/**
 * Routes of the application, by path: a tree of segments in which a fixed segment is preferred to a parameter and both to an
 * open end. Answers are remembered by path, so that a frequent path costs one look-up. The number of patterns is limited: an
 * application that puts ids into its routes cannot grow the labels of metrics.
 */
import { segmentsOf, type RouteLesson } from '../../../model/learned-route.ts';

const PATTERNS_LIMIT = 500;
const PATHS_LIMIT = 2_048;

/** The application's route by method; '' where several routes share the pattern. */
type Leaf = ReadonlyMap<string, string>;

interface Node {
  readonly fixed: Map<string, Node>;
  any?: Node;
  exact?: Map<string, string>;
  open?: Map<string, string>;
}

const node = (): Node => ({ fixed: new Map() });

export class LearnedRoutes {
  readonly #root = node();
  /** What was found, by method and path. */
  readonly #paths = new Map<string, Map<string, string | undefined>>();
  #remembered = 0;
  readonly #limit: number;
  #size = 0;

  constructor(limit = PATTERNS_LIMIT) {
    this.#limit = limit;
  }

  get size(): number {
    return this.#size;
  }

  /** False when the lesson is refused because there are too many patterns. */
  learn({ method, pattern, open, route }: Omit<RouteLesson, 'upstream'>): boolean {
    if (this.#size >= this.#limit && this.#leafAt(pattern, open)?.has(method) !== true) return false;
    let at = this.#root;
    for (const segment of pattern) {
      if (segment === null) at = at.any ??= node();
      else {
        const next = at.fixed.get(segment) ?? node();
        at.fixed.set(segment, next);
        at = next;
      }
    }
    const leaf = open ? (at.open ??= new Map<string, string>()) : (at.exact ??= new Map<string, string>());
    if (!leaf.has(method)) this.#size += 1;
    leaf.set(method, route);
    this.#forgetPaths();
    return true;
  }

  /** Undefined when no route is known for the path and method, or more than one may be meant. */
  find(method: string, path: string): string | undefined {
    if (this.#size === 0) return undefined;
    const known = this.#paths.get(method);
    if (known?.has(path) === true) return known.get(path);
    const found = match(this.#root, segmentsOf(path), 0, method) || undefined;
    if (this.#remembered >= PATHS_LIMIT) this.#forgetPaths();
    this.#remembered += 1;
    const paths = this.#paths.get(method);
    if (paths === undefined) this.#paths.set(method, new Map([[path, found]]));
    else paths.set(path, found);
    return found;
  }

  #forgetPaths(): void {
    this.#paths.clear();
    this.#remembered = 0;
  }

  #leafAt(pattern: RouteLesson['pattern'], open: boolean): Leaf | undefined {
    let at: Node | undefined = this.#root;
    for (const segment of pattern) at = segment === null ? at?.any : at?.fixed.get(segment);
    return open ? at?.open : at?.exact;
  }
}

/** Each node of the tree is visited once at most, because its depth is its position in the path. */
function match(at: Node, segments: readonly string[], depth: number, method: string): string | undefined {
  if (depth === segments.length) return routeIn(at.exact, method) ?? routeIn(at.open, method);
  const next = at.fixed.get(segments[depth]);
  return (
    (next && match(next, segments, depth + 1, method)) ??
    (at.any && match(at.any, segments, depth + 1, method)) ??
    routeIn(at.open, method)
  );
}

/** Frameworks answer HEAD with the handler of GET. */
const routeIn = (leaf: Leaf | undefined, method: string): string | undefined =>
  leaf?.get(method) ?? (method === 'HEAD' ? leaf?.get('GET') : undefined);
