/** All upstreams together, as the component `server` of a health body. */
import { worst, type ComponentHealth } from '../../model/health.ts';
import type { Configured } from './configured.ts';
import { inPanic } from './routes/route.ts';

export function serverHealth(
  { upstreams, routes }: Configured,
  starting: boolean,
  uptimeSeconds: number,
): ComponentHealth {
  const rows = upstreams.map((one) => ({
    name: one.name,
    up: one.available,
    inflight: one.inflight,
    ejected: one.standing.untilMs > 0,
  }));
  const up = rows.filter((one) => one.up).length;
  // An upstream that an operator has drained is missing on purpose.
  const wanted = upstreams.filter((one) => !one.drained).length;
  const status = starting ? 'starting' : up === 0 ? 'unhealthy' : up < wanted ? 'degraded' : 'healthy';
  const panicking = routes.routes.filter(inPanic);
  const out = rows.length - up;
  const reason =
    panicking.length === 0
      ? `${out} of ${rows.length} upstreams ${out === 1 ? 'takes' : 'take'} no traffic.`
      : `Every upstream of ${panicking.length} of ${routes.routes.length} routes is out, so all of them are tried.`;
  return {
    status: status === 'starting' ? status : worst([status, panicking.length > 0 ? 'degraded' : 'healthy']),
    uptime_seconds: Math.floor(uptimeSeconds),
    ...(status === 'healthy' || status === 'starting' ? {} : { reason }),
    upstreams_up: up,
    upstreams_total: rows.length,
    upstreams: rows,
  };
}
