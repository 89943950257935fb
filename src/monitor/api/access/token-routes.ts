/**
 * API tokens and the record of changes, for admins: `/api/tokens` and `/api/audit`. The text of a token is in the answer that
 * makes it and nowhere else. See docs/adr/0038-sign-in-and-tokens.md.
 */
import { z } from 'zod';
import type { Clock } from '../../../base/clock.ts';
import { VitrineError } from '../../../base/errors.ts';
import { randomHex } from '../../../base/random.ts';
import { ROLES, type AccessStore, type TokenRecord } from '../../../model/access.ts';
import { jsonBody } from '../answers.ts';
import type { AuditAnswer, TokenMade, TokensAnswer, TokenView } from '../care-contract.ts';
import type { Route } from '../routes.ts';
import type { Access } from './access.ts';
import { hashOf } from './token-hash.ts';

const MAX_TOKENS = 200;
const MAX_DAYS = 3_650;
const AUDIT_SHOWN = 200;
const DAY_MS = 86_400_000;

const wanted = z.strictObject({
  name: z.string().trim().min(1).max(80),
  role: z.enum([...ROLES, 'ingest']),
  days: z.int().min(1).max(MAX_DAYS).nullable().default(null),
});

function readWanted(body: unknown): z.output<typeof wanted> {
  const read = wanted.safeParse(body);
  if (read.success) return read.data;
  throw new VitrineError('bad_request', 'A token needs a name, a role and, if it ends, a number of days.', {
    hint: `Roles are ${[...ROLES, 'ingest'].join(', ')}; "days" is from 1 to ${MAX_DAYS}.`,
  });
}

const viewOf = ({ id, name, role, createdMs, createdBy, expiresMs }: TokenRecord): TokenView => ({
  id,
  name,
  role,
  createdMs,
  createdBy,
  expiresMs,
});

export function tokenRoutes(access: Access, store: AccessStore | undefined, clock: Clock): Route[] {
  if (store === undefined) return [];
  const admin = 'admin' as const;
  return [
    {
      method: 'GET',
      path: '/api/tokens',
      role: admin,
      handler: (): TokensAnswer => ({ tokens: store.tokens().map(viewOf), sign_in: !access.isOpen }),
    },
    {
      method: 'POST',
      path: '/api/tokens',
      role: admin,
      async handler({ ctx, who }): Promise<TokenMade> {
        if (access.isOpen) {
          throw new VitrineError('bad_request', 'This server needs no sign-in, so a token would protect nothing.', {
            hint: 'Set auth.token first.',
          });
        }
        const { name, role, days } = readWanted(await jsonBody(ctx, 4_096));
        if (store.tokens().length >= MAX_TOKENS) {
          throw new VitrineError('conflict', `There are ${MAX_TOKENS} tokens, which is the most.`, {
            hint: 'Revoke one that is not used any more.',
          });
        }
        const id = randomHex(4);
        const token = `vt_${id}_${randomHex(16)}`;
        const now = clock.now();
        const record: TokenRecord = {
          id,
          name,
          role,
          hash: hashOf(token),
          createdMs: now,
          createdBy: who,
          expiresMs: days === null ? null : now + days * DAY_MS,
        };
        await store.add(record);
        access.admit(record);
        ctx.status = 201;
        return { ...viewOf(record), token };
      },
    },
    {
      method: 'DELETE',
      path: '/api/tokens/:id',
      role: admin,
      async handler({ ctx, params }) {
        if (!store.tokens().some(({ id }) => id === params.id)) {
          throw new VitrineError('not_found', 'There is no token of this id.');
        }
        await store.remove(params.id);
        access.revoke(params.id);
        ctx.status = 204;
      },
    },
    {
      method: 'GET',
      path: '/api/audit',
      role: admin,
      handler: (): AuditAnswer => ({ entries: store.audit(AUDIT_SHOWN) }),
    },
  ];
}
