/**
 * The routes of the payments service. Public: the list of accounts without balances, which caches may keep for five seconds.
 * With a token: the user's own balance, history and transfers.
 */
import { createHash } from 'node:crypto';
import type { Counter, Histogram } from '@opentelemetry/api';
import { SpanStatusCode, metrics, trace } from '@opentelemetry/api';
import { z } from 'zod';
import type { Clock } from '../base/clock.ts';
import { VitrineError } from '../base/errors.ts';
import { randomHex } from '../base/random.ts';
import type { Cache } from '../stack/cache/cache.ts';
import type { BodyLimits } from '../stack/server/body.ts';
import { readJson } from '../stack/server/body.ts';
import type { KitContext, KitRouter } from '../stack/server/context.ts';
import { counterOf, histogramOf } from '../telemetry/metrics/meters.ts';
import { METRICS } from '../telemetry/names.ts';
import type { Drills } from './drills.ts';
import { drillRequest, mayDrill } from './drills.ts';
import type { Account, Accounts } from './accounts.ts';
import type { Session, Sessions } from './sessions.ts';

export interface PaymentsParts {
  readonly ledger: Accounts;
  readonly sessions: Sessions;
  readonly accounts: Cache<Account | readonly Account[]>;
  readonly drills: Drills;
  /** Undefined without drills. */
  readonly drillToken: string | undefined;
  readonly body: BodyLimits;
  readonly clock: Clock;
}

const id = z.string().min(1).max(64);
const signInBody = z.strictObject({ user: id, password: z.string().min(1).max(128) });
const refreshBody = z.strictObject({ refresh_token: z.string().min(1).max(1_024) });
const transferBody = z
  .strictObject({ from: id, to: id, amount: z.int().positive().max(1e12) })
  .refine(({ from, to }) => from !== to, 'from and to must differ');
const historyQuery = z.object({
  limit: z.coerce.number().int().min(1).max(100).default(20),
  before: z.coerce.number().int().min(1).default(Number.MAX_SAFE_INTEGER),
});
const IDEMPOTENCY_KEY = /^[\x21-\x7e]{1,128}$/;

export function paymentsRoutes(parts: PaymentsParts): (router: KitRouter) => void {
  return (router) => {
    if (parts.drillToken !== undefined) router.post('/internal/drill', drillHandler(parts, parts.drillToken));
    router.use('/api', async (_ctx, next) => {
      await parts.drills.beforeRequest();
      return next();
    });
    router.post('/api/sessions', async (ctx) => {
      const { user, password } = parsed(signInBody, await readJson(ctx.req, parts.body));
      opened(ctx, await parts.sessions.signIn(user, password));
    });
    router.post('/api/sessions/refresh', async (ctx) => {
      const body = parsed(refreshBody, await readJson(ctx.req, parts.body));
      opened(ctx, await parts.sessions.refresh(body.refresh_token));
    });
    accountRoutes(router, parts);
    transferRoutes(router, parts);
  };
}

function accountRoutes(router: KitRouter, { ledger, sessions, accounts }: PaymentsParts): void {
  router.get('/api/accounts', async (ctx) => {
    const list = await accounts.getOrLoad('list', () => ledger.accounts());
    const body = JSON.stringify({ accounts: list });
    ctx.set('Cache-Control', 'public, max-age=5');
    const etag = `"${createHash('sha256').update(body).digest('base64url').slice(0, 22)}"`;
    ctx.set('ETag', etag);
    if (ctx.get('If-None-Match').includes(etag)) {
      ctx.status = 304;
      return;
    }
    ctx.body = body;
    ctx.type = 'application/json';
  });

  /** The account in the path, if it belongs to the caller. */
  const own = async (ctx: KitContext): Promise<Account> => {
    const user = await whoIs(ctx, sessions);
    const account = await accountById(accounts, ledger, ctx.params.id);
    if (account.owner !== user) throw new VitrineError('forbidden', 'This account belongs to somebody else.');
    return account;
  };
  router.get('/api/accounts/:id', async (ctx) => {
    const account = await own(ctx);
    ctx.body = { ...account, balance: await ledger.balance(account.id) };
  });
  router.get('/api/accounts/:id/history', async (ctx) => {
    const account = await own(ctx);
    const { limit, before } = parsed(historyQuery, { ...ctx.query });
    const entries = await ledger.history(account.id, limit, before);
    ctx.body = { account: account.id, entries, next: entries.length === limit ? entries[limit - 1].id : null };
  });
  router.get('/api/ledger/check', async (ctx) => {
    const check = await ledger.check();
    ctx.status = check.ok ? 200 : 500;
    ctx.body = check;
  });
}

