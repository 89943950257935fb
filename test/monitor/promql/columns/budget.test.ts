import { describe, expect, it } from 'vitest';
import { systemClock } from '../../../../src/base/clock.ts';
import { QueryShare } from '../../../../src/monitor/promql/columns/budget.ts';
import { movedClock } from '../../../support/moved-clock.ts';

describe('the memory shared by running queries', () => {
  it('is limited: the largest query ends, the others continue', () => {
    const share = new QueryShare(movedClock(0), 1_000);
    const [large, small] = [share.begin(1_000, undefined), share.begin(1_000, undefined)];
    large.take(800);
    small.take(300);
    expect(share.held).toBe(1_100);
    expect(() => small.check()).not.toThrow();
    expect(() => large.check()).toThrow(expect.objectContaining({ code: 'overloaded' }) as Error);
    expect(() => large.take(1)).toThrow(expect.objectContaining({ code: 'overloaded' }) as Error);
    // The large query will soon release its samples, so no other query has to end.
    small.take(300);
    expect(() => small.check()).not.toThrow();
    share.end(large);
    share.end(large);
    expect(share.held).toBe(600);
    small.settle(0, 10);
    expect([share.held, small.peak]).toEqual([10, 600]);
  });

  it('is also the limit of a single query', () => {
    const share = new QueryShare(movedClock(0), 1_000);
    const budget = share.begin(1_000, undefined);
    expect(() => budget.take(1_001)).toThrow(expect.objectContaining({ code: 'query_failed' }) as Error);
    share.end(budget);
    expect(share.held).toBe(0);
  });

  it('gives each turn of the thread to one query, in order', async () => {
    const clock = movedClock(0);
    const share = new QueryShare(clock, 1_000);
    const [a, b] = [share.begin(1_000, undefined), share.begin(1_000, undefined)];
    const order: string[] = [];
    const run = async (name: string, budget: typeof a): Promise<void> => {
      for (let round = 0; round < 2; round += 1) {
        expect(budget.due).toBe(true);
        await budget.pause();
        expect(budget.due).toBe(false);
        order.push(name);
        clock.jump(8);
      }
    };
    const turns: number[] = [];
    const count = (): void => {
      turns.push(order.length);
      if (order.length < 4) setImmediate(count);
    };
    setImmediate(count);
    await Promise.all([run('a', a), run('b', b)]);
    expect(order).toEqual(['a', 'b', 'a', 'b']);
    // Between two turns of the queries, all other work had a turn.
    expect(turns.every((done, i) => i === 0 || done - turns[i - 1] <= 1)).toBe(true);
  });
});

it('frees the memory that a source made for a query when that query ends', () => {
  const share = new QueryShare(systemClock, 1_000);
  const [one, other] = [share.begin(1_000, undefined), share.begin(1_000, undefined)];
  const [mine, sent, theirs] = [new ArrayBuffer(64), new ArrayBuffer(64), new ArrayBuffer(64)];
  for (const memory of [mine, sent]) one.owns(memory);
  other.owns(theirs);
  // Memory that was transferred to another thread is not this query's any more.
  structuredClone(sent, { transfer: [sent] });
  share.end(one);
  share.end(one);
  expect([mine.byteLength, sent.byteLength, theirs.byteLength]).toEqual([0, 0, 64]);
});
