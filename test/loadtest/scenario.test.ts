import { describe, expect, it } from 'vitest';
import { seededRandom } from '../../src/base/random.ts';
import { breakingPoint } from '../../src/loadtest/breaking-point.ts';
import { loadOptions } from '../../src/loadtest/options.ts';
import { arrivalTimeMs, arrivalsUntil } from '../../src/loadtest/run.ts';
import type { Journey, Step } from '../../src/loadtest/scenario.ts';
import { OPENING_BALANCE } from '../../src/sample/demo-data.ts';
import { getJourney, paymentsJourney } from '../../src/loadtest/scenario.ts';

const person = { user: 'user-001', password: 'p', account: 'acc-001' };

/** Walks `count` steps of a service that does what it should. */
function walk(journey: Journey, count: number): Step[] {
  return Array.from({ length: count }, () => {
    const step = journey.next();
    const body =
      step.operation === 'sign_in'
        ? '{"token":"t"}'
        : JSON.stringify({ accounts: [{ id: 'acc-001' }, { id: 'acc-002' }, { id: 'acc-003' }] });
    journey.took(step, 200, step.wantsBody ? body : '');
    return step;
  });
}

describe('a simulated user', () => {
  it('signs in once, looks who is there, and then does a bit of everything', () => {
    const steps = walk(paymentsJourney(person, seededRandom(1)), 2_000);
    const count = (operation: string): number => steps.filter((step) => step.operation === operation).length;
    expect(steps.slice(0, 2).map(({ operation }) => operation)).toEqual(['sign_in', 'accounts']);
    expect(count('sign_in')).toBe(1);
    expect(count('transfer')).toBeGreaterThan(400);
    expect(count('history')).toBeGreaterThan(200);
    expect(count('balance')).toBeGreaterThan(500);
    const transfers = steps.filter(({ operation }) => operation === 'transfer');
    const bodies = transfers.map(({ body = '' }) => JSON.parse(body) as { from: string; to: string; amount: number });
    expect(bodies.every(({ from, to, amount }) => from === 'acc-001' && to !== from && amount >= 1)).toBe(true);
    expect(new Set(transfers.map(({ headers }) => headers['Idempotency-Key'])).size).toBe(transfers.length);
    expect(transfers[0].headers.Authorization).toBe('Bearer t');
    expect([transfers[0].expects(201), transfers[0].expects(422), transfers[0].expects(500)]).toEqual([
      true,
      true,
      false,
    ]);
  });

  it('sends money to those who take part, small sums of it, and once in each run', () => {
    const active = new Set(['acc-001', 'acc-003', 'acc-999']);
    const bodies = (run: string) =>
      walk(paymentsJourney(person, seededRandom(1), { active, run }), 400).filter(
        ({ operation }) => operation === 'transfer',
      );
    const [first, second] = [bodies('a'), bodies('b')];
    const sums = first.map(({ body = '' }) => JSON.parse(body) as { to: string; amount: number });
    expect(new Set(sums.map(({ to }) => to))).toEqual(new Set(['acc-003']));
    expect(Math.max(...sums.map(({ amount }) => amount))).toBeLessThanOrEqual(100);
    expect(second.map(({ body }) => body)).toEqual(first.map(({ body }) => body));
    const keys = [...first, ...second].map(({ headers }) => headers['Idempotency-Key']);
    expect(new Set(keys).size).toBe(keys.length);
    const alone = walk(paymentsJourney(person, seededRandom(1)), 100).filter(({ body }) => body?.includes('amount'));
    expect(alone.every(({ body = '' }) => body.includes('"amount":1}'))).toBe(true);
  });

  it('keeps accounts filled: hardly anybody runs out of money in ten minutes of 500 transfers a second', () => {
    for (const users of [2, 20, 200]) {
      const ids = Array.from({ length: users }, (_, index) => `acc-${index}`);
      const list = JSON.stringify({ accounts: ids.map((id) => ({ id })) });
      const company = { active: new Set(ids), run: 'r' };
      const journeys = ids.map((account, index) =>
        paymentsJourney({ user: account, password: 'p', account }, seededRandom(1 + index * 7919), company),
      );
      const balances = new Map(ids.map((id) => [id, OPENING_BALANCE]));
      let refused = 0;
      for (let sent = 0, turn = 0; sent < 300_000; turn += 1) {
        const journey = journeys[turn % users];
        const step = journey.next();
        if (step.operation !== 'transfer')
          journey.took(step, 200, step.operation === 'sign_in' ? '{"token":"t"}' : list);
        if (step.body === undefined || step.operation !== 'transfer') continue;
        sent += 1;
        const { from, to, amount } = JSON.parse(step.body) as { from: string; to: string; amount: number };
        const left = (balances.get(from) ?? 0) - amount;
        if (left < 0) refused += 1;
        else balances.set(from, left).set(to, (balances.get(to) ?? 0) + amount);
      }
      expect(refused).toBeLessThan(3_000);
    }
  }, 60_000);

  it('does the same again with the same seed, and other things with another', () => {
    const steps = (seed: number) => walk(paymentsJourney(person, seededRandom(seed)), 50);
    expect(JSON.stringify(steps(7))).toBe(JSON.stringify(steps(7)));
    expect(JSON.stringify(steps(7))).not.toBe(JSON.stringify(steps(8)));
  });

  it('signs in again when told to, and is not confused by nonsense', () => {
    const journey = paymentsJourney(person, seededRandom(1));
    for (const answer of ['', 'no json', '[]', '{"token":5}']) {
      const step = journey.next();
      expect(step.operation).toBe('sign_in');
      journey.took(step, 200, answer);
    }
    walk(journey, 3);
    const step = journey.next();
    journey.took(step, 401, '');
    expect(journey.next().operation).toBe('sign_in');
    journey.took(journey.next(), 0, '');
    expect(getJourney('/x?y').next()).toMatchObject({ method: 'GET', target: '/x?y' });
  });
});

