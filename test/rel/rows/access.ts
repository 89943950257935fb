/** Rows G7 and G8: how fast somebody may guess, and how sessions end. */
import { WebSocket } from 'ws';
import { movedClock } from '../../support/moved-clock.ts';
import { memoryAccess } from '../../support/page/memory-access.ts';
import { startPageServer } from '../../support/page/page-server.ts';
import { startMonitorProcess } from '../../support/programs/monitor-process.ts';
import { until } from '../../support/until.ts';
import { ask, bearer, TOKEN, type Asked } from '../ask.ts';
import type { Row } from '../row.ts';

const PASSWORD = 'a long and rare pass phrase';

const median = (values: readonly number[]): number => values.toSorted((a, b) => a - b)[values.length >> 1] ?? NaN;

/** An account with a password, made as people make it: by a one-time link. `from` signs in, and counts its tries. */
async function account(base: string, name: string, from: string): Promise<void> {
  const made = await ask(base, '/api/accounts', {
    method: 'POST',
    headers: bearer(TOKEN),
    body: { name, role: 'viewer' },
  });
  const { path } = JSON.parse(made.body) as { path: string };
  const link = /link=([0-9a-f]+)/.exec(path)?.[1];
  const chosen = await ask(base, '/api/session', {
    method: 'POST',
    body: { link, name, password: PASSWORD },
    from,
  });
  if (chosen.status !== 204) throw new Error(`the link of ${name} answered ${chosen.status}: ${chosen.body}`);
}

const signIn = (base: string, name: string, password: string, from: string): Promise<Asked> =>
  ask(base, '/api/session', { method: 'POST', body: { name, password }, from });

/** How many of the tries were looked at, and not refused unseen. */
const looked = (tries: readonly Asked[]): number => tries.filter(({ status }) => status !== 429).length;

/** The tries of at most a minute, one after the other. */
async function guesses(count: number, one: (at: number) => Promise<Asked>): Promise<readonly Asked[]> {
  const tries: Asked[] = [];
  const began = performance.now();
  for (let at = 0; at < count && performance.now() - began < 55_000; at += 1) tries.push(await one(at));
  return tries;
}

const TIMED = 9;

/** Milliseconds that a wrong password of a known name takes longer than one of an unknown name, at the median of pairs. */
async function timing(base: string): Promise<number> {
  const names = ['anna', 'bela', 'cleo'];
  for (const [at, name] of names.entries()) await account(base, name, `127.0.1.${at + 1}`);
  const differences: number[] = [];
  for (let turn = 0; turn < TIMED * names.length; turn += 1) {
    const name = names[turn % names.length];
    // Another address for each try, because addresses have a limit of their own.
    const known = (): Promise<Asked> => signIn(base, name, 'not this one', `127.0.2.${turn + 1}`);
    const unknown = (): Promise<Asked> => signIn(base, `nobody-${turn}`, 'not this one', `127.0.3.${turn + 1}`);
    const inOrder = turn % 2 === 0 ? [await known(), await unknown()] : [await unknown(), await known()].toReversed();
    if (inOrder.some(({ status }) => status !== 401))
      throw new Error(`a try answered ${inOrder.map((one) => one.status).join()}`);
    differences.push(inOrder[0].tookMs - inOrder[1].tookMs);
  }
  return median(differences);
}

const bruteforce: Row = {
  id: 'G7',
  name: 'bruteforce',
  goal: '1,000 sign-ins: at most 10 a minute are looked at for one address, one name and one address with tokens; known and unknown names take the same time within 5 ms',
  async run() {
    await using it = await startMonitorProcess({ env: { VITRINE_TOKEN: TOKEN } });
    const base = it.url;
    const difference = await timing(base);
    const oneAddress = await guesses(500, (at) => signIn(base, `somebody-${at}`, 'a guess', '127.0.4.1'));
    const oneName = await guesses(250, (at) => signIn(base, 'admin', `guess ${at}`, `127.0.5.${(at % 250) + 1}`));
    const tokens = await guesses(250, (at) =>
      ask(base, '/api/session', { method: 'POST', body: { token: `guess-${at}` }, from: '127.0.6.1' }),
    );
    const all = [...oneAddress, ...oneName, ...tokens];
    const figure = {
      tries: all.length,
      one_address: looked(oneAddress),
      one_name: looked(oneName),
      tokens: looked(tokens),
      admitted: all.filter(({ status }) => status < 400).length,
      known_minus_unknown_ms: Number(difference.toFixed(2)),
    };
    return {
      figure,
      pass:
        figure.tries === 1_000 &&
        [figure.one_address, figure.one_name, figure.tokens].every((count) => count > 0 && count <= 10) &&
        figure.admitted === 0 &&
        Math.abs(difference) < 5,
    };
  },
};

