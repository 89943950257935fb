/**
 * How V8 may grow. Left alone it gives the young generation up to 64 MB and lets the old one double before it cleans up: with
 * four processes that is several hundred megabytes of garbage under load. Kept short, garbage is collected more often
 * (some percent of CPU) and each process stays near what it really holds.
 */
import { setFlagsFromString } from 'node:v8';

/** The old generation is collected when it has grown by this share; may be set while a process runs. */
const GROWTH = '--heap-growing-percent=40';
/** MiB of one of the young generation's halves; only a start can set it. */
const YOUNG = '--max-semi-space-size=4';

/** `execArgv` of the processes that Vitrine starts. */
export const LEAN_HEAP: readonly string[] = [YOUNG, GROWTH];

/** For a process that somebody else started: what can still be set. */
export function growSlowly(): void {
  setFlagsFromString(GROWTH);
}
