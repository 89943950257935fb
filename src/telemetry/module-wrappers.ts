/**
 * ES modules that replace a package of the application. `patchedSource`: a CommonJS package whose instrumentation
 * replaces the exports instead of changing them in place; by then Node has already kept the original exports for `import`.
 * `wrapperSource`: an ES module itself, whose exports cannot be changed from outside, with one export that is observed.
 */
import { createRequire } from 'node:module';
import { tieApi } from './others/handover.ts';
import { tieTrpc } from './spans/trpc-errors.ts';
import { observeHono, type Hono } from './spans/hono-routes.ts';
import { observeReactRouter, type CreateRequestHandler, type MatchRoutes } from './spans/react-router-routes.ts';

type Exports = Readonly<Record<string, unknown>>;
type HonoClass = new (...args: unknown[]) => Hono;

/** The exports of a package that are replaced, made from its own. */
type Wrap = (exported: Exports) => Exports;

const wrapHono: Wrap = ({ Hono: Base }) => ({
  Hono: class Hono extends (Base as HonoClass) {
    constructor(...args: unknown[]) {
      super(...args);
      observeHono(this);
    }
  },
});

const wrapReactRouter: Wrap = ({ createRequestHandler, matchRoutes }) => ({
  createRequestHandler: observeReactRouter(createRequestHandler as CreateRequestHandler, matchRoutes as MatchRoutes),
});

/** For packages whose objects are changed in place. */
const inPlace =
  (tie: (exported: unknown) => void): Wrap =>
  (exported) => {
    tie(exported);
    return {};
  };

/** By specifier, with the names that the wrapper exports. */
export const WRAPPED: ReadonlyMap<string, { readonly names: readonly string[]; readonly wrap: Wrap }> = new Map([
  ['hono', { names: ['Hono'], wrap: wrapHono }],
  ['hono/tiny', { names: ['Hono'], wrap: wrapHono }],
  ['hono/quick', { names: ['Hono'], wrap: wrapHono }],
  ['@opentelemetry/api', { names: [], wrap: inPlace(tieApi) }],
  ['@trpc/server', { names: [], wrap: inPlace(tieTrpc) }],
  ['react-router', { names: ['createRequestHandler'], wrap: wrapReactRouter }],
]);

/** Called by the source of a wrapper, which has no other way to this module. */
const GLOBAL = Symbol.for('vitrine.wrap');
Reflect.set(globalThis, GLOBAL, (specifier: string, exported: Exports): Exports => wrapped(specifier, exported));

function wrapped(specifier: string, exported: Exports): Exports {
  try {
    return WRAPPED.get(specifier)?.wrap(exported) ?? {};
  } catch {
    // Another version of the package, which stays unchanged.
    return {};
  }
}

/** The exports of a CommonJS package with those of `WRAPPED` in their place. */
export const wrapCommonJs = (specifier: string, exported: unknown): unknown => {
  const own = exported as Exports;
  return { ...own, ...wrapped(specifier, own) };
};

/** An ES module with all exports of `url`, of which those of `WRAPPED` are replaced. */
export function wrapperSource(specifier: string, url: string): string {
  const names = WRAPPED.get(specifier)?.names ?? [];
  const from = JSON.stringify(url);
  return [
    `import * as real from ${from};`,
    `export * from ${from};`,
    `const own = globalThis[Symbol.for('vitrine.wrap')](${JSON.stringify(specifier)}, real);`,
    ...names.map((name, at) => `const e${at} = own.${name} ?? real.${name}; export { e${at} as ${name} };`),
    'export default real.default;',
  ].join('\n');
}

/** An ES module that exports the result of the patching `require` for `file`. */
export function patchedSource(file: string): string {
  const exported = createRequire(file)(file) as Exports;
  const names = Object.keys(exported).filter((name) => name !== 'default' && /^[A-Za-z_$][\w$]*$/.test(name));
  const lines = names.map(
    (name, at) => `const e${at} = exported[${JSON.stringify(name)}]; export { e${at} as ${name} };`,
  );
  return [
    "import { createRequire } from 'node:module';",
    `const exported = createRequire(${JSON.stringify(file)})(${JSON.stringify(file)});`,
    'export default exported;',
    ...lines,
  ].join('\n');
}
