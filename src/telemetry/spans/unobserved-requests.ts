/**
 * Requests of which neither span nor measurement nor log line is made: a server's own health checks, which would make a
 * service without users look busy, and fast. The server says which they are; whoever observes it asks. The balancer's checks of a
 * service that says nothing are known by their name.
 */
import type { IncomingMessage, Server } from 'node:http';

export type RequestFilter = (request: IncomingMessage) => boolean;

/** Registered, since a preload and the program it is loaded into may each have their own copy of this module. */
const UNOBSERVED = Symbol.for('vitrine.http.unobserved');

/** The User-Agent of the balancer's checks. */
export const HEALTH_CHECK_AGENT = 'vitrine-health-check';

export function leaveUnobserved(server: Server, filter: RequestFilter): void {
  Reflect.set(server, UNOBSERVED, filter);
}

export function isUnobserved(server: object, request: IncomingMessage): boolean {
  const filter = Reflect.get(server, UNOBSERVED) as RequestFilter | undefined;
  return (filter !== undefined && filter(request)) || isHealthCheck(request);
}

/** What the balancer passes on has a Via, so nobody hides behind that name. */
function isHealthCheck({ headers }: IncomingMessage): boolean {
  return headers['user-agent'] === HEALTH_CHECK_AGENT && headers.via === undefined;
}
