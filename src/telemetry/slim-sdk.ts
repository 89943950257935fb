/**
 * NodeSDK without its unused imports: all exporters, gRPC, Zipkin and the reader of YAML configurations, together about 25 MB
 * in each process. While the package is imported, a resolve hook gives its modules a replacement for those
 * (`absent-exporters.ts`). Every other importer, before and after, gets the real ones. A test checks the list of names.
 */
import nodeModule from 'node:module';

/** Everything else stays: the API, the SDKs of the signals, and small packages. */
const LEFT_OUT = /^@opentelemetry\/(?:exporter-|configuration$|otlp-)/;
/** Starts an SDK from a configuration file. NodeSDK does not use it. */
const FROM_FILES = './start.mjs';
const SDK_PLACE = /\/@opentelemetry\/sdk-node\/dist\/[\w-]+\.mjs$/;

export type { NodeSDK } from '@opentelemetry/sdk-node';

async function load(): Promise<typeof import('@opentelemetry/sdk-node')> {
  // After compilation the replacement's name ends in `.js`.
  const standIn = new URL(`./absent-exporters${import.meta.url.slice(-3)}`, import.meta.url).href;
  // Older versions have no such hooks; the process then has the memory of the whole package.
  if (typeof nodeModule.registerHooks !== 'function') return await import('@opentelemetry/sdk-node');
  const hooks = nodeModule.registerHooks({
    resolve(specifier, context, nextResolve) {
      const isOwn = SDK_PLACE.test(context.parentURL ?? '');
      if (isOwn && (LEFT_OUT.test(specifier) || specifier === FROM_FILES)) return { url: standIn, shortCircuit: true };
      return nextResolve(specifier, context);
    },
  });
  try {
    return await import('@opentelemetry/sdk-node');
  } finally {
    hooks.deregister();
  }
}

export const { NodeSDK: SlimNodeSDK } = await load();
