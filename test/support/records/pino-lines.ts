/** Lines as pino writes them for an HTTP service, with random ids. */
import { randomBytes, randomUUID } from 'node:crypto';
import { seededRandom } from '../../../src/base/random.ts';

export const ROUTES = ['/api/accounts/:id', '/api/payments', '/api/login', '/health', '/api/cards/:id'];
export const hex = (bytes: number): string => randomBytes(bytes).toString('hex');

const random = seededRandom(7);
const pick = (count: number): number => Math.floor(random() ** 2 * count);
const micros = (spread: number): number => Math.round(Math.exp(random() * spread) * 1000) / 1000;

/** `startMs`: the time of the first one. */
export function pinoLines(count: number, startMs: number): string[] {
  let time = startMs;
  let trace = '';
  return Array.from({ length: count }, (_, at) => {
    time += Math.floor(random() * 8);
    if (at % 3 === 0) trace = hex(16);
    const failed = random() < 0.02;
    return JSON.stringify({
      level: failed ? 50 : 30,
      time,
      pid: 4242,
      hostname: 'web-1',
      name: 'payments',
      trace_id: trace,
      span_id: hex(8),
      reqId: `txn_${hex(6)}`,
      req: { method: 'GET', url: ROUTES[pick(5)].replace(':id', `acc-${pick(1000)}`) },
      res: { statusCode: failed ? 500 : 200 },
      responseTime: micros(5),
      user: `u${pick(3000)}`,
      msg: failed ? 'request failed' : 'request completed',
    });
  });
}

const AGENTS = ['curl/8.5.0', 'Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36', 'okhttp/4.12.0'];

/** As pino-http writes a request with its default serializers: both heads whole, and an id of its own for each request. */
export function pinoHttpLines(count: number, startMs: number): string[] {
  let time = startMs;
  return Array.from({ length: count }, () => {
    time += Math.floor(random() * 12);
    const url = ROUTES[pick(5)].replace(':id', `acc-${pick(1000)}`);
    const length = 80 + pick(4_000);
    return JSON.stringify({
      level: 30,
      time,
      pid: 71,
      hostname: 'shop-6f7d9c-x2x4q',
      req: {
        id: randomUUID(),
        method: 'GET',
        url: `${url}?page=${pick(40)}`,
        query: { page: String(pick(40)) },
        params: {},
        headers: {
          host: 'shop.example',
          'user-agent': AGENTS[pick(3)],
          accept: 'application/json',
          'accept-encoding': 'gzip, br',
          'x-forwarded-for': `203.0.113.${pick(250)}`,
          connection: 'keep-alive',
        },
        remoteAddress: '::ffff:10.0.3.7',
        remotePort: 32_000 + pick(28_000),
      },
      res: {
        statusCode: random() < 0.03 ? 404 : 200,
        headers: {
          'content-type': 'application/json; charset=utf-8',
          'content-length': String(length),
          etag: `W/"${length.toString(16)}-${hex(10)}"`,
        },
      },
      responseTime: Math.round(micros(4)),
      msg: 'request completed',
    });
  });
}
