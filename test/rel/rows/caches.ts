/** Rows B1, B2 and B4 to B9: what the response cache reuses, what it never gives away, and what it costs. */
import { Agent, request as httpRequest } from 'node:http';
import { connect } from 'node:net';
import { setTimeout as time } from 'node:timers/promises';
import { seededRandom } from '../../../src/base/random.ts';
import { runSuite, totals } from '../../cache-tests/suite.ts';
import { startRedis } from '../../support/programs/redis-server.ts';
import { failed, load, quantile, round } from '../load.ts';
import type { Outcome, Row } from '../row.ts';
import { stage } from '../stage.ts';

const MEBIBYTE = 1024 * 1024;

interface Answer {
  readonly status: number;
  readonly cacheStatus: string;
  readonly body: string;
}

interface Asking {
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
  readonly agent?: Agent;
}

/** Status 0 when there was no whole answer. */
function ask(
  port: number,
  target: string,
  { method = 'GET', headers = {}, body, agent }: Asking = {},
): Promise<Answer> {
  return new Promise((resolve) => {
    const none = (): void => resolve({ status: 0, cacheStatus: '', body: '' });
    const options = { host: '127.0.0.1', port, path: target, method, headers, agent: agent ?? false };
    const request = httpRequest(options, (response) => {
      let text = '';
      response.on('data', (bytes: Buffer) => (text += bytes.toString('latin1')));
      response.on('error', none);
      response.on('end', () =>
        resolve({
          status: response.statusCode ?? 0,
          cacheStatus: String(response.headers['cache-status'] ?? ''),
          body: text,
        }),
      );
    });
    request.on('error', none);
    request.end(body);
  });
}

const echo = (path: string, fields: Readonly<Record<string, string>>): string =>
  `/echo/${path}?${new URLSearchParams(fields).toString()}`;

let suite: ReturnType<typeof runSuite> | undefined;

/** The public suite runs once for both rows. */
async function publicTests(kind: 'required' | 'optimal', least: number): Promise<Outcome> {
  suite ??= runSuite({});
  const { passed, of } = totals(await suite, kind);
  return { figure: { passed, of }, pass: passed >= least };
}

const required: Row = {
  id: 'B1',
  name: 'cache-required',
  goal: '145 of the 157 required tests of http-cache-tests',
  run: () => publicTests('required', 145),
};

const optimal: Row = {
  id: 'B2',
  name: 'cache-optimal',
  goal: '78 of the 86 optional tests of http-cache-tests',
  run: () => publicTests('optimal', 78),
};

const IF_ERROR = 'max-age=1, stale-if-error=60';
/** Cache-Control, what has happened to the upstream meanwhile, and whether the stale answer may be sent. */
const STALE: readonly (readonly [string, 'error' | 'dead' | 'alive', boolean])[] = [
  [IF_ERROR, 'error', true],
  ['max-age=1, stale-if-error=0', 'error', false],
  ['max-age=1', 'error', false],
  [`${IF_ERROR}, must-revalidate`, 'error', false],
  [`${IF_ERROR}, proxy-revalidate`, 'error', false],
  ['max-age=1, stale-while-revalidate=60', 'alive', true],
  ['max-age=1', 'alive', false],
  [IF_ERROR, 'dead', true],
  ['max-age=1, must-revalidate', 'dead', false],
  ['max-age=1, proxy-revalidate', 'dead', false],
];

const stale: Row = {
  id: 'B4',
  name: 'stale',
  goal: 'ten cases of stale-if-error and stale-while-revalidate: all as RFC 5861 and RFC 9111 say',
  async run() {
    let right = 0;
    for (const state of ['error', 'alive', 'dead'] as const) {
      await using it = await stage(1);
      const cases = STALE.map((one, at) => ({ one, target: echo(String(at), { 'cache-control': one[0] }) })).filter(
        ({ one }) => one[1] === state,
      );
      const first = await Promise.all(cases.map(({ target }) => ask(it.port, target)));
      await time(2_100);
      if (state === 'error') it.origins[0].set({ status: 500 });
      if (state === 'dead') await it.origins[0].stop();
      for (const [at, { one, target }] of cases.entries()) {
        const again = await ask(it.port, target);
        const served = again.status === 200 && again.body === first[at].body;
        if (served === one[2]) right += 1;
      }
    }
    return { figure: { cases: STALE.length, right }, pass: right === STALE.length };
  },
};

const USERS = ['ana', 'ben', 'cleo'];
const DIRECTIVES = ['max-age=60', 'public, max-age=60', 'private, max-age=60', 's-maxage=60', 'no-store', ''];

/** Whether RFC 9111 lets an answer made for one user be sent to another. */
function mayShare(by: string, directives: string, vary: string, setsCookie: boolean): boolean {
  if (/private|no-store/.test(directives) || directives === '' || setsCookie) return false;
  if (vary.toLowerCase().includes(by)) return false;
  return by !== 'authorization' || /public|s-maxage/.test(directives);
}

