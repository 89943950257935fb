/**
 * The route of a Connect application: the paths under which the middleware that answers is mounted, one below the other. Connect
 * has no parameters, so a mounted path is a template as it stands. The application's own calls of `use` are followed; what it
 * mounts at the root has no route.
 */
import type { IncomingMessage } from 'node:http';
import { noteRoute } from './request-notes.ts';

type Next = (error?: unknown) => void;
type Handle = (...args: unknown[]) => unknown;
interface Connect {
  use(...args: unknown[]): unknown;
  readonly stack: { readonly route: string; handle: Handle }[];
}
type MakeConnect = ((...args: unknown[]) => Connect) & { [TIED]?: true };

/** A package of the application. */
const CONNECT = 'connect';
const TIED = Symbol.for('vitrine.tied');
const BASE = Symbol('vitrine.connect.base');
type Mounted = IncomingMessage & { [BASE]?: string | undefined };

/** Enters the part that is mounted at `path`; the returned function leaves it. */
function enter(request: Mounted, path: string): () => void {
  const before = request[BASE];
  const set = (base: string | undefined): void => {
    request[BASE] = base;
    noteRoute(request, () => base);
  };
  set(`${before ?? ''}${path}`);
  return () => set(before);
}

/** Connect calls a function of four parameters with an error, any other without. */
function mounted(handle: Handle, path: string): Handle {
  const run = (owner: unknown, args: unknown[], at: number): unknown => {
    const leave = enter(args[at] as Mounted, path);
    const next = args[at + 2] as Next;
    args[at + 2] = (error?: unknown): void => {
      leave();
      next(error);
    };
    return handle.apply(owner, args);
  };
  if (handle.length > 3)
    return function (this: unknown, error: unknown, request: unknown, response: unknown, next: unknown) {
      return run(this, [error, request, response, next], 1);
    };
  return function (this: unknown, request: unknown, response: unknown, next: unknown) {
    return run(this, [request, response, next], 0);
  };
}

/** Takes the exports of `connect`, and replaces them in the cache of modules. */
export function tieConnect(exported: unknown, require: NodeJS.Require): void {
  const original = exported as MakeConnect;
  const module = require.cache[require.resolve(CONNECT)];
  if (typeof original !== 'function' || TIED in original || module === undefined) return;
  const make: MakeConnect = (...args) => {
    const app = original(...args);
    const use = app.use.bind(app);
    app.use = (...given) => {
      const result = use(...given);
      const layer = app.stack.at(-1);
      if (layer !== undefined && layer.route !== '') layer.handle = mounted(layer.handle, layer.route);
      return result;
    };
    return app;
  };
  module.exports = Object.assign(make, original, { [TIED]: true as const });
}
