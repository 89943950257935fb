/**
 * Templates of Express 4 and 5 (and of the package `router`): `/orgs/:org/members/:m`. Express leaves the matched route on
 * the request, but of the routers above only `baseUrl`, which holds the values of parameters. So calls of `use` and `route`
 * are noted when the application sets up its routers: which router is mounted on which path. At the end of a request the
 * template is put together from these notes; a request itself is not touched. Cost: one WeakMap entry for each router and
 * route.
 */
import type { IncomingMessage } from 'node:http';
import { pathTemplate } from '../../model/text/path-templates.ts';
import { noteError } from './request-notes.ts';

type Use = (this: object, ...args: unknown[]) => unknown;
type HandleError = (this: object, error: unknown, request: IncomingMessage, ...rest: unknown[]) => unknown;
interface Patchable {
  use?: Use;
  route?: Use;
  init?: Use;
  handle_error?: HandleError;
  handleError?: HandleError;
}
type Path = string | RegExp;

/** A router or an application below another one. */
interface Mount {
  readonly parent: object;
  readonly paths: readonly Path[];
}

const PATCHED = Symbol('vitrine.express');
const mounts = new WeakMap<object, Mount[]>();
const routerOf = new WeakMap<object, object>();
const templates = new WeakMap<object, string>();
/** Functions below a path: they answer without a route. */
interface Middleware {
  readonly router: object;
  readonly paths: readonly Path[];
}
const middlewares: Record<'fixed' | 'withParameters', Middleware[]> = { fixed: [], withParameters: [] };
const apps: WeakRef<App>[] = [];
const LIMIT = 1_000;
const DEPTH_LIMIT = 16;
const CANDIDATES_LIMIT = 64;

interface App {
  readonly _router?: object;
  readonly router?: object;
}

const isPath = (value: unknown): value is Path => typeof value === 'string' || value instanceof RegExp;
const pathsOf = (value: unknown): Path[] => [value].flat(Infinity).filter(isPath);

const hasParameters = (path: Path): boolean => typeof path === 'string' && /[:*{]/.test(path);

function noteUse(router: object, args: readonly unknown[]): void {
  const first = pathsOf(args[0]);
  const paths = first.length === 0 ? ['/'] : first;
  for (const handler of args.flat(Infinity)) {
    if (typeof handler !== 'function') continue;
    const isRouter = 'stack' in handler || 'handle' in handler;
    if (isRouter) {
      const known = mounts.get(handler) ?? [];
      if (known.length < CANDIDATES_LIMIT) known.push({ parent: router, paths });
      mounts.set(handler, known);
    } else {
      const list = middlewares[paths.some(hasParameters) ? 'withParameters' : 'fixed'];
      if (first.length > 0 && list.length < LIMIT) list.push({ router, paths });
    }
  }
}

/** Replaces `name` of `target` once. */
function patch<K extends keyof Patchable>(
  target: Patchable,
  name: K,
  make: (original: NonNullable<Patchable[K]>) => Patchable[K],
): void {
  const original = target[name];
  if (typeof original !== 'function' || PATCHED in original) return;
  const replaced = make(original);
  if (replaced === undefined) return;
  Object.assign(replaced, original, { [PATCHED]: true });
  target[name] = replaced;
}

function watchErrors(layer: unknown): void {
  if (typeof layer !== 'object' || layer === null) return;
  const prototype = Object.getPrototypeOf(layer) as Patchable;
  for (const name of ['handle_error', 'handleError'] as const)
    patch(
      prototype,
      name,
      (original) =>
        function (error, request, ...rest) {
          noteError(request, error);
          return original.call(this, error, request, ...rest);
        },
    );
}

function patchRouter(router: Patchable): void {
  patch(
    router,
    'use',
    (original) =>
      function use(...args) {
        const result = original.apply(this, args);
        noteUse(this, args);
        watchErrors((this as { stack?: unknown[] }).stack?.[0]);
        return result;
      },
  );
  patch(
    router,
    'route',
    (original) =>
      function route(...args) {
        const made = original.apply(this, args);
        if (typeof made === 'object' && made !== null) routerOf.set(made, this);
        watchErrors((this as { stack?: unknown[] }).stack?.[0]);
        return made;
      },
  );
}

/** Takes the exports of `express` or `router`. */
export function tieExpress(exported: unknown): void {
  const { Router = exported, application } = exported as { Router?: unknown; application?: Patchable };
  if (typeof Router !== 'function') return;
  const prototype = Router.prototype as Patchable | undefined;
  patchRouter(typeof prototype?.route === 'function' ? prototype : (Router as Patchable));
  if (application === undefined) return;
  patch(
    application,
    'use',
    (original) =>
      function use(...args) {
        // Looked up before the call, because the call hides an application behind a function.
        const below = args
          .flat(Infinity)
          .filter((each) => typeof each === 'function' && 'set' in each && 'handle' in each);
        if (below.length > 0) noteUse(this, [pathsOf(args[0]), below]);
        return original.apply(this, args);
      },
  );
  patch(
    application,
    'init',
    (original) =>
      function init(...args) {
        if (apps.length >= LIMIT) apps.shift();
        apps.push(new WeakRef(this));
        return original.apply(this, args);
      },
  );
}

/** The application whose main router this is. `app.router` of Express 4 throws. */
const appOf = (router: object): object | undefined =>
  apps
    .map((ref) => ref.deref())
    .find(
      (app) =>
        app !== undefined && (app._router === router || (app._router === undefined && ownRouter(app) === router)),
    );

function ownRouter(app: App): object | undefined {
  try {
    return app.router;
  } catch {
    return undefined;
  }
}

const join = (parts: readonly Path[]): string => {
  const text = parts
    .map((part) => (typeof part === 'string' ? (part === '/' ? '' : part.replace(/\/$/, '')) : String(part)))
    .join('');
  return text === '' ? '/' : text;
};

/** All chains of paths from the top to `node`, with whether the top is an application. */
function chainsTo(node: object, below: readonly Path[], depth: number, found: Path[][]): void {
  if (depth > DEPTH_LIMIT || found.length >= CANDIDATES_LIMIT) return;
  const above = mounts.get(node);
  if (above !== undefined) {
    for (const { parent, paths } of above)
      for (const path of paths) chainsTo(parent, [path, ...below], depth + 1, found);
    return;
  }
  const app = appOf(node);
  if (app !== undefined && mounts.has(app)) chainsTo(app, below, depth + 1, found);
  else found.push([...below]);
}

const patterns = new Map<string, RegExp>();

/** Whether a path is one of a template, for choosing among several templates. Approximate: names match one segment each. */
export function matches(template: string, path: string): boolean {
  let pattern = patterns.get(template);
  if (pattern === undefined) {
    const source = template
      .replace(/[.+^$|\\[\]]/g, String.raw`\$&`)
      .replace(/\{/g, '(?:')
      .replace(/\}/g, ')?')
      .replace(/\/:\w+(?:\([^)]*\))?\?/g, '(?:/[^/]+)?')
      .replace(/:\w+(?:\([^)]*\))?[*+]?/g, '[^/]+')
      .replace(/\*\w*/g, '.*');
    try {
      pattern = new RegExp(`^${source}/?$`, 'i');
    } catch {
      pattern = /^$/;
    }
    if (patterns.size >= LIMIT) patterns.clear();
    patterns.set(template, pattern);
  }
  return pattern.test(path);
}

