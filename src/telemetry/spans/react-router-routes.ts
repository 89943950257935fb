/**
 * Routes of React Router's (and so Remix's) servers: the template of the route that matches, found by the package's own
 * `matchRoutes` in the routes of the build. The framework in front of it, often Express with one wildcard, does not know
 * these routes.
 */
import { context } from '@opentelemetry/api';
import { getRPCMetadata } from '@opentelemetry/core';
import { innerNoteOf } from './inner-spans.ts';

interface BuildRoute {
  readonly id: string;
  readonly parentId?: string;
  readonly path?: string;
  readonly index?: boolean;
}
interface Build {
  readonly routes: Readonly<Record<string, BuildRoute | undefined>>;
  readonly basename?: string;
}
interface RouteNode {
  readonly id: string;
  readonly path?: string;
  readonly index?: boolean;
  readonly children?: RouteNode[];
}
type Handler = (request: { readonly url: string }, ...rest: unknown[]) => unknown;
export type CreateRequestHandler = (build: Build | (() => Build | Promise<Build>), ...rest: unknown[]) => Handler;
export type MatchRoutes = (routes: RouteNode[], path: string, basename?: string) => { route: RouteNode }[] | null;

function treeOf(routes: Build['routes'], parentId?: string): RouteNode[] {
  return Object.values(routes)
    .filter((route) => route !== undefined)
    .filter((route) => (route.parentId ?? undefined) === parentId)
    .map(({ id, path, index }) => (index ? { id, path, index } : { id, path, children: treeOf(routes, id) }));
}

/** The data of a page is requested below the page's path. */
const pagePath = (url: string): string =>
  new URL(url).pathname.replace(/\/_root\.data$/, '/').replace(/\.data$/, '') || '/';

const trees = new WeakMap<Build, RouteNode[]>();

function templateOf(build: Build, url: string, matchRoutes: MatchRoutes): string | undefined {
  let tree = trees.get(build);
  if (tree === undefined) trees.set(build, (tree = treeOf(build.routes)));
  const matched = matchRoutes(tree, pagePath(url), build.basename);
  if (matched === null) return undefined;
  const base = (build.basename ?? '/').replace(/\/$/, '');
  const parts = matched.map(({ route }) => (route.path ?? '').replace(/^\/|\/$/g, '')).filter((part) => part !== '');
  return `${base}/${parts.join('/')}`;
}

/** `createRequestHandler` whose handlers name the route of the server span. */
export function observeReactRouter(create: CreateRequestHandler, matchRoutes: MatchRoutes): CreateRequestHandler {
  return (build, ...rest) => {
    const handler = create(build, ...rest);
    return async (request, ...more) => {
      const rpc = getRPCMetadata(context.active());
      if (rpc !== undefined) {
        try {
          const route = templateOf(typeof build === 'function' ? await build() : build, request.url, matchRoutes);
          if (route !== undefined) innerNoteOf(rpc).route = route;
        } catch {
          // A build of another form: the request keeps the route of the framework in front.
        }
      }
      return handler(request, ...more);
    };
  };
}
