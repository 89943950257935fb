/**
 * How a process that runs for long lets its JavaScript heap grow. V8 sizes heaps by the machine: on a large one the young
 * generation alone takes 128 MB under load and the old one doubles before it is collected, although a balancer, a monitor or
 * a service holds some 40 MB: with four processes that is a gigabyte of garbage. Kept short, garbage is collected more often
 * (some percent of CPU) and each process stays near what it really holds. Nothing here is a limit: a heap that needs more
 * gets it.
 */
import { setFlagsFromString } from 'node:v8';

/** The old generation is collected when it has grown by this share; may be set while a process runs. */
const GROWTH = '--heap-growing-percent=40';
/** For who has started already: a young generation that never grows, so it stays as it begins (1 MiB a half). */
const YOUNG_STAYS = '--semi-space-growth-factor=1';
const SIZED_BY_FLAGS = /--(?:max|min)[-_]semi[-_]space|--semi[-_]space|--heap[-_]growing|--max[-_]old[-_]space/;

/** `execArgv` of the sample services, which hold little: MiB of one of the young generation's halves, and slow growth. */
export const LEAN_HEAP: readonly string[] = ['--max-semi-space-size=4', GROWTH];
/** `execArgv` of the monitor beside a stack. A monitor alone keeps V8's own sizes: its queries make megabytes of columns at once. */
export const MONITOR_HEAP: readonly string[] = ['--max-semi-space-size=4', '--heap-growing-percent=60'];

/**
 * For a process that somebody else started: what can still be set. To be called before anything else is loaded, for a young
 * generation that has grown does not shrink soon. Who sizes the heap by `nodeFlags` of their own is left alone.
 */
export function growSlowly(nodeFlags: readonly string[]): void {
  if (nodeFlags.some((flag) => SIZED_BY_FLAGS.test(flag))) return;
  setFlagsFromString(YOUNG_STAYS);
  setFlagsFromString(GROWTH);
}
