import { execFileSync } from 'node:child_process';
import path from 'node:path';
import { expect, it } from 'vitest';
import { Deadlines, type Timed } from '../../../../src/stack/balancer/timing/deadlines.ts';
import { seededRandom } from '../../../../src/base/random.ts';
import { movedClock } from '../../../support/moved-clock.ts';

const MODULE = path.resolve(import.meta.dirname, '../../../../src/stack/balancer/timing/deadlines.ts');

class One implements Timed {
  deadlinePlace = -1;
  fired = 0;
  deadlineMs: number;
  readonly act: () => void;

  constructor(deadlineMs: number, act: () => void = () => {}) {
    this.deadlineMs = deadlineMs;
    this.act = act;
  }

  onDeadline(): void {
    this.fired += 1;
    this.act();
  }
}

it('fires each that is due, whatever is added and taken out meanwhile', async () => {
  const clock = movedClock(0);
  const deadlines = new Deadlines(clock);
  const random = seededRandom(7);
  const held = new Set<One>();
  for (let turn = 0; turn < 200; turn += 1) {
    for (let at = 0; at < 20; at += 1) {
      const one: One = new One(random() < 0.1 ? 0 : Infinity, () => deadlines.delete(one));
      deadlines.add(one);
      deadlines.add(one);
      held.add(one);
    }
    for (const one of held)
      if (random() < 0.3 && one.deadlineMs > 0) {
        deadlines.delete(one);
        deadlines.delete(one);
        held.delete(one);
      }
    const due = [...held].filter(({ deadlineMs }) => deadlineMs === 0);
    await clock.advance(20);
    await new Promise((resolve) => setImmediate(resolve));
    expect(due.map(({ fired }) => fired)).toEqual(due.map(() => 1));
    for (const one of due) held.delete(one);
    expect(new Set(deadlines.all())).toEqual(held);
  }
  deadlines.close();
  expect(deadlines.all()).toEqual([]);
});

it('keeps nothing of the requests that have ended, so that they are collected while young', () => {
  const program = `
    import { PerformanceObserver } from 'node:perf_hooks';
    const { Deadlines } = await import(${JSON.stringify(MODULE)});
    let full = 0;
    new PerformanceObserver((list) => {
      for (const { detail } of list.getEntries()) if (detail.kind === 4) full += 1;
    }).observe({ entryTypes: ['gc'] });
    const deadlines = new Deadlines({ monotonic: () => 0, now: () => 0, after: () => () => {} });
    const open = [];
    const begin = (at) => {
      const one = { deadlineMs: Infinity, deadlinePlace: -1, onDeadline() {}, parts: new Array(64).fill(at) };
      deadlines.add(one);
      open.push(one);
    };
    for (let at = 0; at < 64; at += 1) begin(at);
    // What holds them is old from here on, as in a process that has run for a while.
    gc();
    gc();
    await new Promise((resolve) => setTimeout(resolve, 10));
    full = 0;
    for (let at = 0; at < 300_000; at += 1) {
      begin(at);
      deadlines.delete(open.shift());
      if (at % 1_000 === 0) await new Promise((resolve) => setImmediate(resolve));
    }
    await new Promise((resolve) => setTimeout(resolve, 10));
    console.log(full);
  `;
  const args = ['--expose-gc', '--max-semi-space-size=4', '--input-type=module', '--eval', program];
  expect(Number(execFileSync(process.execPath, args, { encoding: 'utf8' }))).toBeLessThan(3);
});
