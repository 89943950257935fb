import { execFileSync } from 'node:child_process';
import path from 'node:path';
import { expect, it } from 'vitest';
import { heapFlags, helperFlags, paceAfter, type Pace, SERVICE_HEAP } from '../../../src/app/process/lean-heap.ts';

const MODULE = path.resolve(import.meta.dirname, '../../../src/app/process/lean-heap.ts');

/** 64 in this program with V8's own sizes and 32 with 16 MiB a half; with a plan it varies from 5 to 13. */
const SHORT_MIB = 20;

/** The most MiB of the young generation while the program creates objects that live for a while. */
function youngMib(nodeFlags: readonly string[], plan = 'SERVICE_HEAP'): number {
  const program = `
    import { getHeapSpaceStatistics } from 'node:v8';
    import { applyHeapPlan, ${plan} } from ${JSON.stringify(MODULE)};
    applyHeapPlan(${plan}, process.execArgv);
    const keep = [];
    let most = 0;
    for (let at = 0; at < 2_000_000; at += 1) {
      keep[at % 20_000] = { at, text: 'x' + at, list: [at] };
      if (at % 20_000 === 0) most = Math.max(most, getHeapSpaceStatistics().find((one) => one.space_name === 'new_space').space_size);
    }
    console.log(most / 1024 ** 2);
  `;
  const args = [...nodeFlags, '--input-type=module', '--eval', program];
  return Number(execFileSync(process.execPath, args, { encoding: 'utf8' }));
}

it('keeps the young generation small, unless flags set its size', () => {
  expect(youngMib([])).toBeLessThan(SHORT_MIB);
  expect(youngMib(heapFlags(SERVICE_HEAP))).toBeLessThan(SHORT_MIB);
  expect(youngMib(['--max-semi-space-size=16'])).toBeGreaterThan(SHORT_MIB);
});

it('gives a monitor that the user started a young generation of 4 MiB a half', () => {
  expect(youngMib([], 'MONITOR_HEAP')).toBeGreaterThanOrEqual(8);
  expect(youngMib([], 'MONITOR_HEAP')).toBeLessThan(SHORT_MIB);
  expect(youngMib(['--max-semi-space-size=16'], 'MONITOR_HEAP')).toBeGreaterThan(SHORT_MIB);
});

it('lets the young generation grow while work lasts, to its limit', () => {
  const program = `
    import { getHeapSpaceStatistics } from 'node:v8';
    import { applyHeapPlan, SERVICE_HEAP } from ${JSON.stringify(MODULE)};
    applyHeapPlan(SERVICE_HEAP, process.execArgv);
    const keep = [];
    const youngMib = () => getHeapSpaceStatistics().find((one) => one.space_name === 'new_space').space_size / 1024 ** 2;
    const work = async () => {
      for (let at = 0; at < 3_000; at += 1) keep[at % 2_500] = { at, text: 'x' + at, list: [at] };
      await new Promise((resolve) => setImmediate(resolve));
    };
    const first = youngMib();
    while (youngMib() < 16 && performance.now() < 20_000) await work();
    for (let more = 0; more < 2_000; more += 1) await work();
    console.log(JSON.stringify([first, youngMib()]));
  `;
  const args = ['--input-type=module', '--eval', program];
  const [first, last] = JSON.parse(execFileSync(process.execPath, args, { encoding: 'utf8' })) as number[];
  expect(first).toBeLessThan(4);
  expect(last).toBe(16);
}, 40_000);

it('does not count a burst as lasting work', () => {
  let pace: Pace = { second: 0, collections: 0, busySeconds: 0 };
  const collect = (second: number, times: number): void => {
    for (let at = 0; at < times; at += 1) pace = paceAfter(pace, second * 1000 + at);
  };
  collect(5, 300);
  expect(pace.busySeconds).toBe(0);
  for (const second of [6, 7, 8]) collect(second, 20);
  expect(pace.busySeconds).toBe(3);
  collect(9, 19);
  collect(10, 1);
  expect(pace.busySeconds).toBe(0);
  for (const second of [11, 12, 14, 15]) collect(second, 50);
  expect(pace.busySeconds).toBe(1);
});

it('gives V8 a helper thread for each other processor, one at least and four at most', () => {
  expect([1, 2, 4, 64].map((processors) => helperFlags(processors)[0])).toEqual([
    '--v8-pool-size=1',
    '--v8-pool-size=1',
    '--v8-pool-size=3',
    '--v8-pool-size=4',
  ]);
});
