/** A row of the ledger in the form that clients read. Pure. */
import type { RequestRow } from '../../../model/request-row.ts';
import { millisOf } from '../views.ts';
import type { RequestView } from './contract.ts';

export function requestView(row: RequestRow, id: string): RequestView {
  const { phases } = row;
  const present = Object.entries(phases).filter(([, ms]) => ms !== undefined);
  return {
    id,
    time_ms: millisOf(row.startUnixNano),
    duration_ms: row.durationMs,
    service: row.service,
    instance: row.instance,
    version: row.version,
    method: row.method,
    route: row.route,
    path: row.path,
    status: row.status === 0 ? null : row.status,
    reason: row.reason || null,
    upstream: row.upstream || null,
    tries: row.tries,
    cache: row.cache || null,
    phases: Object.fromEntries(present),
    request_bytes: row.requestBytes ?? null,
    response_bytes: row.responseBytes ?? null,
    trace_id: row.traceId,
    support_code: row.code,
    request_id: row.requestId || row.traceId,
    user: row.user || null,
    synthetic: row.synthetic,
  };
}
