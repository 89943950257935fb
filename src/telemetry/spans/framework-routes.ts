/**
 * The route that a framework matched and the error that it caught, without a span for each of its middleware. Each framework
 * keeps them in a place of its own; a tie, installed when the framework is loaded or announces itself, reads them there.
 */
import { subscribe } from 'node:diagnostics_channel';
import type { IncomingMessage } from 'node:http';
import { expressMount, expressRoute } from './express-routes.ts';
import { noteError, notedRoute, noteRoute } from './request-notes.ts';

/** A template such as `/users/:id`; undefined when nothing matched, never the path of the request. */
export function routeOf(request: IncomingMessage): string | undefined {
  return notedRoute(request) ?? expressRoute(request);
}

/** Where the middleware is mounted that refused a request; a path that does not exist has no other name. */
export const mountOf = (request: IncomingMessage): string | undefined => expressMount(request);

const TIED = Symbol.for('vitrine.tied');

interface KoaContext {
  readonly req?: IncomingMessage;
  readonly _matchedRoute?: unknown;
}
type OnError = (this: KoaContext, error: unknown) => unknown;
type CreateContext = (
  this: { context?: { onerror?: OnError } },
  request: IncomingMessage,
  response: unknown,
) => KoaContext;

/** Koa: @koa/router and koa-router write the matched path on the context. Takes the exports of `koa`. */
export function tieKoa(exported: unknown): void {
  const prototype = (exported as { prototype?: { createContext?: CreateContext } } | undefined)?.prototype;
  const original = prototype?.createContext;
  if (prototype === undefined || original === undefined || TIED in original) return;
  const createContext: CreateContext & { [TIED]?: true } = function createContext(request, response) {
    if (this.context !== undefined) tieKoaErrors(this.context);
    const koa = original.call(this, request, response);
    noteRoute(request, () => koa._matchedRoute);
    return koa;
  };
  createContext[TIED] = true;
  prototype.createContext = createContext;
}

function tieKoaErrors(context: { onerror?: OnError }): void {
  const original = context.onerror;
  if (original === undefined || TIED in original) return;
  const onerror: OnError & { [TIED]?: true } = function onerror(error) {
    if (error !== undefined && error !== null && this.req !== undefined) noteError(this.req, error);
    return original.call(this, error);
  };
  onerror[TIED] = true;
  Object.assign(context, { onerror });
}

interface HapiRequest {
  readonly raw: { readonly req: IncomingMessage };
  readonly route: { readonly path: string; readonly method: string };
}
interface Hapi {
  ext(event: 'onPreAuth', method: (request: HapiRequest, kit: { readonly continue: symbol }) => symbol): void;
}
type MakeHapi = (...args: unknown[]) => Hapi;

/** Hapi: its routes are complete only on the request, with the prefix of their plugin. Takes the exports of `@hapi/hapi`. */
export function tieHapi(exported: unknown): void {
  const hapi = exported as Record<'server' | 'Server', MakeHapi & { [TIED]?: true }>;
  for (const name of ['server', 'Server'] as const) {
    const original = hapi[name];
    if (typeof original !== 'function' || TIED in original) continue;
    const make = function (...args: unknown[]): Hapi {
      const server = original(...args);
      server.ext('onPreAuth', ({ raw, route }, kit) => {
        // Requests that match nothing have an internal route.
        if (!route.method.startsWith('_')) noteRoute(raw.req, () => route.path);
        return kit.continue;
      });
      return server;
    };
    hapi[name] = Object.assign(make, { [TIED]: true as const });
  }
}

const NEST = '@nestjs/core';
type NextFilter = (this: unknown, error: unknown, host: { switchToHttp(): { getRequest(): unknown } }) => unknown;

/** Nest passes the errors of handlers to filters, whichever server is below Nest. `require` is that of the application. */
export function tieNest(_exported: unknown, require: NodeJS.Require): void {
  const load: (name: string) => unknown = require;
  const { ExceptionsHandler } = load(`${NEST}/exceptions/exceptions-handler`) as {
    ExceptionsHandler?: { prototype: { next?: NextFilter & { [TIED]?: true } } };
  };
  const original = ExceptionsHandler?.prototype.next;
  if (ExceptionsHandler === undefined || original === undefined || TIED in original) return;
  const next: NextFilter = function next(error, host) {
    const request = host.switchToHttp().getRequest() as
      | (IncomingMessage & { readonly raw?: IncomingMessage })
      | undefined;
    if (typeof request === 'object') noteError(request.raw ?? request, error);
    return original.call(this, error, host);
  };
  ExceptionsHandler.prototype.next = Object.assign(next, { [TIED]: true as const });
}

interface Restify {
  on(
    event: 'after',
    listener: (request: IncomingMessage, response: unknown, route: unknown, error: unknown) => void,
  ): void;
}

/** restify sets the route on the request; it reports the error of a handler when the response is over. */
export function tieRestify(exported: unknown): void {
  const restify = exported as { createServer?: ((...args: unknown[]) => Restify) & { [TIED]?: true } };
  const original = restify.createServer;
  if (original === undefined || TIED in original) return;
  const createServer = (...args: unknown[]): Restify => {
    const server = original(...args);
    server.on('after', (request, _response, _route, error) => {
      if (error !== undefined && error !== null) noteError(request, error);
    });
    return server;
  };
  restify.createServer = Object.assign(createServer, { [TIED]: true as const });
}

interface FastifyRequest {
  readonly raw: IncomingMessage;
  readonly routeOptions?: { readonly url?: string };
  /** Before version 4.10. */
  readonly routerPath?: string;
}
type Done = () => void;
interface Fastify {
  addHook(name: 'onResponse', hook: (request: FastifyRequest, reply: unknown, done: Done) => void): void;
  addHook(name: 'onRequestAbort', hook: (request: FastifyRequest, done: Done) => void): void;
  addHook(name: 'onError', hook: (request: FastifyRequest, reply: unknown, error: unknown, done: Done) => void): void;
}

function noteFastify(request: FastifyRequest): void {
  noteRoute(request.raw, () => request.routeOptions?.url ?? request.routerPath);
}

/**
 * Fastify announces each instance on a diagnostics channel. The route is noted when a request is over: a hook before the handler, and the
 * diagnostics channel of handlers too, would stand in the stack of the handler's errors, which applications show to clients.
 */
export function tieFastify(): void {
  subscribe('fastify.initialization', (message) => {
    const { fastify } = message as { fastify: Fastify };
    fastify.addHook('onResponse', (request, _reply, done) => {
      noteFastify(request);
      done();
    });
    fastify.addHook('onRequestAbort', (request, done) => {
      noteFastify(request);
      done();
    });
    fastify.addHook('onError', (request, _reply, error, done) => {
      noteError(request.raw, error);
      done();
    });
  });
}
