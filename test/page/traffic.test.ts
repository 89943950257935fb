/** The traffic page's words for the state of upstreams and routes, panic mode among them. */
import { describe, expect, it } from 'vitest';
import type { BalancerAnswer } from '../../src/monitor/api/care-contract.ts';
import { inPanic, stateOf, verdictOn } from '../../src/page/traffic/verdict.ts';

type Route = BalancerAnswer['routes'][number];
type Upstream = Route['upstreams'][number];

const upstream = (more: Partial<Upstream> = {}): Upstream => ({
  id: 'a',
  name: 'a:1',
  weight: 1,
  backup: false,
  drained: false,
  available: true,
  inflight: 0,
  streams: 0,
  ...more,
});
const route = (upstreams: Upstream[], maintenance = false): Route => ({
  id: 'r',
  name: 'r',
  host: null,
  path: '/',
  maintenance,
  upstreams,
});
const out = upstream({ available: false });
const drained = upstream({ available: false, drained: true });

describe('the verdict on the data path', () => {
  it.each([
    [undefined, 'unknown', 'Waiting for the balancer.'],
    [[route([upstream(), upstream()])], 'ok', 'All 2 upstreams take traffic.'],
    [[route([upstream(), out])], 'warn', '1 of 2 upstreams takes no traffic.'],
    [[route([upstream()], true)], 'warn', '1 of 1 routes are in maintenance.'],
    [[route([out, out])], 'crit', 'Every upstream is out, so all of them are tried (panic mode).'],
    [
      [route([out, drained]), route([upstream()])],
      'crit',
      'Every upstream of 1 of 2 routes is out, so all of them are tried (panic mode).',
    ],
  ])('of %j is %s', (routes, status, text) => {
    expect(verdictOn(routes)).toEqual([status, text]);
  });

  it('is not panic while an upstream is available, or when all are drained by hand', () => {
    expect(inPanic(route([out, upstream()]))).toBe(false);
    expect(inPanic(route([drained, drained]))).toBe(false);
    expect(inPanic(route([]))).toBe(false);
    expect(inPanic(route([out]))).toBe(true);
  });
});

describe('the state of an upstream', () => {
  it('says why it is out, and that it is tried in panic mode', () => {
    expect(stateOf(out, [])).toEqual(['crit', 'Out', 'Takes no traffic: it fails its health check.']);
    expect(stateOf(out, ['2 × timeout'], true)).toEqual([
      'crit',
      'Tried',
      'Out (2 × timeout), but every upstream of its route is out, so all of them are tried.',
    ]);
    expect(stateOf(drained, [], true)[1]).toBe('Drained');
    expect(stateOf(upstream(), ['1 × reset'])[1]).toBe('Back');
    expect(stateOf(upstream({ backup: true }), [])).toEqual(['ok', 'Backup', '']);
  });
});
