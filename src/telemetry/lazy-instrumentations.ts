/**
 * Instrumentations and ties of ours, each loaded only when the application first resolves a package that it observes. A
 * synchronous resolve hook is called for CommonJS and ES modules; it requires the package through the patching `require` before
 * the application gets it, so an `import` gets the patched exports too. There is no loader thread, and other modules are not
 * changed. On Node.js without such hooks, or whose hooks break applications, the loader of CommonJS modules is watched instead, and
 * packages that are ES modules themselves are not observed.
 */
import { readFileSync } from 'node:fs';
import nodeModule, { createRequire } from 'node:module';
import path from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { context, diag } from '@opentelemetry/api';
import { getRPCMetadata } from '@opentelemetry/core';
import type { Instrumentation } from '@opentelemetry/instrumentation';
import type { Env } from './environment.ts';
import { listOf, textOf } from './environment.ts';
import { INSTRUMENTED_PACKAGES, ON_REQUEST, OWN_WAY } from './instrumentation-packages.ts';
import { asOwn, isTheirs, onTheirs } from './others/scopes.ts';
import { tieApi } from './others/handover.ts';
import { packageLoaded } from './logs/console-lines.ts';
import { tieWinston } from './logs/winston-lines.ts';
import { patchedSource, WRAPPED, wrapCommonJs, wrapperSource } from './module-wrappers.ts';
import { tieConnect } from './spans/connect-routes.ts';
import { tieExpress } from './spans/express-routes.ts';
import { tieFinalHandler } from './spans/final-handler.ts';
import { isAgent, noteAgent } from './spans/intake-calls.ts';
import { tieTrpc } from './spans/trpc-errors.ts';
import { tieHapi, tieKoa, tieNest, tieRestify } from './spans/framework-routes.ts';

const forPackage: ReadonlyMap<string, string> = new Map(
  Object.entries(INSTRUMENTED_PACKAGES).flatMap(([suffix, names]) => names.map((name) => [name, suffix] as const)),
);

/** An application may have several copies, each of which registers on its own. */
const API = '@opentelemetry/api';

/** Ties take the exports of the package, in place of an instrumentation or beside it. */
const TIES: ReadonlyMap<string, (exported: unknown, require: NodeJS.Require, asked: string) => void> = new Map<
  string,
  (exported: unknown, require: NodeJS.Require, asked: string) => void
>([
  ['koa', tieKoa],
  ['express', tieExpress],
  ['router', tieExpress],
  ['finalhandler', tieFinalHandler],
  ['winston', tieWinston],
  ['@hapi/hapi', tieHapi],
  ['restify', tieRestify],
  ['@nestjs/core', tieNest],
  ['connect', tieConnect],
  ['@trpc/server', tieTrpc],
  [API, tieApi],
]);

/** Copies the name of the GraphQL operation to the span of the request, because searches read that span. */
function nameOperation({ attributes }: { readonly attributes?: Readonly<Record<string, unknown>> }): void {
  const server = getRPCMetadata(context.active())?.span;
  for (const key of ['graphql.operation.name', 'graphql.operation.type']) {
    const value = attributes?.[key];
    if (typeof value === 'string') server?.setAttribute(key, value);
  }
}

const OPTIONS: Readonly<Record<string, object>> = {
  // The tie makes the records; without this the instrumentation warns that a package is missing.
  winston: { disableLogSending: true },
  graphql: { responseHook: nameOperation },
};

/** OTEL_NODE_ENABLED_INSTRUMENTATIONS and OTEL_NODE_DISABLED_INSTRUMENTATIONS, as auto-instrumentations-node reads them. */
export function isInstrumentationOn(env: Env, suffix: string): boolean {
  const only = listOf(env, 'OTEL_NODE_ENABLED_INSTRUMENTATIONS');
  if (only.length > 0 && !only.includes(suffix)) return false;
  return !listOf(env, 'OTEL_NODE_DISABLED_INSTRUMENTATIONS').includes(suffix);
}

function isLoaded(env: Env, suffix: string): boolean {
  if (OWN_WAY.has(suffix)) return false;
  if (ON_REQUEST.has(suffix) && !listOf(env, 'OTEL_NODE_ENABLED_INSTRUMENTATIONS').includes(suffix)) return false;
  return isInstrumentationOn(env, suffix);
}

/** Resolves from the bundle's own location, so its parts are found in any layout of node_modules. */
function fromBundle(): NodeJS.Require {
  const require = createRequire(import.meta.url);
  return createRequire(require.resolve('@opentelemetry/auto-instrumentations-node'));
}

