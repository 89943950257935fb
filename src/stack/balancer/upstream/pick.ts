/**
 * Which upstream gets the request. Pure: candidates and a turn in, an index out, so every policy is tested by arithmetic.
 * Only available candidates are used. When none is available, all are tried (panic mode): one may still answer, and a 503
 * would be certain.
 */
import type { Random } from '../../../base/random.ts';
import type { Policy } from '../config.ts';

export interface Candidate {
  /** Neither down nor ejected. */
  readonly available: boolean;
  /** Requests it is working on. */
  readonly inflight: number;
  /** Share of its full load it may get, in (0, 1]: below 1 while it warms up. */
  readonly weight: number;
}

/** Every candidate was tried. */
export const NOBODY = -1;
/** Every candidate that is left has reached its limit. */
export const ALL_BUSY = -2;

/**
 * Index of the candidate for turn `turn` (any non-negative integer, one more for each request), `NOBODY` or `ALL_BUSY`.
 * `round_robin` takes them in turn and skips one that warms up at random; `least_inflight` takes the one with the fewest
 * requests per weight, equal ones in turn. None is given more than `limit` requests at a time.
 */
export function pick(
  policy: Policy,
  candidates: readonly Candidate[],
  turn: number,
  tried: readonly Candidate[],
  limit: number,
  random: Random,
): number {
  const available = choose(policy, candidates, turn, tried, limit, random, false);
  return available === NOBODY ? choose(policy, candidates, turn, tried, limit, random, true) : available;
}

function choose(
  policy: Policy,
  candidates: readonly Candidate[],
  turn: number,
  tried: readonly Candidate[],
  limit: number,
  random: Random,
  panic: boolean,
): number {
  const count = candidates.length;
  let best = NOBODY;
  let bestLoad = Infinity;
  for (let step = 0; step < count; step += 1) {
    const at = (turn + step) % count;
    const one = candidates[at];
    if (!(one.available || panic) || (tried.length > 0 && tried.includes(one))) continue;
    if (one.inflight >= limit) {
      if (best === NOBODY) best = ALL_BUSY;
      continue;
    }
    if (policy === 'least_inflight') {
      const load = (one.inflight + 1) / one.weight;
      if (load >= bestLoad) continue;
      best = at;
      bestLoad = load;
    } else if (panic || one.weight >= 1 || random() < one.weight) return at;
    else if (best < 0) best = at;
  }
  return best;
}

/** Share of load `sinceMs` after coming back: from a tenth, linearly, to all at `slowStartMs`. */
export function warmUpWeight(sinceMs: number, slowStartMs: number): number {
  if (slowStartMs <= 0 || sinceMs >= slowStartMs) return 1;
  return Math.max(0.1, sinceMs / slowStartMs);
}
