/**
 * Lets V8 optimize a function later. It does so after 400 calls (Maglev) and 3,000 (TurboFan); a process that does some hundred
 * different things once a second reaches these counts function by function, so an idle stack spent a fifth of its processor time
 * on compiling in its first minutes. Under load ten times as many calls take some seconds.
 */
import { setFlagsFromString } from 'node:v8';

/** As `execArgv` of a child process. */
export const PATIENT_COMPILER: readonly string[] = [
  '--invocation-count-for-maglev=4000',
  '--invocation-count-for-turbofan=30000',
];

/** Sets the same in this process, unless Node flags say something about it. */
export function compilePatiently(nodeFlags: readonly string[]): void {
  if (nodeFlags.some((flag) => /--invocation[-_]count/.test(flag))) return;
  for (const flag of PATIENT_COMPILER) setFlagsFromString(flag);
}
