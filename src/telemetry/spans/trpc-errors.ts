/**
 * Errors of tRPC procedures. tRPC catches them and answers by itself, so nothing above it sees them. A middleware at the base of
 * every procedure notes the error for the span of the request; it is tRPC's own way to look at results.
 */
import { context } from '@opentelemetry/api';
import { getRPCMetadata } from '@opentelemetry/core';
import { innerNoteOf } from './inner-spans.ts';

interface Result {
  readonly ok: boolean;
  readonly error?: { readonly cause?: unknown };
}
interface Procedure {
  use(middleware: (call: { next(): Promise<Result> }) => Promise<Result>): Procedure;
}
interface Instance {
  procedure: Procedure;
}
type Create = ((this: unknown, ...args: unknown[]) => Instance) & { [TIED]?: true };

const TIED = Symbol.for('vitrine.tied');

/** The error that the procedure threw is the cause of tRPC's own. */
function note({ error }: Result): void {
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
    return Object.assign(instance, {
      procedure: instance.procedure.use(async (call) => {
        const result = await call.next();
        if (!result.ok) note(result);
        return result;
      }),
    });
  };
  create[TIED] = true;
  prototype.create = create;
}
