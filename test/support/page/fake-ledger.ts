/** Rows of the request ledger for the fake stack: one for each fake trace, and others whose spans did not come. */
import { seededRandom } from '../../../src/base/random.ts';
import type { RequestRow } from '../../../src/model/request-row.ts';
import { supportCode } from '../../../src/model/text/support-code.ts';
import { fakeTraces, HOSTILE } from './fake-stack.ts';

const OTHERS = 400;
/** [method, route, path, upstream, cache, typical milliseconds] */
const ROUTES = [
  ['POST', '/payments', '/payments', 'payments-1', '', 320],
  ['GET', '/payments/:id', '/payments/17', 'payments-2', 'miss', 48],
  ['GET', '/accounts/:id', '/accounts/u_3381', '', 'hit', 4],
  ['POST', '/sessions', `/sessions/${HOSTILE}`, 'accounts-1', 'bypass', 90],
] as const;

const hex = (n: number, width: number): string => n.toString(16).padStart(width, '0');

export function fakeRequests(nowMs: number): readonly RequestRow[] {
  const random = seededRandom(7);
  const row = (at: number, startMs: number, traceId: string, failed: boolean): RequestRow => {
    const [method, route, path, upstream, cache, usualMs] = ROUTES[at % ROUTES.length];
    const durationMs = Math.round(usualMs * (0.4 + random() * 1.8) * 1_000) / 1_000;
    const asked = upstream !== '';
    return {
      startUnixNano: BigInt(Math.round(startMs)) * 1_000_000n,
      durationMs,
      service: 'vitrine-balancer',
      instance: 'balancer-1',
      version: '42.0.0',
      route,
      method,
      path,
      status: failed ? (at % 2 === 0 ? 504 : 0) : method === 'POST' ? 201 : 200,
      reason: failed ? (at % 2 === 0 ? 'upstream_timeout' : 'client_gone') : '',
      upstream,
      tries: asked ? (failed ? 2 : 1) : 0,
      cache,
      phases: {
        queue: durationMs * 0.05,
        cache: cache === '' ? undefined : durationMs * 0.08,
        connect: asked ? durationMs * 0.1 : undefined,
        upstream: asked ? durationMs * 0.67 : undefined,
        transfer: durationMs * 0.1,
      },
      requestBytes: method === 'POST' ? 612 : 0,
      responseBytes: failed ? 210 : 2_048,
      traceId,
      code: supportCode(
        hex(0x4be81d07 + at * 104_729, 16)
          .padEnd(16, '0')
          .slice(-12)
          .padEnd(16, '0'),
      ),
      requestId: '',
      user: at % 5 === 0 ? 'u_3381' : '',
      synthetic: false,
    };
  };
  const traced = fakeTraces(nowMs).map(({ id, startMs, error }, at) => row(at, startMs, id, error));
  const others = Array.from({ length: OTHERS }, (_, at) =>
    row(at + traced.length, nowMs - at * 2_200 - random() * 1_000, hex(0x51d0 + at, 32), at % 37 === 0),
  );
  return [...traced, ...others];
}
