/**
 * Requests of which neither span nor measurement nor log line is made: a server's own health checks, which would make a
 * service without users look busy, and fast. The server says which they are; whoever observes it asks.
 */
import type { IncomingMessage, Server } from 'node:http';

export type RequestFilter = (request: IncomingMessage) => boolean;

/** Registered, since a preload and the program it is loaded into may each have their own copy of this module. */
const UNOBSERVED = Symbol.for('vitrine.http.unobserved');

export function leaveUnobserved(server: Server, filter: RequestFilter): void {
  Reflect.set(server, UNOBSERVED, filter);
}

export function isUnobserved(server: object, request: IncomingMessage): boolean {
  const filter = Reflect.get(server, UNOBSERVED) as RequestFilter | undefined;
  return filter !== undefined && filter(request);
}
