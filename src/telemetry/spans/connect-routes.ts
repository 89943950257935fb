/**
 * The route of a Connect application: the paths under which the middleware that answers is mounted, one below the other. Connect
 * has no parameters, so a mounted path is a template as it stands; what is mounted at the root has none. Connect reads the
 * function of a layer once the layer's path has matched, so an accessor in place of the function sees which layer comes next, and no
 * function of ours stands in the stack of an error, which Connect shows to the client.
 */
import { context } from '@opentelemetry/api';
import { getRPCMetadata, type RPCMetadata } from '@opentelemetry/core';

interface Layer {
  readonly route: string;
  handle: unknown;
}
interface Connect {
  use(...args: unknown[]): unknown;
  readonly stack: Layer[];
}
type MakeConnect = ((...args: unknown[]) => Connect) & { [TIED]?: true };

/** A package of the application. */
const CONNECT = 'connect';
const TIED = Symbol.for('vitrine.tied');

/** The layers that a request is in, from the outermost application to the innermost. */
type Chain = { readonly app: Connect; readonly route: string }[];
const chains = new WeakMap<RPCMetadata, Chain>();

/** A next layer of the same application ends what was below the layer before. */
function enter(app: Connect, route: string): void {
  const rpc = getRPCMetadata(context.active());
  if (rpc === undefined) return;
  let chain = chains.get(rpc);
  if (chain === undefined) chains.set(rpc, (chain = []));
  const at = chain.findIndex((each) => each.app === app);
  if (at >= 0) chain.length = at;
  chain.push({ app, route });
  if (route !== '') rpc.route = chain.map((each) => each.route).join('');
}

function watch(app: Connect, layer: Layer): void {
  let { handle } = layer;
  Object.defineProperty(layer, 'handle', {
    configurable: true,
    enumerable: true,
    get() {
      enter(app, layer.route);
      return handle;
    },
    set(next: unknown) {
      handle = next;
    },
  });
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
      const before = app.stack.length;
      const result = use(...given);
      for (const layer of app.stack.slice(before)) watch(app, layer);
      return result;
    };
    return app;
  };
  module.exports = Object.assign(make, original, { [TIED]: true as const });
}