function transferRoutes(router: KitRouter, parts: PaymentsParts): void {
  const meter = metrics.getMeter('vitrine.sample');
  const count = counterOf(meter, METRICS.transactions);
  const duration = histogramOf(meter, METRICS.transactionDuration);
  router.post('/api/transfers', async (ctx) => {
    const transactionId = `tx_${randomHex(12)}`;
    await transaction(ctx, transactionId, { count, duration, clock: parts.clock }, () =>
      transfer(ctx, transactionId, parts),
    );
  });
  router.get('/api/transfers/:id', async (ctx) => {
    const user = await whoIs(ctx, parts.sessions);
    const found = await parts.ledger.transferById(ctx.params.id);
    const sides = found === undefined ? [] : [found.from, found.to];
    const owners = await Promise.all(sides.map((side) => accountById(parts.accounts, parts.ledger, side)));
    // The answer must not reveal whether a transfer of another user exists.
    if (!owners.some(({ owner }) => owner === user)) throw new VitrineError('not_found', 'There is no such transfer.');
    tellTransaction(ctx, ctx.params.id);
    ctx.body = found;
  });
}

/** Returns the outcome. */
async function transfer(
  ctx: KitContext,
  transactionId: string,
  parts: PaymentsParts,
): Promise<'completed' | 'replayed'> {
  const user = await whoIs(ctx, parts.sessions);
  const idempotencyKey = ctx.get('Idempotency-Key');
  if (!IDEMPOTENCY_KEY.test(idempotencyKey)) {
    throw new VitrineError('bad_request', 'A transfer needs an Idempotency-Key.', {
      hint: 'Send a new random key for each transfer, and the same one when you repeat it.',
    });
  }
  const { from, to, amount } = parsed(transferBody, await readJson(ctx.req, parts.body));
  const { owner } = await accountById(parts.accounts, parts.ledger, from);
  if (owner !== user) throw new VitrineError('forbidden', 'You can send money only from your own account.');
  const request = { id: transactionId, requestedBy: user, idempotencyKey, from, to, amount };
  const { transfer: done, replayed } = await parts.ledger.transfer(request);
  if (replayed) tellTransaction(ctx, done.id);
  ctx.status = replayed ? 200 : 201;
  ctx.set('Location', `/api/transfers/${done.id}`);
  ctx.body = done;
  ctx.state.log.info({ from, to, amount, replayed }, 'transfer done');
  return replayed ? 'replayed' : 'completed';
}

interface TransactionMeasures {
  readonly count: Counter;
  readonly duration: Histogram;
  readonly clock: Clock;
}

/** Records an id, a span, the outcome and the duration of the work, whether it succeeds or not. */
async function transaction(
  ctx: KitContext,
  transactionId: string,
  { count, duration, clock }: TransactionMeasures,
  work: () => Promise<string>,
): Promise<void> {
  const startMs = clock.monotonic();
  tellTransaction(ctx, transactionId);
  await trace.getTracer('vitrine.sample').startActiveSpan('transfer', async (span) => {
    span.setAttributes({ transaction_id: transactionId, 'payments.transaction.id': transactionId });
    let outcome = 'failed';
    try {
      outcome = await work();
    } catch (error) {
      if (error instanceof VitrineError && error.status < 500) outcome = error.code;
      else span.setStatus({ code: SpanStatusCode.ERROR });
      throw error;
    } finally {
      count.add(1, { outcome, kind: 'transfer' });
      duration.record((clock.monotonic() - startMs) / 1000, { kind: 'transfer' });
      span.setAttribute('payments.transaction.outcome', outcome).end();
    }
  });
}

/** The id is on the request's span, in every log line from here on, and in the answer. */
function tellTransaction(ctx: KitContext, transactionId: string): void {
  trace.getActiveSpan()?.setAttributes({ transaction_id: transactionId, 'payments.transaction.id': transactionId });
  ctx.state.note({ transaction_id: transactionId });
  ctx.set('X-Transaction-Id', transactionId);
}

async function whoIs(ctx: KitContext, sessions: Sessions): Promise<string> {
  const user = await sessions.check(ctx.req.headers.authorization);
  ctx.state.note({ user });
  return user;
}

async function accountById(cache: PaymentsParts['accounts'], ledger: Accounts, accountId: string): Promise<Account> {
  const load = async (): Promise<Account> => {
    const account = await ledger.account(accountId);
    if (account !== undefined) return account;
    throw new VitrineError('not_found', `There is no account ${JSON.stringify(accountId.slice(0, 64))}.`);
  };
  return (await cache.getOrLoad(`account:${accountId}`, load)) as Account;
}

function opened(ctx: KitContext, session: Session): void {
  ctx.state.note({ user: session.user });
  ctx.status = 201;
  ctx.body = session;
}

function drillHandler({ drills, body }: PaymentsParts, token: string) {
  return async (ctx: KitContext): Promise<void> => {
    mayDrill(ctx.req.socket.remoteAddress, ctx.req.headers.authorization, token);
    const request = parsed(drillRequest, await readJson(ctx.req, body));
    drills.start(request.kind, request.for);
    ctx.status = 202;
    ctx.body = { kind: request.kind, for_ms: request.for };
  };
}

function parsed<T>(shape: z.ZodType<T>, given: unknown): T {
  const result = shape.safeParse(given);
  if (result.success) return result.data;
  const [issue] = result.error.issues;
  const where = issue.path.length > 0 ? `${issue.path.join('.')}: ` : '';
  throw new VitrineError('bad_request', `${where}${issue.message}`);
}
