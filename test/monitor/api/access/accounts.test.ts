import { describe, expect, it } from 'vitest';
import { Access, type Browser } from '../../../../src/monitor/api/access/access.ts';
import { Accounts, MAX_ACCOUNTS } from '../../../../src/monitor/api/access/accounts.ts';
import { hashOf } from '../../../../src/monitor/api/access/token-hash.ts';
import { commonPassword } from '../../../../src/monitor/api/access/common-passwords.ts';
import { checkPasswordRules, hashPassword, isPassword } from '../../../../src/monitor/api/access/passwords.ts';
import type { AccountRecord } from '../../../../src/model/access.ts';
import { systemClock } from '../../../../src/base/clock.ts';
import { movedClock } from '../../../support/moved-clock.ts';
import { memoryAccess } from '../../../support/page/memory-access.ts';
import { startPageServer } from '../../../support/page/page-server.ts';

const OWNER = 'the-token-of-the-owner';
const GOOD = 'seven grey herons wait';
const OTHER = 'nine blue kettles sing';
const HOUR_MS = 3_600_000;
const from = (address: string, headers = {}): Browser => ({ address, headers, secure: false });
const cookieIn = (set: string): { cookie: string } => ({ cookie: set.split(';')[0] });

describe('passwords', () => {
  it('are stored with their own salt and cost, and only the same one matches', async () => {
    const [one, two] = [await hashPassword(GOOD), await hashPassword(GOOD)];
    expect(one).toMatch(/^scrypt\$32768\$8\$3\$[\w-]{22}\$[\w-]{43}$/);
    expect(one).not.toBe(two);
    expect([await isPassword(GOOD, one), await isPassword(`${GOOD} `, one)]).toEqual([true, false]);
  });

  it('match however the keyboard composed their letters', async () => {
    expect(await isPassword('Ame\u0301lie-du-moulin', await hashPassword('Amélie-du-moulin'))).toBe(true);
  });

  it.each([undefined, '', 'bcrypt$1$2$3$a$b', 'scrypt$99999999$8$3$a$b', 'scrypt$32768$8$3$AAAA$AAAA'])(
    'never match the stored text %j',
    async (stored) => {
      expect(await isPassword('', stored)).toBe(false);
    },
  );

  it.each([
    ['short12', 'at least 8'],
    ['long '.repeat(26), 'at most 128'],
    ['Password123!', 'first that an attacker tries'],
    ['p@ssw0rd', 'first that an attacker tries'],
    ['aaaaaaaaaa', 'first that an attacker tries'],
    ['abcdefghij', 'first that an attacker tries'],
    ['20011231', 'first that an attacker tries'],
    ['berta-2026', 'first that an attacker tries'],
  ])('such as %j are refused', (password, why) => {
    expect(() => checkPasswordRules(password, 'Berta')).toThrow(why);
  });

  it.each([GOOD, 'k8#vPq!2xW', 'корректная лошадь', 'the monitor of Berta hums softly'])(
    'such as %j are accepted',
    (text) => {
      expect(commonPassword(text, 'Berta')).toBe(false);
      expect(() => checkPasswordRules(text, 'Berta')).not.toThrow();
    },
  );

  it('are hashed one after the other, and few wait', async () => {
    const results = await Promise.allSettled(Array.from({ length: 20 }, () => isPassword('x', undefined)));
    const refused = results.filter(({ status }) => status === 'rejected') as PromiseRejectedResult[];
    expect(refused.length).toBe(4);
    expect(refused[0].reason).toMatchObject({ code: 'overloaded' });
  });
});

