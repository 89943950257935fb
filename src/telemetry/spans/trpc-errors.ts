/**
 * Errors of tRPC procedures. tRPC catches them and answers by itself, so nothing above it sees them. Each error passes the
 * application's formatter on its way into the answer, after the procedure has ended: a middleware would see it too, but would
 * stand in the stack of the error, which tRPC shows to the client during development.
 */
import { context } from '@opentelemetry/api';
import { getRPCMetadata } from '@opentelemetry/core';
import { innerNoteOf } from './inner-spans.ts';

interface Failure {
  readonly error?: { readonly cause?: unknown };
}
interface Config {
  errorFormatter?: (this: unknown, failure: Failure) => unknown;
}
interface Instance {
  readonly _config?: Config;
}
type Create = ((this: unknown, ...args: unknown[]) => Instance) & { [TIED]?: true };

const TIED = Symbol.for('vitrine.tied');

/** The error that the procedure threw is the cause of tRPC's own. */
function note({ error }: Failure): void {
  const rpc = getRPCMetadata(context.active());
  if (rpc !== undefined) innerNoteOf(rpc).error ??= error?.cause ?? error;
}

/** Takes the exports of `@trpc/server`. */
export function tieTrpc(exported: unknown): void {
  const { initTRPC } = exported as { readonly initTRPC?: object };
  const prototype = (initTRPC === undefined ? undefined : Object.getPrototypeOf(initTRPC)) as
    | { create?: Create }
    | undefined;
  const original = prototype?.create;
  if (prototype === undefined || typeof original !== 'function' || TIED in original) return;
  const create: Create = function create(...args) {
    const instance = original.apply(this, args);
    const config = instance._config;
    const format = config?.errorFormatter;
    if (config !== undefined && typeof format === 'function')
      config.errorFormatter = function (failure) {
        note(failure);
        return format.call(this, failure);
      };
    return instance;
  };
  create[TIED] = true;
  prototype.create = create;
}
