/**
 * Routes and errors of Hono. Once a request, in the context of the request, its router is asked which handlers match;
 * each handler has its full path. Only public fields of an application are used.
 */
import { context } from '@opentelemetry/api';
import { getRPCMetadata } from '@opentelemetry/core';
import { innerNoteOf } from './inner-spans.ts';

interface HonoRoute {
  readonly path: string;
  readonly method: string;
}
type Matched = readonly [handler: (...args: unknown[]) => unknown, route: HonoRoute];
interface Router {
  readonly name: string;
  add(method: string, path: string, handler: unknown): void;
  match(method: string, path: string): readonly [readonly (readonly [Matched, ...unknown[]])[], ...unknown[]];
}
type ErrorHandler = (error: unknown, ...rest: unknown[]) => unknown;
export interface Hono {
  router: Router;
  errorHandler?: ErrorHandler;
}

/** Middleware is registered for all methods, below a wildcard, and takes `next`. */
const isMiddleware = ([handler, { method, path }]: Matched): boolean =>
  method === 'ALL' && path.endsWith('*') && handler.length !== 1;

function note(result: ReturnType<Router['match']>): void {
  const rpc = getRPCMetadata(context.active());
  if (rpc === undefined) return;
  const last = result[0].at(-1)?.[0];
  if (last !== undefined && !isMiddleware(last)) innerNoteOf(rpc).route = last[1].path;
}

/** Begins to observe an application that was just made. */
export function observeHono(app: Hono): void {
  const { router } = app;
  app.router = {
    get name() {
      return router.name;
    },
    add: (method, path, handler) => router.add(method, path, handler),
    match(method, path) {
      const result = router.match(method, path);
      try {
        note(result);
      } catch {
        // In a version whose router answers differently, the request has no route.
      }
      return result;
    },
  };
  let handler = app.errorHandler;
  if (typeof handler !== 'function') return;
  Object.defineProperty(app, 'errorHandler', {
    configurable: true,
    enumerable: true,
    get: (): ErrorHandler =>
      function (this: unknown, error, ...rest) {
        const rpc = getRPCMetadata(context.active());
        if (rpc !== undefined) innerNoteOf(rpc).error ??= error;
        return handler?.call(this, error, ...rest);
      },
    set: (next: ErrorHandler) => {
      handler = next;
    },
  });
}
