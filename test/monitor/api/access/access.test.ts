import { describe, expect, it } from 'vitest';
import { Access, type Browser } from '../../../../src/monitor/api/access/access.ts';
import { COOKIE, SECURE_COOKIE } from '../../../../src/monitor/api/access/sessions.ts';
import { hashOf } from '../../../../src/monitor/api/access/token-hash.ts';
import { mayAct, type TokenRecord, type TokenRole } from '../../../../src/model/access.ts';
import { systemClock } from '../../../../src/base/clock.ts';
import { Forgetting } from '../../../../src/monitor/search/forget.ts';
import { ArrayRecords } from '../../../support/records/array-records.ts';
import { movedClock } from '../../../support/moved-clock.ts';
import { memoryAccess } from '../../../support/page/memory-access.ts';
import { startPageServer, type PageServer } from '../../../support/page/page-server.ts';

const OWNER = 'the-token-of-the-owner';
const DAY_MS = 86_400_000;
const bearer = (token: string) => ({ authorization: `Bearer ${token}` });
const record = (role: TokenRole, expiresMs: number | null = null): TokenRecord => ({
  id: role,
  name: `a ${role}`,
  role,
  hash: hashOf(`token-of-${role}`),
  createdMs: 0,
  createdBy: 'auth.token',
  expiresMs,
});
const from = (address: string, headers = {}, secure = false): Browser => ({ address, headers, secure });
const cookieIn = (set: string): { cookie: string } => ({ cookie: set.split(';')[0] });

describe('roles', () => {
  it('each allow what the ones before allow; ingest stands apart', () => {
    expect([mayAct('viewer', 'viewer'), mayAct('viewer', 'editor')]).toEqual([true, false]);
    expect([mayAct('admin', 'editor'), mayAct('editor', 'admin')]).toEqual([true, false]);
    expect(mayAct('ingest', 'viewer')).toBe(false);
  });
});

describe('access', () => {
  const tokens = (['viewer', 'editor', 'admin', 'ingest'] as const).map((role) => record(role));
  const start = (list = tokens) => {
    const clock = movedClock(1_000_000);
    return { clock, access: new Access(OWNER, clock, memoryAccess([...list])) };
  };

  it('admits everybody as an admin when no token is set', () => {
    const open = new Access(undefined, movedClock(0));
    expect(open.principal({})).toMatchObject({ name: 'local', role: 'admin' });
    expect([open.isAllowed({}), open.maySend(undefined), open.isOpen]).toEqual([true, true, true]);
    expect(open.signIn('anything', from(''))).toContain(`${COOKIE}=`);
  });

  it('gives a token its role, and refuses what the role does not allow', () => {
    const { access } = start();
    expect(access.check(bearer(OWNER), 'admin').name).toBe('auth.token');
    expect(access.check(bearer('token-of-editor'), 'editor').name).toBe('a editor');
    expect(() => access.check(bearer('token-of-viewer'), 'editor')).toThrow('needs the role editor');
    expect(() => access.check(bearer('token-of-ingest'))).toThrow('needs the role viewer');
    expect(() => access.check(bearer('another'))).toThrow('needs a token');
    expect(() => access.check({})).toThrow('needs a token');
  });

  it('lets all but viewers send telemetry', () => {
    const { access } = start();
    const may = (role: string): boolean => access.maySend(`Bearer token-of-${role}`);
    expect(['viewer', 'editor', 'admin', 'ingest'].map(may)).toEqual([false, true, true, true]);
    expect([access.maySend(undefined), access.maySend('Basic x'), access.maySend(`Bearer ${OWNER}`)]).toEqual([
      false,
      false,
      true,
    ]);
  });

  it('changes the session at each sign-in, and ends it with its token', () => {
    const { access } = start();
    const first = cookieIn(access.signIn('token-of-editor', from('a')));
    expect(access.principal(first)?.name).toBe('a editor');
    const second = cookieIn(access.signIn('token-of-viewer', from('a', first)));
    expect(access.principal(first)).toBeUndefined();
    expect(access.principal(second)?.role).toBe('viewer');
    access.revoke('viewer');
    expect(access.isStillAllowed(second)).toBe(false);
    expect(access.principal(bearer('token-of-viewer'))).toBeUndefined();
  });

  it('ends a token and its sessions on its day', async () => {
    const { access, clock } = start([record('viewer', 1_000_000 + DAY_MS)]);
    const session = cookieIn(access.signIn('token-of-viewer', from('a')));
    for (let hours = 0; hours < 23; hours += 11) {
      await clock.advance(11 * 3_600_000);
      access.isAllowed(session);
    }
    expect(access.principal(session)).toBeUndefined();
    expect(() => access.signIn('token-of-viewer', from('b'))).toThrow('not a token');
  });

  it('has no session for telemetry, and few tries', () => {
    const { access } = start();
    expect(() => access.signIn('token-of-ingest', from('a'))).toThrow('only send telemetry');
    for (let tries = 0; tries < 9; tries += 1) expect(() => access.signIn('wrong', from('a'))).toThrow('not a token');
    expect(() => access.signIn(OWNER, from('a'))).toThrow('Too many tries');
    expect(access.signIn(OWNER, from('b', {}, true))).toMatch(
      new RegExp(`^${SECURE_COOKIE}=[0-9a-f]{32}; Path=/; .*; Secure$`),
    );
  });
});

