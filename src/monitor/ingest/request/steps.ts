/**
 * Work on a request that gives the thread back between its steps: a generator yields after each step of a millisecond or less,
 * and `inSteps` lets others run when the turn is over. A small request is done within its first turn.
 */
import type { Turns } from '../../../base/clock.ts';

export type Steps<T> = Generator<undefined, T>;

/** Items of a request from one yield to the next: points, spans, log records. */
export const ITEMS_A_STEP = 128;

export async function inSteps<T>(turns: Turns, work: Steps<T>): Promise<T> {
  for (;;) {
    const step = work.next();
    if (step.done === true) return step.value;
    if (turns.due) await turns.next();
  }
}
