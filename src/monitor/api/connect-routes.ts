/**
 * `GET /api/connect`: where a user's own service sends its telemetry, and what has come from services that are not part of
 * Vitrine, so that the page can say "received 14 spans from checkout". It reads the newest traces only, so its cost is
 * bounded however much arrives.
 */
import type { Clock } from '../../base/clock.ts';
import type { SpanSource } from '../../model/ports.ts';
import { serviceOf } from '../../model/records.ts';
import type { ConnectAnswer } from './care-contract.ts';
import type { Route } from './routes.ts';

export interface ConnectFacts {
  /** `host:port` as the settings say it. */
  readonly otlpHttp: string;
  readonly otlpGrpc: string;
  readonly balancer: string | null;
  /** Names of services that are Vitrine's own. */
  readonly ownServices: readonly string[];
}

const LOOK_BACK_MS = 600_000;
const TRACES = 100;
/** The page asks every two seconds for each viewer: the answer is made once for all. */
const FRESH_MS = 1_000;
const MAX_SERVICES = 10;

async function receivedFrom(
  spans: SpanSource,
  own: ReadonlySet<string>,
  nowMs: number,
): Promise<ConnectAnswer['received']> {
  const found = new Map<string, { spans: number; lastMs: number }>();
  for (const { traceId, services } of await spans.find({ fromMs: nowMs - LOOK_BACK_MS, limit: TRACES })) {
    if (services.every((service) => own.has(service))) continue;
    for (const span of await spans.trace(traceId)) {
      const service = serviceOf(span.resource);
      if (own.has(service)) continue;
      const known = found.get(service) ?? { spans: 0, lastMs: 0 };
      const endMs = Number(span.endUnixNano / 1_000_000n);
      found.set(service, { spans: known.spans + 1, lastMs: Math.max(known.lastMs, endMs) });
    }
  }
  return [...found]
    .map(([service, { spans: count, lastMs }]) => ({ service, spans: count, lastMs }))
    .toSorted((a, b) => b.lastMs - a.lastMs)
    .slice(0, MAX_SERVICES);
}

export function connectRoutes(facts: ConnectFacts | undefined, spans: SpanSource, clock: Clock): Route[] {
  if (facts === undefined) return [];
  const { otlpHttp, otlpGrpc, balancer, ownServices } = facts;
  const own = new Set(ownServices);
  let kept: { readonly atMs: number; readonly received: Promise<ConnectAnswer['received']> } | undefined;
  const handler = async (): Promise<ConnectAnswer> => {
    const nowMs = clock.now();
    if (kept === undefined || Math.abs(nowMs - kept.atMs) >= FRESH_MS) {
      kept = { atMs: nowMs, received: receivedFrom(spans, own, nowMs) };
    }
    return { otlp_http: otlpHttp, otlp_grpc: otlpGrpc, balancer, received: await kept.received };
  };
  return [{ method: 'GET', path: '/api/connect', handler }];
}