describe('arrivals', () => {
  it('come at the rate, after a ramp that begins with none', () => {
    expect([arrivalsUntil(1_000, 100, 0), arrivalsUntil(2_500, 100, 0)]).toEqual([100, 250]);
    expect([
      arrivalsUntil(0, 100, 1_000),
      arrivalsUntil(500, 100, 1_000),
      arrivalsUntil(1_000, 100, 1_000),
      arrivalsUntil(2_000, 100, 1_000),
    ]).toEqual([0, 12, 50, 150]);
  });
  it('have each their time', () => {
    for (const rampMs of [0, 1_000]) {
      for (let index = 0; index < 200; index += 1) {
        const dueMs = arrivalTimeMs(index, 100, rampMs);
        expect(arrivalsUntil(dueMs + 1e-6, 100, rampMs)).toBe(index + 1);
        expect(arrivalsUntil(dueMs - 0.01, 100, rampMs)).toBe(index);
      }
    }
  });
});

describe('the breaking point', () => {
  const second = (i: number, p95: number | null, failed = 0) => ({
    second: i + 1,
    load: i * 10,
    requests: 100,
    failed,
    p95_ms: p95,
  });
  it('is where latency stays high, or errors do', () => {
    const slow = [5, 5, 6, 7, 90, 8, 9, 50, 60, 70, 80].map((p95, i) => second(i, p95));
    expect(breakingPoint(slow)).toEqual({
      second: 8,
      load: 70,
      throughput_rps: 100,
      reason: 'p95 rose from 5 ms to 50 ms',
    });
    const failing = [5, 5, 5, 5, 5, 5].map((p95, i) => second(i, p95, i >= 4 ? 20 : 0));
    expect(breakingPoint(failing)).toMatchObject({ second: 5, reason: '20 % of requests failed' });
  });
  it('is none when all went well, or nothing was measured', () => {
    expect(breakingPoint([5, 6, 5, 6, 19, 18].map((p95, i) => second(i, p95)))).toBeNull();
    expect(breakingPoint([null, null, null, 900, 900, 900].map((p95, i) => second(i, p95)))).toBeNull();
    expect(breakingPoint([])).toBeNull();
  });
});

describe('options', () => {
  it('have defaults and bounds', () => {
    expect(loadOptions.parse({ url: 'http://a' })).toMatchObject({
      users: 20,
      durationMs: 30_000,
      scenario: 'payments',
    });
    for (const bad of [
      {},
      { url: 'ftp://a' },
      { url: 'x' },
      { url: 'http://a', users: 0 },
      { url: 'http://a', durationMs: Infinity },
      { url: 'http://a', rate: -1 },
      { url: 'http://a', color: 'red' },
    ]) {
      expect(loadOptions.safeParse(bad).success).toBe(false);
    }
  });
});
