/**
 * Notes from spans inside a request: the `http.route` that a framework with spans of its own (Next, Nest) sets on them, and
 * exceptions that they record. Both belong on the server span too, where searches and error rates look for them. A span is
 * tied to its request by the RPC metadata of the context in which it starts.
 */
import type { Attributes, Context, Span } from '@opentelemetry/api';
import { SpanKind } from '@opentelemetry/api';
import { getRPCMetadata, type RPCMetadata } from '@opentelemetry/core';
import type { ReadableSpan, SpanProcessor } from '@opentelemetry/sdk-trace';

export interface InnerNotes {
  /** A server span of a framework, which often ends after the response. */
  server?: ReadableSpan | undefined;
  /** The route that a framework's server span names. */
  route?: string | undefined;
  /** The route that another span names, which may lack the part above a plugin. */
  partial?: string | undefined;
  exception?: Attributes | undefined;
  /** An error that the framework caught. */
  error?: unknown;
  /** Nobody caught it, but the application has a listener and goes on: the request has failed whatever its status. */
  isUncaught?: boolean | undefined;
}

let watched = 0;
const notes = new WeakMap<RPCMetadata, InnerNotes>();
const requests = new WeakMap<object, RPCMetadata>();

/** Begins to take notes; returns a function that ends this. While no code reads the notes, the processor does nothing. */
export function takeInnerNotes(): () => void {
  watched += 1;
  return () => void (watched -= 1);
}

const routeIn = ({ attributes }: ReadableSpan): string | undefined => {
  const route = attributes['http.route'] ?? attributes['next.route'];
  return typeof route === 'string' && route !== '' ? route : undefined;
};

export function innerNotes(rpc: RPCMetadata): InnerNotes {
  const own = notes.get(rpc);
  if (own === undefined) return {};
  return { ...own, route: (own.server && routeIn(own.server)) ?? own.route };
}

/** The notes of a request, to be written to. */
export function innerNoteOf(rpc: RPCMetadata): InnerNotes {
  let own = notes.get(rpc);
  if (own === undefined) notes.set(rpc, (own = {}));
  return own;
}

export const innerSpans: SpanProcessor = {
  onStart(span: Span & ReadableSpan, context: Context) {
    if (watched === 0) return;
    const rpc = getRPCMetadata(context);
    if (rpc === undefined) return;
    requests.set(span, rpc);
    if (span.kind === SpanKind.SERVER) innerNoteOf(rpc).server = span;
  },
  onEnd(span) {
    if (watched === 0) return;
    const rpc = requests.get(span);
    if (rpc === undefined) return;
    const route = routeIn(span);
    if (route !== undefined && span.kind === SpanKind.INTERNAL) innerNoteOf(rpc).partial ??= route;
    const exception = span.events.find(({ name }) => name === 'exception');
    if (exception?.attributes !== undefined) innerNoteOf(rpc).exception ??= exception.attributes;
  },
  forceFlush: () => Promise.resolve(),
  shutdown: () => Promise.resolve(),
};
