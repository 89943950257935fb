/**
 * How a process that runs for long lets its JavaScript heap grow. V8 sizes heaps by the machine: on a large one the young
 * generation alone takes 128 MB under load and the old one doubles before it is collected, although a balancer, a monitor or
 * a service holds some 40 MB: with four processes that is a gigabyte of garbage. Kept short, garbage is collected more often
 * and each process stays near what it really holds. Under load that would cost a fifth of the CPU, for half of what a small
 * young generation holds is requests under way, copied again and again: to a process that has stayed busy for a while some
 * MiB more are given. V8 takes them back while nothing happens.
 * Nothing here is a limit to the old generation: a heap that needs more gets it.
 */
import { PerformanceObserver } from 'node:perf_hooks';
import { getHeapSpaceStatistics, setFlagsFromString } from 'node:v8';

/** The old generation is collected when it has grown by this share; may be set while a process runs. */
const growingBy = (percent: number): string => `--heap-growing-percent=${percent}`;
/** A collection lets the young generation grow to this many times its size; 1 keeps it as it is. */
const youngBy = (factor: number): string => `--semi-space-growth-factor=${factor}`;
/** Bytes of both halves of the young generation up to which it may grow. */
const YOUNG_LIMIT = 16 * 1024 * 1024;
/** Collections in each of so many seconds in a row are work that lasts; a start, or a burst, is over before. */
const BUSY_COLLECTIONS = 20;
const BUSY_SECONDS = 3;
const SIZED_BY_FLAGS = /--(?:max|min)[-_]semi[-_]space|--semi[-_]space|--heap[-_]growing|--max[-_]old[-_]space/;

/** `execArgv` of the sample services, which hold little: MiB of one of the young generation's halves, and slow growth. */
export const LEAN_HEAP: readonly string[] = ['--max-semi-space-size=4', growingBy(40)];
/** `execArgv` of the monitor beside a stack: the sizes that `growLikeMonitor` gives one that somebody else started. */
export const MONITOR_HEAP: readonly string[] = ['--max-semi-space-size=4', growingBy(60)];

/**
 * Environment of both, where the user's says nothing else: memory beside V8's heap. glibc keeps an arena for each thread and,
 * once a large block was freed, takes its like from there: password hashing (16 MiB a call on four threads) and bodies then
 * stay as holes, 30 MiB a service (mallopt(3)). Two arenas, and blocks of a MiB go back to the system when they are freed.
 */
export const LEAN_MALLOC: Readonly<Record<string, string>> = {
  MALLOC_ARENA_MAX: '2',
  MALLOC_MMAP_THRESHOLD_: '1048576',
  MALLOC_TRIM_THRESHOLD_: '1048576',
};

/** V8 begins with 1 MiB a half. */
const MONITOR_YOUNG_BYTES = 8 * 1024 ** 2;
const ENOUGH_ARRAYS = 8_000;

/**
 * For a process that somebody else started: what can still be set. To be called before anything else is loaded, for a young
 * generation that has grown does not shrink soon: it stays as it begins. Who sizes the heap by `nodeFlags` of their own is
 * left alone.
 */
export function growSlowly(nodeFlags: readonly string[]): void {
  if (nodeFlags.some((flag) => SIZED_BY_FLAGS.test(flag))) return;
  setFlagsFromString(youngBy(1));
  setFlagsFromString(growingBy(40));
  growYoungOnceBusy();
}

/**
 * The same for a monitor that runs alone. Its queries and batches make megabytes that live for some milliseconds; in a
 * young generation of 1 MiB a half they would pass for old. V8 takes no size once it runs, but grows by a factor whenever
 * enough has survived: it is made to grow once, to 4 MiB a half, and then kept there.
 */
export function growLikeMonitor(nodeFlags: readonly string[]): void {
  if (nodeFlags.some((flag) => SIZED_BY_FLAGS.test(flag))) return;
  setFlagsFromString(growingBy(60));
  setFlagsFromString(youngBy(4));
  const survivors: number[][] = [];
  while (youngBytes() < MONITOR_YOUNG_BYTES && survivors.length < ENOUGH_ARRAYS) {
    // Looked at every 32 KiB or so: asking takes longer than filling.
    for (let i = 0; i < 32; i += 1) survivors.push(Array.from({ length: 128 }, () => i));
  }
  setFlagsFromString(youngBy(1));
}

/** Collections by whole seconds, and how many seconds in a row before this one were busy. */
export interface Pace {
  readonly second: number;
  readonly collections: number;
  readonly busySeconds: number;
}

/** `atMs`: when there was one more collection. Pure. */
export function paceAfter(pace: Pace, atMs: number): Pace {
  const second = Math.floor(atMs / 1000);
  if (second === pace.second) return { ...pace, collections: pace.collections + 1 };
  const goesOn = second === pace.second + 1 && pace.collections >= BUSY_COLLECTIONS;
  return { second, collections: 1, busySeconds: goesOn ? pace.busySeconds + 1 : 0 };
}

const youngBytes = (): number =>
  getHeapSpaceStatistics().find(({ space_name }) => space_name === 'new_space')?.space_size ?? Infinity;

function growYoungOnceBusy(): void {
  let pace: Pace = { second: 0, collections: 0, busySeconds: 0 };
  let worked = false;
  let grows = false;
  new PerformanceObserver((list) => {
    for (const { startTime } of worked ? [] : list.getEntries()) pace = paceAfter(pace, startTime);
    worked ||= pace.busySeconds >= BUSY_SECONDS;
    const may = worked && youngBytes() < YOUNG_LIMIT;
    if (may === grows) return;
    grows = may;
    setFlagsFromString(may ? youngBy(2) : youngBy(1));
  }).observe({ entryTypes: ['gc'] });
}
