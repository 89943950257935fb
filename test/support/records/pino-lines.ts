/** Lines as pino writes them for an HTTP service, with random ids. */
import { randomBytes } from 'node:crypto';
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
