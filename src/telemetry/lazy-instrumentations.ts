/**
 * The instrumentations of `@opentelemetry/auto-instrumentations-node` for databases, brokers and loggers, each loaded only
 * when the application first resolves the package that it instruments. A synchronous resolve hook is called for CommonJS and
 * ES modules; it requires the package through the patching `require` before the application gets it, so an `import` gets the
 * patched exports too. There is no loader thread, and other modules are not changed.
 */
import { createRequire, registerHooks } from 'node:module';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { diag } from '@opentelemetry/api';
import type { Instrumentation } from '@opentelemetry/instrumentation';
import type { Env } from './environment.ts';
import { listOf } from './environment.ts';
import { tieKoa } from './spans/framework-routes.ts';

/** Package of the application → suffix of its instrumentation. */
const FOR_PACKAGE: ReadonlyMap<string, string> = new Map([
  ['pino', 'pino'],
  ['winston', 'winston'],
  ['bunyan', 'bunyan'],
  ['ioredis', 'ioredis'],
  ['redis', 'redis'],
  ['@redis/client', 'redis'],
  ['pg', 'pg'],
  ['mysql', 'mysql'],
  ['mysql2', 'mysql2'],
  ['mongodb', 'mongodb'],
  ['mongoose', 'mongoose'],
  ['graphql', 'graphql'],
  ['knex', 'knex'],
  ['tedious', 'tedious'],
  ['memcached', 'memcached'],
  ['cassandra-driver', 'cassandra-driver'],
  ['kafkajs', 'kafkajs'],
  ['amqplib', 'amqplib'],
  ['@grpc/grpc-js', 'grpc'],
]);

/** OTEL_NODE_ENABLED_INSTRUMENTATIONS and OTEL_NODE_DISABLED_INSTRUMENTATIONS, as auto-instrumentations-node reads them. */
export function isInstrumentationOn(env: Env, suffix: string): boolean {
  const only = listOf(env, 'OTEL_NODE_ENABLED_INSTRUMENTATIONS');
  if (only.length > 0 && !only.includes(suffix)) return false;
  return !listOf(env, 'OTEL_NODE_DISABLED_INSTRUMENTATIONS').includes(suffix);
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
  return new (exported[name] as new () => Instrumentation)();
}

const LOADED_AS_COMMONJS = new Set<string | null | undefined>(['commonjs', undefined, null]);

const PATCHED = 'vitrine-patched:';

/**
 * An ES module that exports the result of the patching `require`. Some instrumentations (those of loggers) replace the exports
 * instead of changing them in place; without this module an `import` would get the original ones, which Node has cached.
 */
function patchedSource(file: string): string {
  const exported = createRequire(file)(file) as Record<string, unknown>;
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

/** Begins to watch which packages the application resolves. `added` is called with each new instrumentation. */
export function watchPackages(env: Env, added: (instrumentation: Instrumentation) => void): void {
  const seen = new Set<string>();
  const replaced = new Set<string>();
  const attend = (specifier: string, parent: string, isCommonJs: boolean): void => {
    if (seen.has(specifier)) return;
    const suffix = FOR_PACKAGE.get(specifier);
    if (specifier !== 'koa' && (suffix === undefined || !isCommonJs || !isInstrumentationOn(env, suffix))) return;
    seen.add(specifier);
    try {
      if (suffix !== undefined) {
        const instrumentation = loadInstrumentation(suffix);
        if (instrumentation !== undefined) added(instrumentation);
      }
      const require = createRequire(parent);
      const exported: unknown = require(specifier);
      if (specifier === 'koa') tieKoa(exported);
      const file = require.resolve(specifier);
      if (require.cache[file]?.exports !== exported) replaced.add(pathToFileURL(file).href);
    } catch (error) {
      // The application gets the package without instrumentation.
      diag.warn(`${specifier} could not be instrumented: ${error instanceof Error ? error.message : 'unknown'}`);
    }
  };
  registerHooks({
    resolve(specifier, context, nextResolve) {
      const resolved = nextResolve(specifier, context);
      if ((specifier === 'koa' || FOR_PACKAGE.has(specifier)) && context.parentURL?.startsWith('file:')) {
        attend(specifier, fileURLToPath(context.parentURL), LOADED_AS_COMMONJS.has(resolved.format));
      }
      if (!replaced.has(resolved.url) || !context.conditions.includes('import')) return resolved;
      return { url: PATCHED + resolved.url, format: 'module', shortCircuit: true };
    },
    load(url, context, nextLoad) {
      if (!url.startsWith(PATCHED)) return nextLoad(url, context);
      const source = patchedSource(fileURLToPath(url.slice(PATCHED.length)));
      return { format: 'module', source, shortCircuit: true };
    },
  });
}
