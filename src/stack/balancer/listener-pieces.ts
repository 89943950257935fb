/** The parts that the listener is made of. */
import type { ServerResponse } from 'node:http';
import type { Limits } from './config.ts';
import type { WorkloadPieces } from './exchange/workload.ts';
import type { HealthFacts } from './own-endpoints.ts';
import type { PurgeMethod } from './purge-method.ts';
import type { TlsListening } from './tls/tls-listening.ts';

export interface ListenerPieces extends WorkloadPieces {
  /** The limits for a request head before its route is known. */
  readonly limits: () => Limits;
  readonly tls: TlsListening | undefined;
  readonly responseClass: typeof ServerResponse;
  readonly health: () => HealthFacts;
  /** Whether the own endpoints also answer without their prefix. */
  readonly bareHealth: boolean;
  readonly purge: PurgeMethod | undefined;
  /** Whether the sender of this value of `Authorization` may see the addresses of upstreams. */
  readonly authorized: (authorization: string) => boolean;
}
