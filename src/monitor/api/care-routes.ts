/**
 * The runtime API of the balancer and the cache. Calls are checked here like every call of this port; the process that runs
 * the balancer and the cache answers them. A monitor without such a parent process answers 404.
 */
import type { IncomingMessage } from 'node:http';
import { VitrineError } from '../../base/errors.ts';
import type { CareCall, CareReply } from '../../model/care.ts';
import { jsonBody } from './answers.ts';
import type { Call, Route } from './routes.ts';

export type TakeCare = (call: CareCall) => Promise<CareReply>;

const PATHS: readonly (readonly ['GET' | 'POST', string])[] = [
  ['GET', '/api/sample'],
  ['POST', '/api/sample/stop'],
  ['GET', '/api/balancer'],
  ['POST', '/api/balancer/upstreams/:id/:action'],
  ['POST', '/api/balancer/routes/:id/maintenance'],
  ['GET', '/api/cache'],
  ['POST', '/api/cache/purge'],
  ['POST', '/api/cache/unpurge'],
];

/** RFC 9112 section 6: a request has a body when one of these fields says so. */
const hasBody = ({ headers }: IncomingMessage): boolean =>
  headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0;

export function careRoutes(take: TakeCare | undefined): Route[] {
  return PATHS.map(([method, path]) => ({
    method,
    path,
    async handler({ ctx }: Call): Promise<unknown> {
      if (take === undefined) throw new VitrineError('not_found', 'No balancer runs beside this monitor.');
      const body = hasBody(ctx.req) ? await jsonBody(ctx) : undefined;
      const who = `API from ${ctx.req.socket.remoteAddress ?? 'unknown'}`;
      const reply = await take({ method, path: ctx.path, body, who });
      ctx.status = reply.status;
      if (reply.status >= 400) ctx.type = 'application/problem+json';
      return reply.body;
    },
  }));
}
