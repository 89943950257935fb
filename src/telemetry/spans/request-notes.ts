/**
 * Notes that framework ties leave on a request for its server span: the route that was matched and the error that made it
 * fail. They are properties under registered symbols, because a preload and the program may each load a copy of this module.
 */
import type { IncomingMessage } from 'node:http';

const ROUTE = Symbol.for('vitrine.http.route');
const ERROR = Symbol.for('vitrine.http.error');

type Noted = IncomingMessage & {
  /** Asked at the end of the request, when the router has done its work. */
  [ROUTE]?: (() => unknown) | undefined;
  [ERROR]?: unknown;
};

export function noteRoute(request: IncomingMessage, route: () => unknown): void {
  (request as Noted)[ROUTE] = route;
}

/** The noted route as a text; undefined when a tie noted none, or when no route matched. */
export function notedRoute(request: IncomingMessage): string | undefined {
  const route = (request as Noted)[ROUTE]?.();
  if (typeof route === 'string') return route === '' ? undefined : route;
  return route instanceof RegExp ? route.toString() : undefined;
}

/** The first error is the cause; a handler of errors may throw another. */
export function noteError(request: IncomingMessage, error: unknown): void {
  (request as Noted)[ERROR] ??= error;
}

export function notedError(request: IncomingMessage): unknown {
  return (request as Noted)[ERROR];
}
