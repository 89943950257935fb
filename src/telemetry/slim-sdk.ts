/**
 * NodeSDK without what it imports for nothing: every exporter there is, gRPC, Zipkin and the reader of YAML configurations,
 * together some 25 MB in each process. While the package is imported, a resolve hook gives its own modules a stand-in for
 * those (`absent-exporters.ts`); everybody else, before and after, gets the real ones. A test holds the list of names.
 */
import { registerHooks } from 'node:module';

/** What it may keep: the API, the SDKs of the signals, and what is small. */
const LEFT_OUT = /^@opentelemetry\/(?:exporter-|configuration$|otlp-)/;
/** The assembly from configuration files; NodeSDK has no use for it. */
const FROM_FILES = './start.mjs';
const SDK_PLACE = /\/@opentelemetry\/sdk-node\/dist\/[\w-]+\.mjs$/;

export type { NodeSDK } from '@opentelemetry/sdk-node';

async function load(): Promise<typeof import('@opentelemetry/sdk-node')> {
  // Compiled, the stand-in ends in `.js`.
  const standIn = new URL(`./absent-exporters${import.meta.url.slice(-3)}`, import.meta.url).href;
  const hooks = registerHooks({
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
