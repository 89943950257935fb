/** Answers over many targets, which share the thread with rules and ingest, and are bounded. */
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Clock } from '../../../base/clock.ts';
import { VitrineError } from '../../../base/errors.ts';

const TURN_MS = 10;
const MAX_PARTS = 200_000;

/** Maps each item; after some milliseconds of work others have a turn. */
export async function inTurns<T, R>(
  items: readonly T[],
  clock: Pick<Clock, 'monotonic'>,
  of: (item: T) => R,
): Promise<R[]> {
  const made: R[] = [];
  let sinceMs = clock.monotonic();
  for (const item of items) {
    made.push(of(item));
    if (clock.monotonic() - sinceMs < TURN_MS) continue;
    await nextTurn();
    sinceMs = clock.monotonic();
  }
  return made;
}

/** Throws VitrineError `bad_request` for an answer with too many parts. */
export function refuseManyParts(targets: number, parts: number): void {
  if (targets * parts <= MAX_PARTS) return;
  throw new VitrineError('bad_request', `${targets} targets of ${parts} parts each are more than ${MAX_PARTS}.`, {
    hint: 'Ask for fewer targets, a shorter range or longer parts.',
  });
}