export interface ExpressRequest {
  readonly url?: string | undefined;
  readonly originalUrl?: unknown;
  readonly baseUrl?: unknown;
  readonly route?: { readonly path?: unknown } | undefined;
}

const pathOf = ({ originalUrl, url = '' }: ExpressRequest): string =>
  (typeof originalUrl === 'string' ? originalUrl : url).split('?', 1)[0];

function choose(candidates: readonly Path[][], path: string): string {
  const texts = candidates.map(join);
  return texts.find((text) => matches(text, path)) ?? texts[0];
}

/** The template of the route that answered, or of the middleware below a path with parameters. */
export function expressRoute(request: ExpressRequest): string | undefined {
  const { route, baseUrl } = request;
  const base = typeof baseUrl === 'string' ? baseUrl : '';
  if (route === undefined) return base === '' ? undefined : middlewareRoute(base, middlewares.withParameters);
  const known = templates.get(route);
  if (known !== undefined) return known;
  const paths = pathsOf(route.path);
  if (paths.length === 0) return undefined;
  const router = routerOf.get(route);
  // Routers that were made before the notes began: only the shape of the path above is known.
  if (router === undefined) {
    const above = base === '' ? '/' : pathTemplate(base);
    return choose(
      paths.map((path) => [above, path]),
      pathOf(request),
    );
  }
  const chains: Path[][] = [];
  chainsTo(router, [], 0, chains);
  const isHidden = base !== '' && chains.length === 1 && chains[0].every((path) => path === '/');
  const above = isHidden ? [[pathTemplate(base)]] : chains;
  const candidates = above.flatMap((chain) => paths.map((path) => [...chain, path]));
  if (candidates.length !== 1 || isHidden) return choose(candidates, pathOf(request));
  const template = join(candidates[0]);
  templates.set(route, template);
  return template;
}

/**
 * The path of the middleware that answered below a path without parameters. A path that exists has a better name by its shape, because
 * such middleware often has routes of its own (files, procedures).
 */
export function expressMount(request: ExpressRequest): string | undefined {
  const { route, baseUrl, originalUrl } = request;
  if (route !== undefined || typeof originalUrl !== 'string') return undefined;
  if (typeof baseUrl === 'string' && baseUrl !== '') return middlewareRoute(baseUrl, middlewares.fixed);
  // Every application has its root.
  return pathOf(request) === '/' ? '/' : undefined;
}

function middlewareRoute(base: string, among: readonly Middleware[]): string | undefined {
  for (const { router, paths } of among) {
    const chains: Path[][] = [];
    chainsTo(router, [], 0, chains);
    const texts = chains.flatMap((chain) => paths.map((path) => join([...chain, path])));
    const found = texts.find((text) => matches(text, base));
    if (found !== undefined) return found;
  }
  return undefined;
}
