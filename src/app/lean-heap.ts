/**
 * How a process that runs for long lets its JavaScript heap grow. V8 sizes heaps by the machine: on a large one the young
 * generation alone takes 128 MB under load and the old one doubles before it is collected, although a balancer, a monitor or
 * a service holds some 40 MB: with four processes that is a gigabyte of garbage. Kept short, garbage is collected more often
 * (some percent of CPU) and each process stays near what it really holds. Nothing here is a limit: a heap that needs more
 * gets it.
 */
import { getHeapSpaceStatistics, setFlagsFromString } from 'node:v8';

/** The old generation is collected when it has grown by this share; may be set while a process runs. */
const growingBy = (percent: number): string => `--heap-growing-percent=${percent}`;
/** A collection lets the young generation grow to this many times its size; 1 keeps it as it is. */
const youngBy = (factor: number): string => `--semi-space-growth-factor=${factor}`;
const SIZED_BY_FLAGS = /--(?:max|min)[-_]semi[-_]space|--semi[-_]space|--heap[-_]growing|--max[-_]old[-_]space/;

/** `execArgv` of the sample services, which hold little: MiB of one of the young generation's halves, and slow growth. */
export const LEAN_HEAP: readonly string[] = ['--max-semi-space-size=4', growingBy(40)];
/** `execArgv` of the monitor beside a stack: the sizes that `growLikeMonitor` gives one that somebody else started. */
export const MONITOR_HEAP: readonly string[] = ['--max-semi-space-size=4', growingBy(60)];

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

function youngBytes(): number {
  return getHeapSpaceStatistics().find((space) => space.space_name === 'new_space')?.space_size ?? Infinity;
}
