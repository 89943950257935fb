/**
 * Requests without span, metric and log line: health checks, which would make a service without users look busy and fast. A
 * server can name its own by a filter, which the observers of the server call. The balancer's health checks are recognised by
 * their User-Agent.
 */
import type { IncomingMessage, Server } from 'node:http';

export type RequestFilter = (request: IncomingMessage) => boolean;

/** A registered symbol, because a preload and the program may each load their own copy of this module. */
const UNOBSERVED = Symbol.for('vitrine.http.unobserved');

/** The User-Agent of the balancer's health checks. */
export const HEALTH_CHECK_AGENT = 'vitrine-health-check';

export function leaveUnobserved(server: Server, filter: RequestFilter): void {
  Reflect.set(server, UNOBSERVED, filter);
}

export function isUnobserved(server: object, request: IncomingMessage): boolean {
  const filter = Reflect.get(server, UNOBSERVED) as RequestFilter | undefined;
  return (filter !== undefined && filter(request)) || isHealthCheck(request);
}

/** Requests that the balancer forwards have a Via, so a client cannot hide by sending this User-Agent. */
function isHealthCheck({ headers }: IncomingMessage): boolean {
  return headers['user-agent'] === HEALTH_CHECK_AGENT && headers.via === undefined;
}