describe('accounts', () => {
  const start = () => {
    const clock = movedClock(1_000_000);
    const store = memoryAccess();
    return { clock, store, access: new Access(OWNER, clock, store) };
  };
  const people = ({ access }: ReturnType<typeof start>): Accounts => access.accounts!;

  it('begin with the first link, which makes one admin once', async () => {
    const made = start();
    let used = 0;
    const link = people(made).firstLink(() => {
      used += 1;
    })!;
    expect(link).toMatch(/^[0-9a-f]{32}$/);
    await expect(made.access.useLink('0'.repeat(32), 'ana', GOOD, from('a'))).rejects.toThrow('used already');
    await expect(made.access.useLink(link, 'ana', 'password', from('a'))).rejects.toThrow('attacker');
    await expect(made.access.useLink(link, '<b>', GOOD, from('a'))).rejects.toThrow('cannot be the name');
    await expect(made.access.useLink(link, 'auth.token', GOOD, from('a'))).rejects.toThrow('cannot be the name');
    const both = await Promise.allSettled([
      made.access.useLink(link, 'ana', GOOD, from('a')),
      made.access.useLink(link, 'eve', GOOD, from('b')),
    ]);
    expect(both.map(({ status }) => status)).toEqual(['fulfilled', 'rejected']);
    const first = both[0] as PromiseFulfilledResult<{ cookie: string; name: string }>;
    expect(made.access.principal(cookieIn(first.value.cookie))).toMatchObject({ name: 'ana', role: 'admin' });
    expect([used, people(made).firstLink(() => {})]).toEqual([1, undefined]);
    expect(JSON.stringify(made.store.accounts())).not.toContain(GOOD);
  });

  it('have links that end after a day, and of which the last alone is valid', async () => {
    const made = start();
    const old = await people(made).invite('ana', 'editor', 'auth.token');
    const link = await people(made).newLink(old.account.id);
    await expect(people(made).choose(old.link, '', GOOD)).rejects.toThrow('used already');
    await made.clock.advance(25 * HOUR_MS);
    await expect(people(made).choose(link.link, '', GOOD)).rejects.toThrow('used already');
    const last = await people(made).newLink(old.account.id);
    await people(made).choose(last.link, 'another name', GOOD);
    expect(people(made).list()).toMatchObject([{ name: 'ana', role: 'editor', linkEndsMs: null }]);
    await expect(people(made).newLink('gone')).rejects.toThrow('no account');
  });

  it('sign in, whatever the letter case of the name; a wrong name and a wrong password look the same', async () => {
    const made = start();
    const { link } = await people(made).invite('Ana', 'viewer', 'auth.token');
    await expect(made.access.signInAs('Ana', '', from('a'))).rejects.toThrow('Name or password are wrong');
    await people(made).choose(link, '', GOOD);
    const session = cookieIn(await made.access.signInAs('ANA', GOOD, from('a')));
    expect(made.access.principal(session)).toMatchObject({ name: 'Ana', role: 'viewer' });
    for (const [name, password] of [
      ['Ana', OTHER],
      ['Bob', GOOD],
    ]) {
      await expect(made.access.signInAs(name, password, from('a'))).rejects.toThrow('Name or password are wrong');
    }
  });

  it('allow ten tries a minute for one name, from whatever address', async () => {
    const made = start();
    for (let at = 0; at < 10; at += 1) {
      await expect(made.access.signInAs('ana', 'x', from(String(at)))).rejects.toThrow('are wrong');
    }
    await expect(made.access.signInAs('ANA', 'x', from('other'))).rejects.toMatchObject({ code: 'too_many_requests' });
    await made.clock.advance(60_000);
    await expect(made.access.signInAs('ana', 'x', from('other'))).rejects.toThrow('are wrong');
  });

  it('lose every session with a new password, with a removal, and after 12 idle hours; a role changes at once', async () => {
    const made = start();
    const { link, account } = await people(made).invite('ana', 'viewer', 'auth.token');
    await people(made).choose(link, '', GOOD);
    const phone = cookieIn(await made.access.signInAs('ana', GOOD, from('a')));
    const desk = cookieIn(await made.access.signInAs('ana', GOOD, from('a')));
    await people(made).setRole(account.id, 'editor');
    expect([made.access.principal(phone)?.role, made.store.accounts()[0].role]).toEqual(['editor', 'editor']);
    await expect(made.access.changePassword(OTHER, GOOD, from('a', desk))).rejects.toThrow('not your present');
    const next = cookieIn(await made.access.changePassword(GOOD, OTHER, from('a', desk)));
    expect([phone, desk, next].map((one) => made.access.isStillAllowed(one))).toEqual([false, false, true]);
    await made.clock.advance(13 * HOUR_MS);
    expect(made.access.isStillAllowed(next)).toBe(false);
    const again = cookieIn(await made.access.signInAs('ana', OTHER, from('a')));
    await people(made).remove(account.id);
    expect(made.access.isStillAllowed(again)).toBe(false);
  });

  it('are told apart by name, are few, and need a sign-in', async () => {
    const made = start();
    const both = [people(made).invite('Ana', 'viewer', 'a'), people(made).invite('aNA', 'admin', 'b')];
    expect((await Promise.allSettled(both)).map(({ status }) => status)).toEqual(['fulfilled', 'rejected']);
    for (let at = 1; at < MAX_ACCOUNTS; at += 1) await people(made).invite(`user${at}`, 'viewer', 'a');
    await expect(people(made).invite('one-more', 'viewer', 'a')).rejects.toThrow('which is the most');
    const open = new Access(undefined, made.clock, made.store);
    expect(open.accounts).toBeUndefined();
    await expect(open.signInAs('ana', GOOD, from('a'))).rejects.toThrow('no accounts');
    await expect(made.access.changePassword('', '', from('a'))).rejects.toThrow('needs a token');
  });

  it('and links come back after a restart', async () => {
    const made = start();
    const { link } = await people(made).invite('ana', 'viewer', 'a');
    const again = new Access(OWNER, made.clock, made.store);
    await again.useLink(link, '', GOOD, from('a'));
    expect(made.store.links()).toEqual([]);
    const third = new Access(OWNER, made.clock, made.store);
    expect(await third.signInAs('ana', GOOD, from('a'))).toContain('HttpOnly; SameSite=Strict');
  });
});