/** The instrumentation class is the export whose name ends in `Instrumentation`. Its constructor enables it. */
export function loadInstrumentation(suffix: string): Instrumentation | undefined {
  const exported = fromBundle()(`@opentelemetry/instrumentation-${suffix}`) as Record<string, unknown>;
  const name = Object.keys(exported).find((key) => key.endsWith('Instrumentation'));
  if (name === undefined) return undefined;
  return asOwn(() => new (exported[name] as new (options?: object) => Instrumentation)(OPTIONS[suffix]));
}

/** `pg/lib/x` → `pg`, `@redis/client/dist` → `@redis/client`, `node:dns/promises` → `dns/promises`; undefined for paths. */
function packageOf(specifier: string): string | undefined {
  if (specifier.startsWith('node:')) return specifier.slice(5);
  if (/^[./]|^[a-z]+:/i.test(specifier)) return undefined;
  if (specifier === 'dns/promises' || specifier === 'fs/promises') return specifier;
  return specifier.split('/', specifier.startsWith('@') ? 2 : 1).join('/');
}

/** As `packageOf`, where an application asks. */
function askedOf(specifier: string): string | undefined {
  const name = packageOf(specifier);
  if (name !== undefined && isAgent(name)) noteAgent();
  return name;
}

/** Each copy is tied: a program may have one of Express for itself and another in a plugin. */
function keyOf(name: string, asked: string, copy: string): string {
  if (name === API) return copy;
  const folder = `/node_modules/${asked}/`;
  const at = copy.lastIndexOf(folder);
  return at < 0 ? asked : copy.slice(0, at + folder.length);
}

const LOADED_AS_COMMONJS = new Set<string | null | undefined>(['commonjs', 'builtin', undefined, null]);
/** Packages whose ES module only exports their CommonJS one, so that one tie observes both. */
const RE_EXPORTED: ReadonlySet<string> = new Set(['koa']);
const PATCHED = 'vitrine-patched:';

function copyOf(asked: string, parent: string): string {
  try {
    return createRequire(parent).resolve(asked);
  } catch {
    return asked;
  }
}

/** Loads the instrumentation and the tie of a package, each once. */
class Watch {
  readonly #env: Env;
  readonly #added: (instrumentation: Instrumentation) => void;
  readonly #seen = new Set<string>();
  readonly #loaded = new Map<string, Instrumentation | undefined>();
  /** Files whose exports were replaced and not changed in place; `import` must get the replacement. */
  readonly replaced = new Set<string>();

