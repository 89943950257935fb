/**
 * How a process that runs for long lets its JavaScript heap grow. V8 sizes heaps by the machine: on a large one the young
 * generation alone takes 128 MB under load and the old one doubles before it is collected, although a balancer or monitor
 * holds some 40 MB. Nothing here is a limit: a heap that needs more gets it.
 *
 * The young generation stays as small as it begins (a semi-space of 1 MB): a request's objects die within it all the same.
 * The old one is collected when it has grown by half since the last time, at least by V8's own smallest step.
 */
import { setFlagsFromString } from 'node:v8';

const OLD_GROWTH_PERCENT = 50;
/** Who sizes the heap by flags of Node's own is left alone. */
const SIZED_BY_USER = /--(?:max|min)[-_]semi[-_]space|--semi[-_]space|--heap[-_]growing|--max[-_]old[-_]space/;

/** To be called before anything else is loaded: a young generation that has grown does not shrink soon. */
export function keepHeapSmall(nodeFlags: readonly string[]): void {
  if (nodeFlags.some((flag) => SIZED_BY_USER.test(flag))) return;
  setFlagsFromString('--semi-space-growth-factor=1');
  setFlagsFromString(`--heap-growing-percent=${OLD_GROWTH_PERCENT}`);
}
