/**
 * The route a framework matched, without a span for each of its middleware. Express leaves it on the request itself; Koa
 * and Fastify keep it on objects of their own, so those are tied to the request with one property.
 */
import { subscribe } from 'node:diagnostics_channel';
import type { IncomingMessage } from 'node:http';

const ROUTE = Symbol.for('vitrine.http.route');

type Routed = IncomingMessage & {
  /** Asked at the end of the request, when the router has done its work. */
  [ROUTE]?: (() => unknown) | undefined;
  /** Express (and what is built on it) sets these. */
  readonly route?: { readonly path?: unknown } | undefined;
  readonly baseUrl?: unknown;
};

const asRoute = (path: unknown): string | undefined => {
  if (typeof path === 'string') return path === '' ? undefined : path;
  return path instanceof RegExp ? path.toString() : undefined;
};

/** A template such as `/users/:id`; undefined when nothing matched, never the path of the request. */
export function routeOf(request: IncomingMessage): string | undefined {
  const routed = request as Routed;
  if (routed[ROUTE] !== undefined) return asRoute(routed[ROUTE]());
  const own = routed.route === undefined ? undefined : asRoute(routed.route.path);
  if (own === undefined) return undefined;
  const base = typeof routed.baseUrl === 'string' ? routed.baseUrl : '';
  return base === '' ? own : `${base}${own === '/' ? '' : own}`;
}

interface KoaContext {
  readonly _matchedRoute?: unknown;
}
type CreateContext = (this: unknown, request: Routed, response: unknown) => KoaContext;

/** Koa: @koa/router and koa-router write the matched path on the context. Takes what `require('koa')` gives. */
export function tieKoa(exported: unknown): void {
  const prototype = (exported as { prototype?: { createContext?: CreateContext } } | undefined)?.prototype;
  const original = prototype?.createContext;
  if (prototype === undefined || original === undefined || ROUTE in original) return;
  const createContext: CreateContext & { [ROUTE]?: true } = function createContext(request, response) {
    const koa = original.call(this, request, response);
    request[ROUTE] = () => koa._matchedRoute;
    return koa;
  };
  createContext[ROUTE] = true;
  prototype.createContext = createContext;
}

interface FastifyRequest {
  readonly raw: Routed;
  readonly routeOptions?: { readonly url?: string };
}
interface Fastify {
  addHook(name: 'onRequest', hook: (request: FastifyRequest, reply: unknown, done: () => void) => void): void;
}

/** Fastify announces each instance on a diagnostics channel. */
export function tieFastify(): void {
  subscribe('fastify.initialization', (message) => {
    const { fastify } = message as { fastify: Fastify };
    fastify.addHook('onRequest', (request, _reply, done) => {
      request.raw[ROUTE] = () => request.routeOptions?.url;
      done();
    });
  });
}