describe('accounts over the API', () => {
  const start = async () => {
    const store = memoryAccess();
    const server = await startPageServer({ token: OWNER, clock: systemClock, overrides: { store } });
    const ask = async (method: string, target: string, headers: Record<string, string>, body?: unknown) => {
      const response = await fetch(server.url + target, {
        method,
        headers: { ...headers, ...(body === undefined ? {} : { 'content-type': 'application/json' }) },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      });
      const text = await response.text();
      const cookie = response.headers.get('set-cookie') ?? '';
      const json = text === '' ? {} : (JSON.parse(text) as Record<string, unknown>);
      return { status: response.status, json, as: cookieIn(cookie) };
    };
    return { ask, store, [Symbol.asyncDispose]: () => server[Symbol.asyncDispose]() };
  };
  const owner = { authorization: `Bearer ${OWNER}` };

  it('are made by an admin, chosen by the person, and noted', async () => {
    await using api = await start();
    const made = await api.ask('POST', '/api/accounts', owner, { name: ' ana ', role: 'editor' });
    expect(made).toMatchObject({ status: 201, json: { name: 'ana', role: 'editor' } });
    const link = /^\/sign-in#link=([0-9a-f]{32})&name=ana$/.exec(made.json.path as string)![1];
    expect(JSON.stringify(api.store.links())).toContain(hashOf(link));
    const person = await api.ask('POST', '/api/session', {}, { link, password: GOOD });
    expect(person.status).toBe(204);
    expect((await api.ask('GET', '/api/session', person.as)).json).toMatchObject({
      name: 'ana',
      role: 'editor',
      account: true,
      capabilities: expect.arrayContaining(['accounts']),
    });
    expect((await api.ask('GET', '/api/accounts', person.as)).status).toBe(403);
    const change = await api.ask('POST', '/api/session/password', person.as, { old: GOOD, password: OTHER });
    expect(change.status).toBe(204);
    expect((await api.ask('GET', '/api/session', person.as)).status).toBe(401);
    expect((await api.ask('POST', '/api/session', {}, { name: 'ana', password: OTHER })).status).toBe(204);
    expect(api.store.entries.map(({ who, action }) => `${who}: ${action}`)).toEqual([
      'auth.token: POST /api/accounts',
      'ana: POST /api/session with a link',
      'ana: POST /api/session/password',
    ]);
  });

  it('are listed without their hashes, get a role and a new link, and are removed', async () => {
    await using api = await start();
    const { json } = await api.ask('POST', '/api/accounts', owner, { name: 'ana', role: 'viewer' });
    const path = `/api/accounts/${json.id as string}`;
    expect((await api.ask('POST', `${path}/role`, owner, { role: 'admin' })).status).toBe(204);
    expect((await api.ask('POST', `${path}/link`, owner, {})).status).toBe(201);
    const list = (await api.ask('GET', '/api/accounts', owner)).json as { accounts: AccountRecord[] };
    expect(list.accounts).toEqual([expect.objectContaining({ name: 'ana', role: 'admin', hasPassword: false })]);
    expect(JSON.stringify(list)).not.toMatch(/scrypt|hash|"password"/);
    expect((await api.ask('DELETE', path, owner)).status).toBe(204);
    expect((await api.ask('DELETE', path, owner)).status).toBe(404);
  });

  it.each([
    ['/api/accounts', { name: 'ana', role: 'ingest' }],
    ['/api/accounts', { name: 'a b', role: 'viewer' }],
    ['/api/session', { name: 'ana' }],
    ['/api/session', { link: 1, password: GOOD }],
    ['/api/session/password', { password: GOOD }],
  ])('refuse %s with %j', async (target, body) => {
    await using api = await start();
    expect((await api.ask('POST', target, owner, body)).status).toBe(400);
  });

  it('change no password of a token', async () => {
    await using api = await start();
    const change = await api.ask('POST', '/api/session/password', owner, { old: '', password: GOOD });
    expect(change.status).toBe(409);
  });
});