/** Opens the live socket with a cookie; `closedMs` is the time from `mark` until the server closed it. */
async function openSocket(base: string, cookie: string): Promise<{ readonly closed: () => boolean; end(): void }> {
  const socket = new WebSocket(`${base.replace('http', 'ws')}/ws`, { headers: { cookie, origin: base } });
  let closed = false;
  socket.on('close', () => (closed = true));
  await new Promise<void>((resolve, reject) => {
    socket.once('open', resolve);
    socket.once('error', reject);
  });
  socket.on('error', () => {});
  return { closed: () => closed, end: () => socket.terminate() };
}

const status = async (base: string, cookie: string): Promise<number> =>
  (await ask(base, '/api/services', { headers: { cookie } })).status;

/** Seconds from the answer that ends a session until both its cookie is refused and its socket is closed. */
async function untilEnded(base: string, cookie: string, end: (cookie: string) => Promise<unknown>): Promise<number> {
  const socket = await openSocket(base, cookie);
  if ((await status(base, cookie)) !== 200) throw new Error('the session did not begin');
  await end(cookie);
  const began = performance.now();
  await until(async () => ((await status(base, cookie)) === 401 && socket.closed()) || undefined, 30_000);
  socket.end();
  return Number(((performance.now() - began) / 1_000).toFixed(2));
}

/** Whether a session that is used every `everyMs` still counts after `forMs`, by the server's clock. */
async function lasts(everyMs: number, forMs: number): Promise<boolean> {
  const clock = movedClock(Date.parse('2026-11-20T12:00:00Z'));
  const access = memoryAccess();
  await using server = await startPageServer({ clock, token: TOKEN, overrides: { store: access } });
  const { cookie } = await ask(server.url, '/api/session', { method: 'POST', body: { token: TOKEN } });
  for (let passed = 0; passed < forMs; passed += everyMs) {
    clock.jump(everyMs);
    if ((await status(server.url, cookie)) !== 200) return false;
  }
  return true;
}

const HOUR_MS = 3_600_000;

const sessions: Row = {
  id: 'G8',
  name: 'sessions',
  goal: 'after a change of password, the end of a session, of its account or its token the cookie and the open socket are refused within 5 s; after 12 h without use; after 7 days in any case',
  async run() {
    await using it = await startMonitorProcess({ env: { VITRINE_TOKEN: TOKEN } });
    const base = it.url;
    await account(base, 'anna', '127.0.1.1');
    const cookieOf = async (at: number): Promise<string> =>
      (await signIn(base, 'anna', PASSWORD, `127.0.1.${at}`)).cookie;
    const other = await cookieOf(2);
    const signedOut = await untilEnded(base, await cookieOf(3), (cookie) =>
      ask(base, '/api/session', { method: 'DELETE', headers: { cookie } }),
    );
    const others = await status(base, other);
    const changed = await untilEnded(base, other, (cookie) =>
      ask(base, '/api/session/password', {
        method: 'POST',
        headers: { cookie },
        body: { old: PASSWORD, password: `${PASSWORD} as well` },
      }),
    );
    const made = await ask(base, '/api/tokens', {
      method: 'POST',
      headers: bearer(TOKEN),
      body: { name: 'rel', role: 'viewer' },
    });
    const { id, token } = JSON.parse(made.body) as { id: string; token: string };
    const byToken = await ask(base, '/api/session', { method: 'POST', body: { token }, from: '127.0.1.9' });
    const revoked = await untilEnded(base, byToken.cookie, () =>
      ask(base, `/api/tokens/${id}`, { method: 'DELETE', headers: bearer(TOKEN) }),
    );
    const figure = {
      signed_out_s: signedOut,
      others_status: others,
      password_changed_s: changed,
      token_revoked_s: revoked,
      idle_11h: String(await lasts(11 * HOUR_MS, 22 * HOUR_MS)),
      idle_12h: String(await lasts(12 * HOUR_MS + 1_000, 12 * HOUR_MS)),
      used_for_6_days: String(await lasts(6 * HOUR_MS, 6 * 24 * HOUR_MS)),
      used_for_7_days: String(await lasts(6 * HOUR_MS, 7 * 24 * HOUR_MS + 6 * HOUR_MS)),
    };
    return {
      figure,
      pass:
        Math.max(signedOut, changed, revoked) <= 5 &&
        figure.others_status === 200 &&
        [figure.idle_11h, figure.used_for_6_days].every((kept) => kept === 'true') &&
        [figure.idle_12h, figure.used_for_7_days].every((kept) => kept === 'false'),
    };
  },
};

export const ACCESS_ROWS: readonly Row[] = [bruteforce, sessions];