const model: Row = {
  id: 'B5',
  name: 'cache-model',
  goal: '10,000 random requests of three users: no answer made for one is given to another unless RFC 9111 allows it',
  async run() {
    await using it = await stage(1);
    const random = seededRandom(11);
    const pick = <T>(of: readonly T[]): T => of[Math.floor(random() * of.length)];
    const agent = new Agent({ keepAlive: true, maxSockets: 16 });
    let [asked, leaks, hits, bad] = [0, 0, 0, 0];
    const one = async (): Promise<void> => {
      const [user, by] = [pick(USERS), pick(['authorization', 'cookie'])];
      const [directives, vary] = [pick(DIRECTIVES), pick(['', 'Cookie', 'Authorization', 'Accept'])];
      const setsCookie = random() < 0.2;
      const fields = {
        ...(directives === '' ? {} : { 'cache-control': directives }),
        ...(vary === '' ? {} : { vary }),
        ...(setsCookie ? { 'set-cookie': 's=1' } : {}),
      };
      const target = echo(`${by}-${Math.floor(random() * 20)}`, fields);
      const answer = await ask(it.port, target, { headers: { [by]: `user=${user}` }, agent });
      if (answer.status !== 200) bad += 1;
      if (answer.cacheStatus.includes('; hit')) hits += 1;
      const owner = (JSON.parse(answer.body || '{"headers":{}}') as { headers: Record<string, string> }).headers[by];
      if (owner !== `user=${user}` && !mayShare(by, directives, vary, setsCookie)) leaks += 1;
      asked += 1;
    };
    for (let at = 0; at < 10_000; at += 16) await Promise.all(Array.from({ length: 16 }, one));
    agent.destroy();
    return { figure: { asked, hits, failed: bad, leaks }, pass: leaks === 0 && bad === 0 && hits > 500 };
  },
};

const EVIL_FIELDS = [
  'X-Forwarded-Host',
  'X-Forwarded-Proto',
  'X-Forwarded-Port',
  'X-Forwarded-Prefix',
  'X-Forwarded-Server',
  'X-Forwarded-Path',
  'X-Forwarded-Scheme',
  'X-Forwarded-For',
  'X-Real-IP',
  'Forwarded',
  'X-Original-URL',
  'X-Rewrite-URL',
  'X-Original-Host',
  'X-HTTP-Method-Override',
  'X-HTTP-Method',
  'X-Method-Override',
  'X_Forwarded_Host',
  'X-Host',
];
const CLEAN = '/echo/page?cache-control=max-age%3D60&at=';
/** Other spellings of the same resource, which an upstream may answer differently. */
const SPELLINGS: readonly ((clean: string) => string)[] = [
  (clean) => clean.replace('/echo/', '/echo//'),
  (clean) => clean.replace('/page', '/%70age'),
  (clean) => clean.replace('/page', '/page;evil'),
  (clean) => clean.replace('/page', '/page%2f'),
  (clean) => clean.replace('/page', '/PAGE'),
  (clean) => clean.replace('/page', '/page/'),
  (clean) => clean.replace('/page', '/page/.'),
  (clean) => clean.replace('/page', '/page%3f'),
  (clean) => `${clean}&utm_source=evil`,
  (clean) => `${clean}&`,
  (clean) => `${clean}%20`,
  (clean) => clean.replace('cache-control', 'Cache-Control'),
  (clean) => clean.replace('%3D', '='),
  (clean) => clean.replace('?', '??'),
];

const poison: Row = {
  id: 'B6',
  name: 'cache-poison',
  goal: 'an answer that a hostile request made is never given to an ordinary one: 0 of 40',
  async run() {
    await using it = await stage(1);
    const attacks: ((clean: string) => Promise<unknown>)[] = [
      ...EVIL_FIELDS.map(
        (name) => (clean: string) => ask(it.port, clean, { headers: { Host: 'shop', [name]: 'evil' } }),
      ),
      ...SPELLINGS.map(
        (spell) => (clean: string) => ask(it.port, spell(clean), { headers: { Host: 'shop', 'X-Mark': 'evil' } }),
      ),
      ...['shop:81', 'SHOP:8080', 'evil', 'shop.'].map(
        (host) => (clean: string) => ask(it.port, clean, { headers: { Host: host, 'X-Mark': 'evil' } }),
      ),
      (clean) =>
        ask(it.port, clean, { headers: { Host: 'shop', 'X-Mark': 'evil', 'Content-Length': '4' }, body: 'evil' }),
      (clean) => ask(it.port, clean, { method: 'POST', headers: { Host: 'shop', 'X-Mark': 'evil' }, body: 'evil' }),
      (clean) => ask(it.port, clean, { headers: { Host: 'shop', Range: 'bytes=0-3' } }),
      (clean) => ask(it.port, clean, { method: 'OPTIONS', headers: { Host: 'shop', 'X-Mark': 'evil' } }),
    ];
    let poisoned = 0;
    const names: number[] = [];
    for (const [at, attack] of attacks.entries()) {
      const clean = `${CLEAN}${at}`;
      await attack(clean);
      const { body, status } = await ask(it.port, clean, { headers: { Host: 'shop' } });
      if (status !== 200 || body.includes('evil') || !body.endsWith('}')) {
        poisoned += 1;
        names.push(at);
      }
    }
    return {
      figure: { attacks: attacks.length, poisoned, which: names.join(' ') },
      pass: poisoned === 0 && attacks.length >= 40,
    };
  },
};