  constructor(env: Env, added: (instrumentation: Instrumentation) => void) {
    this.#env = env;
    this.#added = added;
    onTheirs((suffix) => this.#loaded.get(suffix)?.disable());
  }

  /** `name`: the name of the package; `asked`: the name by which `parent`, the path of a file, asks for it; `copy`: the file that it gets. */
  attend(name: string, parent: string, asked = name, copy = asked): void {
    const key = keyOf(name, asked, copy);
    if (this.#seen.has(key)) return;
    const suffix = forPackage.get(name);
    const isLoading = suffix !== undefined && isLoaded(this.#env, suffix);
    const tie = suffix === undefined || isInstrumentationOn(this.#env, suffix) ? TIES.get(name) : undefined;
    if (!isLoading && tie === undefined && !WRAPPED.has(name)) return;
    this.#seen.add(key);
    packageLoaded(name);
    try {
      if (isLoading) this.load(suffix);
      const require = createRequire(parent);
      const exported: unknown = require(asked);
      tie?.(exported, require, asked);
      if (!nodeModule.isBuiltin(name)) this.#noteReplaced(name, require, require.resolve(asked), exported);
    } catch (error) {
      // The application gets its package as it is, only without spans.
      diag.warn(`${name} could not be instrumented: ${error instanceof Error ? error.message : 'unknown'}`);
    }
  }

  #noteReplaced(name: string, { cache }: NodeJS.Require, file: string, exported: unknown): void {
    const module = cache[file];
    if (module !== undefined && WRAPPED.has(name)) module.exports = wrapCommonJs(name, module.exports);
    else if (module?.exports !== exported) this.replaced.add(pathToFileURL(file).href);
  }

  load(suffix: string): void {
    if (this.#loaded.has(suffix) || isTheirs(suffix)) return;
    this.#loaded.set(suffix, undefined);
    const instrumentation = loadInstrumentation(suffix);
    this.#loaded.set(suffix, instrumentation);
    if (instrumentation !== undefined) this.#added(instrumentation);
  }
}

const isKnown = (name: string): boolean => forPackage.has(name) || TIES.has(name) || WRAPPED.has(name);

const aliases = new Map<string, string | undefined>();
const ALIASES_LIMIT = 1_000;

/**
 * The name that a package gives itself, which differs from the one asked for when it was installed under an alias
 * (`npm:express@4`). Only for packages that the application itself asks for, because a file is read for each.
 */
function aliased(asked: string, parentUrl: string | undefined, url: string): string | undefined {
  if (parentUrl === undefined || parentUrl.includes('/node_modules/') || !url.startsWith('file:')) return undefined;
  const known = aliases.get(asked);
  if (known !== undefined || aliases.has(asked) || aliases.size >= ALIASES_LIMIT) return known;
  let name: string | undefined;
  const folder = `/node_modules/${asked}/`;
  const at = url.lastIndexOf(folder);
  try {
    const file = fileURLToPath(`${url.slice(0, at + folder.length)}package.json`);
    if (at > 0) name = (JSON.parse(readFileSync(file, 'utf8')) as { name?: string }).name;
  } catch {
    // A package without a readable package.json keeps the name by which it was asked for.
  }
  aliases.set(asked, name);
  return name;
}

function watchByHooks(watch: Watch): void {
  nodeModule.registerHooks({
    resolve(specifier, from, nextResolve) {
      const resolved = nextResolve(specifier, from);
      if (from.parentURL?.startsWith(PATCHED)) return resolved;
      const asked = askedOf(specifier);
      const name = asked === undefined || isKnown(asked) ? asked : aliased(asked, from.parentURL, resolved.url);
      const isImport = from.conditions.includes('import');
      if (name !== undefined && isKnown(name) && from.parentURL?.startsWith('file:')) {
        if (LOADED_AS_COMMONJS.has(resolved.format) || RE_EXPORTED.has(name))
          watch.attend(name, fileURLToPath(from.parentURL), asked, resolved.url);
        else if (WRAPPED.has(specifier) && isImport)
          return { url: `${PATCHED}${specifier}#${resolved.url}`, format: 'module', shortCircuit: true };
      }
      if (!watch.replaced.has(resolved.url) || !isImport) return resolved;
      return { url: PATCHED + resolved.url, format: 'module', shortCircuit: true };
    },
    load(url, from, nextLoad) {
      if (!url.startsWith(PATCHED)) return nextLoad(url, from);
      const target = url.slice(PATCHED.length);
      const mark = target.indexOf('#');
      const source =
        mark > 0 ? wrapperSource(target.slice(0, mark), target.slice(mark + 1)) : patchedSource(fileURLToPath(target));
      return { format: 'module', source, shortCircuit: true };
    },
  });
}

type Load = (request: string, parent: { readonly filename?: string } | undefined, isMain: boolean) => unknown;

/** An `import` of a CommonJS package arrives as a path: its package is the last one under node_modules. */
const inPath = (file: string): string | undefined =>
  /.*[\\/]node_modules[\\/]((?:@[^\\/]+[\\/])?[^\\/]+)/.exec(file)?.[1].replaceAll('\\', '/');

function aliasedFrom(asked: string, from: string): string | undefined {
  if (nodeModule.isBuiltin(asked) || from.includes('node_modules')) return asked;
  try {
    const file = createRequire(from).resolve(asked);
    return aliased(asked, pathToFileURL(from).href, pathToFileURL(file).href);
  } catch {
    return asked;
  }
}

/** For Node.js without hooks. `Module._load` is undocumented, but tracers have replaced it for years. */
function watchByLoader(watch: Watch): void {
  const loader = nodeModule as unknown as { _load: Load };
  const original = loader._load;
  loader._load = function (request, parent, isMain) {
    const isPath = /^[./]|^[a-z]:\\/i.test(request);
    const from = parent?.filename ?? (isPath ? request : path.join(process.cwd(), 'x'));
    const asked = isPath ? inPath(request) : askedOf(request);
    const name = asked === undefined || isKnown(asked) || isPath ? asked : aliasedFrom(asked, from);
    if (name !== undefined && isKnown(name)) watch.attend(name, from, isPath ? name : asked, copyOf(request, from));
    return original.call(this, request, parent, isMain);
  };
}

/**
 * Whether synchronous hooks can be used: those of Node.js 22.15 are there but make `require` fail in CommonJS modules that an ES
 * module imports ("is not in cache"). From these versions on the matrix test ran with them.
 */
export function hasSoundHooks(version: string): boolean {
  const [major, minor] = version.split('.').map(Number);
  return major > 24 || (major === 24 && minor >= 15) || (major === 22 && minor >= 23);
}

/** Begins to watch the modules that the application resolves. `added` is called with each instrumentation. */
export function watchPackages(env: Env, added: (instrumentation: Instrumentation) => void): void {
  const watch = new Watch(env, added);
  if (textOf(env, '_HANDLER') !== undefined && isLoaded(env, 'aws-lambda')) watch.load('aws-lambda');
  if (hasSoundHooks(process.versions.node)) watchByHooks(watch);
  else watchByLoader(watch);
}
