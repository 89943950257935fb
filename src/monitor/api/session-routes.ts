/** Sign-in and sign-out of the page, and who is signed in: `/api/session`. */
import type { Context } from 'koa';
import { VitrineError } from '../../base/errors.ts';
import type { Access } from './access.ts';
import { jsonBody } from './answers.ts';
import type { SessionAnswer } from './care-contract.ts';
import type { Route } from './routes.ts';

const isSecure = (ctx: Context): boolean => ctx.protocol === 'https';

export function sessionRoutes(access: Access, capabilities: readonly string[]): Route[] {
  return [
    {
      method: 'GET',
      path: '/api/session',
      handler({ ctx }): SessionAnswer {
        const { name, role } = access.check(ctx.req.headers);
        if (role === 'ingest') throw new VitrineError('forbidden', 'This token may only send telemetry.');
        return { token_needed: !access.isOpen, role, name, capabilities };
      },
    },
    {
      method: 'POST',
      path: '/api/session',
      open: true,
      async handler({ ctx }) {
        const { token } = await jsonBody(ctx, 4_096);
        if (typeof token !== 'string') throw new VitrineError('bad_request', '"token" must be a text.');
        const address = ctx.req.socket.remoteAddress ?? '';
        ctx.set('Set-Cookie', access.signIn(token, address, isSecure(ctx), ctx.req.headers));
        ctx.status = 204;
      },
    },
    {
      method: 'DELETE',
      path: '/api/session',
      role: 'viewer',
      handler({ ctx }) {
        ctx.set('Set-Cookie', access.signOut(ctx.req.headers, isSecure(ctx)));
        ctx.status = 204;
      },
    },
  ];
}
