/** Accounts of people, for admins: `/api/accounts`. The secret of a one-time link is in the answer that makes it and nowhere else. */
import { z } from 'zod';
import { VitrineError } from '../../../base/errors.ts';
import { ROLES } from '../../../model/access.ts';
import { jsonBody } from '../answers.ts';
import type { AccountLink, AccountsAnswer } from '../care-contract.ts';
import type { Route } from '../routes.ts';
import type { Accounts, Made } from './accounts.ts';

const MAX_BYTES = 4_096;
const role = z.enum(ROLES);
const wanted = z.strictObject({ name: z.string().trim(), role });
const changed = z.strictObject({ role });

function read<T>(schema: z.ZodType<T>, body: unknown, message: string): T {
  const result = schema.safeParse(body);
  if (result.success) return result.data;
  throw new VitrineError('bad_request', message, { hint: `Roles are ${ROLES.join(', ')}.` });
}

const linkOf = ({ account, link, expiresMs }: Made): AccountLink => ({
  id: account.id,
  name: account.name,
  role: account.role,
  // After the #: browsers send that part to no server, so no log holds it.
  path: `/sign-in#link=${link}&name=${encodeURIComponent(account.name)}`,
  expiresMs,
});

export function accountRoutes(accounts: Accounts | undefined): Route[] {
  if (accounts === undefined) return [];
  const admin = 'admin' as const;
  return [
    {
      method: 'GET',
      path: '/api/accounts',
      role: admin,
      handler: (): AccountsAnswer => ({
        accounts: accounts.list().map((one) => ({
          id: one.id,
          name: one.name,
          role: one.role,
          createdMs: one.createdMs,
          createdBy: one.createdBy,
          hasPassword: one.password !== '',
          linkEndsMs: one.linkEndsMs,
        })),
      }),
    },
    {
      method: 'POST',
      path: '/api/accounts',
      role: admin,
      async handler({ ctx, who }): Promise<AccountLink> {
        const body = read(wanted, await jsonBody(ctx, MAX_BYTES), 'An account needs a name and a role.');
        const made = await accounts.invite(body.name, body.role, who);
        ctx.status = 201;
        return linkOf(made);
      },
    },
    {
      method: 'POST',
      path: '/api/accounts/:id/link',
      role: admin,
      async handler({ ctx, params }): Promise<AccountLink> {
        const made = await accounts.newLink(params.id);
        ctx.status = 201;
        return linkOf(made);
      },
    },
    {
      method: 'POST',
      path: '/api/accounts/:id/role',
      role: admin,
      async handler({ ctx, params }) {
        const body = read(changed, await jsonBody(ctx, MAX_BYTES), 'The body needs a role.');
        await accounts.setRole(params.id, body.role);
        ctx.status = 204;
      },
    },
    {
      method: 'DELETE',
      path: '/api/accounts/:id',
      role: admin,
      async handler({ ctx, params }) {
        await accounts.remove(params.id);
        ctx.status = 204;
      },
    },
  ];
}
