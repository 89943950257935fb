import { afterAll, beforeAll, expect, it } from 'vitest';
import { systemClock } from '../../../src/base/clock.ts';
import { seededRandom } from '../../../src/base/random.ts';
import { readJson } from '../../../src/stack/server/body.ts';
import { HealthRegistry } from '../../../src/stack/server/health.ts';
import { SERVER_LIMITS, SERVER_TIMEOUTS } from '../../../src/stack/server/options.ts';
import type { KitServer } from '../../../src/stack/server/server.ts';
import { createServer } from '../../../src/stack/server/server.ts';
import { sendRaw } from '../../support/http/raw-http.ts';
import { recordingLogger } from '../../support/recording-logger.ts';

const SEED = 20_261_121;
const REQUESTS = 1_500;
const AT_ONCE = 150;
const logger = recordingLogger();
let server: KitServer;
let port = 0;

beforeAll(async () => {
  server = createServer({
    host: '127.0.0.1',
    port: 0,
    telemetry: 'own',
    logger,
    clock: systemClock,
    health: new HealthRegistry(systemClock),
    routes: (router) => {
      router.get('/a/:id', (ctx) => {
        ctx.body = { id: ctx.params.id, query: { ...ctx.query }, host: ctx.hostname };
      });
      router.post('/a', async (ctx) => {
        ctx.body = { got: await readJson(ctx.req, { maxBytes: 4_096, idleMs: 100 }) };
      });
    },
    healthPrefix: '',
    accessLog: true,
    limits: SERVER_LIMITS,
    timeouts: { ...SERVER_TIMEOUTS, headMs: 100, requestMs: 200, checkMs: 20, keepAliveMs: 20 },
  });
  // Node adds a second to the configured keep-alive.
  Object.assign(server.http, { keepAliveTimeoutBuffer: 0 });
  ({ port } = await server.listen());
});
afterAll(() => server.close());

const SOUND = [
  'GET /a/7?x=1&x=2 HTTP/1.1\r\nHost: a:80\r\nX-Request-Id: r1\r\ntraceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01\r\nConnection: close\r\n\r\n',
  'POST /a HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: 13\r\nConnection: close\r\n\r\n{"a":[1,2,3]}',
  'POST /a HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n7\r\n{"a":1}\r\n0\r\n\r\n',
  'HEAD http://a/a/%41 HTTP/1.1\r\nHost: a\r\nbaggage: a=b\r\nExpect: 100-continue\r\nConnection: close\r\n\r\n',
];
const PIECES = [
  '\0',
  '\r',
  '\n',
  '\r\n',
  ' ',
  ':',
  '%',
  '%00',
  '%zz',
  '__proto__',
  '[::1]',
  '🐘',
  ',',
  '-1',
  '9'.repeat(30),
  'x'.repeat(300),
  '"',
  '{',
  'Host: b\r\n',
  'gzip',
  '../',
  '//',
  '@',
  ';',
];

/** A valid request with one to four cuts, insertions or flipped bits. */
function mutated(random: () => number): Buffer {
  const pick = (below: number): number => Math.floor(random() * below);
  let bytes = Buffer.from(SOUND[pick(SOUND.length)]);
  for (let changes = 1 + pick(4); changes > 0; changes -= 1) {
    const at = pick(bytes.length);
    const kind = pick(3);
    if (kind === 0) bytes = Buffer.concat([bytes.subarray(0, at), bytes.subarray(at + 1 + pick(6))]);
    else if (kind === 1)
      bytes = Buffer.concat([bytes.subarray(0, at), Buffer.from(PIECES[pick(PIECES.length)]), bytes.subarray(at)]);
    else if (bytes.length > 0) bytes[at] ^= 1 << pick(8);
  }
  return bytes;
}

it(`answers ${REQUESTS} broken requests without failing (seed ${SEED})`, async () => {
  const random = seededRandom(SEED);
  const statuses = new Map<string, number>();
  for (let sent = 0; sent < REQUESTS; sent += AT_ONCE) {
    const answers = await Promise.all(Array.from({ length: AT_ONCE }, () => sendRaw(port, mutated(random), 1_500)));
    for (const answer of answers) {
      const status = /^HTTP\/1\.1 (\d{3})/.exec(answer)?.[1] ?? 'none';
      statuses.set(status, (statuses.get(status) ?? 0) + 1);
    }
  }
  expect(logger.lines.filter(({ message }) => message === 'unexpected error')).toEqual([]);
  expect(
    [...statuses.keys()].filter((status) => status.startsWith('5') && status !== '501' && status !== '505'),
  ).toEqual([]);
  expect(statuses.get('400')).toBeGreaterThan(100);
  expect(statuses.get('200')).toBeGreaterThan(100);
  expect(await (await fetch(`http://127.0.0.1:${port}/livez`)).text()).toBe('ok\n');
}, 60_000);