describe('tokens over the API', () => {
  const start = async (token: string | undefined = OWNER) => {
    const store = memoryAccess();
    const forgetting = new Forgetting(new ArrayRecords(), systemClock, {
      line: () => {},
      span: () => {},
      finish: async () => {},
    });
    const server: PageServer = await startPageServer({ ...(token && { token }), overrides: { store, forgetting } });
    const ask = async (method: string, target: string, as: string, body?: unknown) => {
      const response = await fetch(server.url + target, {
        method,
        headers: { ...bearer(as), ...(body === undefined ? {} : { 'content-type': 'application/json' }) },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      });
      const text = await response.text();
      return { status: response.status, json: text === '' ? undefined : (JSON.parse(text) as Record<string, unknown>) };
    };
    return { store, server, ask, [Symbol.asyncDispose]: () => server[Symbol.asyncDispose]() };
  };

  it('are shown once, stored as a hash, work with their role, and are revoked', async () => {
    await using api = await start();
    const { ask, store } = api;
    const made = await ask('POST', '/api/tokens', OWNER, { name: ' CI ', role: 'editor', days: 30 });
    expect(made.status).toBe(201);
    const { token, id, name } = made.json as { token: string; id: string; name: string };
    expect([token, name]).toEqual([expect.stringMatching(/^vt_[0-9a-f]{8}_[0-9a-f]{32}$/), 'CI']);
    expect(JSON.stringify(store.tokens())).not.toContain(token);
    expect(JSON.stringify((await ask('GET', '/api/tokens', OWNER)).json)).not.toMatch(new RegExp(`${token}|hash`));
    expect((await ask('GET', '/api/session', token)).json).toMatchObject({ role: 'editor', name: 'CI' });
    expect((await ask('GET', '/api/tokens', token)).status).toBe(403);
    expect((await ask('POST', '/api/cache/purge', token, { tag: 'a' })).status).toBe(200);
    expect((await ask('DELETE', `/api/tokens/${id}`, OWNER)).status).toBe(204);
    expect((await ask('GET', '/api/session', token)).status).toBe(401);
    expect((await ask('DELETE', `/api/tokens/${id}`, OWNER)).status).toBe(404);
  });

  it('let an admin alone delete records', async () => {
    await using api = await start();
    const make = async (role: string): Promise<string> =>
      ((await api.ask('POST', '/api/tokens', OWNER, { name: role, role })).json as { token: string }).token;
    const call = { q: 'user.id:42', dry_run: true };
    expect((await api.ask('POST', '/api/forget', await make('editor'), call)).status).toBe(403);
    expect((await api.ask('POST', '/api/forget', await make('admin'), call)).status).toBe(200);
  });

  it('that only look cannot change, and that only send cannot look', async () => {
    await using api = await start();
    const make = async (role: string): Promise<string> =>
      ((await api.ask('POST', '/api/tokens', OWNER, { name: role, role })).json as { token: string }).token;
    const [viewer, ingest] = [await make('viewer'), await make('ingest')];
    expect((await api.ask('GET', '/api/balancer', viewer)).status).toBe(200);
    expect((await api.ask('POST', '/api/cache/purge', viewer, { tag: 'a' })).status).toBe(403);
    for (const target of ['/api/balancer', '/api/metrics', '/api/session', '/api/v1/query?query=up']) {
      expect((await api.ask('GET', target, ingest)).status).toBe(403);
    }
    expect((await api.ask('POST', '/api/v1/query', ingest)).status).toBe(403);
  });

  it('are noted, with who did what', async () => {
    await using api = await start();
    await api.ask('POST', '/api/cache/purge', OWNER, { tag: 'a' });
    await api.ask('GET', '/api/balancer', OWNER);
    const { entries } = (await api.ask('GET', '/api/audit', OWNER)).json as { entries: unknown[] };
    expect(entries).toEqual([
      { atMs: expect.any(Number), who: 'auth.token', action: 'POST /api/cache/purge', status: 200 },
    ]);
  });

  it.each([{}, { name: '', role: 'viewer' }, { name: 'a', role: 'owner' }, { name: 'a', role: 'viewer', days: 0 }])(
    'are refused for %j',
    async (body) => {
      await using api = await start();
      expect((await api.ask('POST', '/api/tokens', OWNER, body)).status).toBe(400);
    },
  );

  it('have a bound, and need a sign-in', async () => {
    await using api = await start();
    for (let at = 0; at < 200; at += 1) await api.store.add({ ...record('viewer'), id: String(at), hash: String(at) });
    expect((await api.ask('POST', '/api/tokens', OWNER, { name: 'a', role: 'viewer' })).status).toBe(409);
    await using open = await start('');
    expect((await open.ask('POST', '/api/tokens', '', { name: 'a', role: 'viewer' })).status).toBe(400);
  });
});