const bound: Row = {
  id: 'B7',
  name: 'cache-bound',
  goal: '1 GB of different 10 kB answers through a cache of 64 MB: 128 MB more at most, none failed',
  async run() {
    await using it = await stage(1, {}, { cache: { responses: { max_size: '64MiB' } } });
    const agent = new Agent({ keepAlive: true, maxSockets: 32 });
    const get = (at: number): Promise<Answer> => ask(it.port, `/kept/block${at}`, { agent });
    for (let at = 0; at < 2_000; at += 1) await get(-at);
    const before = it.balancer.rssBytes();
    let [bad, most, next] = [0, 0, 0];
    const worker = async (): Promise<void> => {
      while (next < 100_000) {
        next += 1;
        if (next % 500 === 0) most = Math.max(most, it.balancer.rssBytes());
        if ((await get(next)).status !== 200) bad += 1;
      }
    };
    await Promise.all(Array.from({ length: 32 }, worker));
    agent.destroy();
    const grownMb = round((most - before) / MEBIBYTE);
    return { figure: { answers: next, failed: bad, grownMb }, pass: bad === 0 && grownMb <= 128 };
  },
};

/** Without those that were sent before three of them had failed. */
const p99 = (asked: Awaited<ReturnType<typeof load>>, of: 'ms' | 'cacheMs' = 'ms'): number => {
  const later = asked.filter(({ atSeconds }) => atSeconds >= 0.5);
  return round(
    quantile(
      later.map((one) => one[of]),
      0.99,
    ),
  );
};

const storeDown: Row = {
  id: 'B8',
  name: 'cache-store-down',
  goal: 'Redis hangs, then is killed: 0 failed; after the first three, p99 of the time spent on the cache 5 ms at most',
  async run() {
    await using redis = await startRedis();
    await using it = await stage(1, {}, { cache: { url: redis.url } });
    await using plain = await stage(1, {}, { cache: { responses: { enabled: false } } });
    const target = { rate: 100, seconds: 6, path: (at: number) => `/kept/${at % 50}` };
    const [warm] = await Promise.all([load(it.url, target), load(plain.url, target)]);
    redis.signal('SIGSTOP');
    const [hung, beside] = await Promise.all([load(it.url, target), load(plain.url, target)]);
    redis.signal('SIGCONT');
    await redis.kill();
    const [dead, besideDead] = await Promise.all([load(it.url, target), load(plain.url, target)]);
    // Whole requests are given for comparison: on a busy machine their p99 is the machine's, with and without a cache.
    const figure = {
      failed: failed(hung) + failed(dead),
      upCacheP99Ms: p99(warm, 'cacheMs'),
      hungCacheP99Ms: p99(hung, 'cacheMs'),
      deadCacheP99Ms: p99(dead, 'cacheMs'),
      hungP99Ms: p99(hung),
      besideHungP99Ms: p99(beside),
      deadP99Ms: p99(dead),
      besideDeadP99Ms: p99(besideDead),
    };
    const slowest = Math.max(figure.hungCacheP99Ms, figure.deadCacheP99Ms);
    return { figure, pass: figure.failed === 0 && slowest <= 5 };
  },
};

const partial: Row = {
  id: 'B9',
  name: 'partial-bodies',
  goal: 'bodies that clients or the upstream cut short, and parts, are never given as whole ones',
  async run() {
    const responses = { max_size: '256MiB', max_entry: '16MiB' };
    await using it = await stage(1, {}, { cache: { responses } });
    let wrong = 0;
    for (let at = 0; at < 20; at += 1) {
      const target = `/big?${at}`;
      // A client that leaves in the middle of a large answer.
      await new Promise<void>((resolve) => {
        const socket = connect(it.port, '127.0.0.1', () => socket.write(`GET ${target} HTTP/1.1\r\nHost: a\r\n\r\n`));
        socket.once('data', () => socket.destroy());
        socket.on('error', () => {}).on('close', () => resolve());
      });
      const part = await ask(it.port, target, { headers: { Host: 'a', Range: 'bytes=5-9' } });
      const whole = await ask(it.port, target, { headers: { Host: 'a' } });
      if (part.status === 206 && part.body.length !== 5) wrong += 1;
      if (whole.status !== 200 || whole.body.length !== 10 * MEBIBYTE) wrong += 1;
    }
    return { figure: { answers: 40, wrong }, pass: wrong === 0 };
  },
};

export const CACHE_ROWS: readonly Row[] = [required, optimal, stale, model, poison, bound, storeDown, partial];
