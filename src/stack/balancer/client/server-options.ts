/** Options of Node's server. */
import type { ServerOptions, ServerResponse } from 'node:http';
import { ClientRequest } from './request.ts';
import type { BalancerOptions, Limits } from '../config.ts';

/** Node options that its types do not list yet. */
interface LeanServerOptions extends ServerOptions<typeof ClientRequest> {
  /** No stream events for requests that have no body. */
  readonly optimizeEmptyRequests: boolean;
}

/** `limits`: those of the route with the largest limits. */
export function serverOptions(
  { timeouts }: BalancerOptions,
  limits: Limits,
  responseClass: typeof ServerResponse,
): LeanServerOptions {
  // A periodic sweep finds late requests: the limit is shortened by two periods, so that the answer is in time.
  const sweepMs = timeouts.client_head > 0 ? Math.min(500, timeouts.client_head / 20) : 1_000;
  return {
    IncomingMessage: ClientRequest,
    ServerResponse: responseClass,
    insecureHTTPParser: false,
    maxHeaderSize: limits.header,
    // Host is checked in request-head.ts, which writes the refusal.
    requireHostHeader: false,
    headersTimeout: timeouts.client_head > 0 ? timeouts.client_head - 2 * sweepMs : 0,
    requestTimeout: timeouts.client_request,
    connectionsCheckingInterval: sweepMs,
    // Idle connections are closed by one sweep instead of a timer set for each answer.
    keepAliveTimeout: 0,
    noDelay: true,
    optimizeEmptyRequests: true,
    shouldUpgradeCallback: (request) =>
      request.method === 'GET' &&
      request.headers.upgrade?.trim().toLowerCase() === 'websocket' &&
      request.headers['content-length'] === undefined &&
      request.headers['transfer-encoding'] === undefined,
  };
}
