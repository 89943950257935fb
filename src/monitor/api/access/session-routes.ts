/** `/api/session`: who is signed in, the sign-in by token, password or one-time link, the change of a password, the end. */
import type { Context } from 'koa';
import { z } from 'zod';
import { VitrineError } from '../../../base/errors.ts';
import type { AccessStore } from '../../../model/access.ts';
import type { Clock } from '../../../base/clock.ts';
import { jsonBody } from '../answers.ts';
import type { SessionAnswer } from '../care-contract.ts';
import type { Route } from '../routes.ts';
import type { Access, Browser } from './access.ts';

const MAX_BYTES = 4_096;
const text = z.string().max(1_024);
const byToken = z.strictObject({ token: text });
const byPassword = z.strictObject({ name: text, password: text });
const byLink = z.strictObject({ link: text, name: text.default(''), password: text });
const passwords = z.strictObject({ old: text, password: text });

const isSecure = (ctx: Context): boolean => ctx.protocol === 'https';

const browserOf = (ctx: Context): Browser => ({
  address: ctx.req.socket.remoteAddress ?? '',
  secure: isSecure(ctx),
  headers: ctx.req.headers,
});

export interface SessionRoutesOptions {
  readonly access: Access;
  readonly capabilities: readonly string[];
  readonly store?: AccessStore | undefined;
  readonly clock: Clock;
}

/** Returns the value of Set-Cookie. */
async function signedIn({ access, store, clock }: SessionRoutesOptions, ctx: Context): Promise<string> {
  const body = await jsonBody(ctx, MAX_BYTES);
  const browser = browserOf(ctx);
  const token = byToken.safeParse(body);
  if (token.success) return access.signIn(token.data.token, browser);
  const person = byPassword.safeParse(body);
  if (person.success) return access.signInAs(person.data.name, person.data.password, browser);
  const link = byLink.safeParse(body);
  if (link.success) {
    const { cookie, name } = await access.useLink(link.data.link, link.data.name, link.data.password, browser);
    // The route is open, so nobody else notes this change.
    await store?.note({ atMs: clock.now(), who: name, action: 'POST /api/session with a link', status: 204 });
    return cookie;
  }
  throw new VitrineError(
    'bad_request',
    'A sign-in has a "token", a "name" with a "password", or a "link" with a "password".',
  );
}

export function sessionRoutes(options: SessionRoutesOptions): Route[] {
  const { access, capabilities } = options;
  return [
    {
      method: 'GET',
      path: '/api/session',
      handler({ ctx }): SessionAnswer {
        const { name, role, holder } = access.check(ctx.req.headers);
        if (role === 'ingest') throw new VitrineError('forbidden', 'This token may only send telemetry.');
        return { token_needed: !access.isOpen, role, name, account: holder.kind === 'account', capabilities };
      },
    },
    {
      method: 'POST',
      path: '/api/session',
      open: true,
      async handler({ ctx }) {
        ctx.set('Set-Cookie', await signedIn(options, ctx));
        ctx.status = 204;
      },
    },
    {
      method: 'POST',
      path: '/api/session/password',
      role: 'viewer',
      async handler({ ctx }) {
        const read = passwords.safeParse(await jsonBody(ctx, MAX_BYTES));
        if (!read.success) throw new VitrineError('bad_request', '"old" and "password" must be texts.');
        ctx.set('Set-Cookie', await access.changePassword(read.data.old, read.data.password, browserOf(ctx)));
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
