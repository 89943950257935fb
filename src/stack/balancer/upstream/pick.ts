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

/** Whether the next candidate ends the search, is the best so far, or is passed over. */
type Verdict = 'take' | 'better' | 'pass';

/**
 * A policy compares a candidate that may be taken with the best of those before it in this turn's order. `panic`: no
 * candidate is available.
 */
type PickPolicy = (one: Candidate, best: Candidate | undefined, panic: boolean, random: Random) => Verdict;

const loadOf = ({ inflight, weight }: Candidate): number => (inflight + 1) / weight;

/** One function for each `balancer.policy`. A policy is added here and in the enum of the section's schema. */
const POLICIES: Readonly<Record<Policy, PickPolicy>> = {
  /** In turn; a candidate that warms up is passed over by chance. */
  round_robin(one, best, panic, random) {
    if (panic || one.weight >= 1 || random() < one.weight) return 'take';
    return best === undefined ? 'better' : 'pass';
  },
  /** The fewest requests per weight; equal ones in turn. */
  least_inflight(one, best) {
    return best === undefined || loadOf(one) < loadOf(best) ? 'better' : 'pass';
  },
};

/**
 * Index of the candidate for turn `turn` (any non-negative integer, one more for each request), `NOBODY` or `ALL_BUSY`.
 * No candidate gets more than `limit` requests at a time.
 */
export function pick(
  policy: Policy,
  candidates: readonly Candidate[],
  turn: number,
  tried: readonly Candidate[],
  limit: number,
  random: Random,
): number {
  const verdictOf = POLICIES[policy];
  const available = choose(verdictOf, candidates, turn, tried, limit, random, false);
  return available === NOBODY ? choose(verdictOf, candidates, turn, tried, limit, random, true) : available;
}

function choose(
  verdictOf: PickPolicy,
  candidates: readonly Candidate[],
  turn: number,
  tried: readonly Candidate[],
  limit: number,
  random: Random,
  panic: boolean,
): number {
  const count = candidates.length;
  let best = NOBODY;
  for (let step = 0; step < count; step += 1) {
    const at = (turn + step) % count;
    const one = candidates[at];
    if (!(one.available || panic) || (tried.length > 0 && tried.includes(one))) continue;
    if (one.inflight >= limit) {
      if (best === NOBODY) best = ALL_BUSY;
      continue;
    }
    const verdict = verdictOf(one, best < 0 ? undefined : candidates[best], panic, random);
    if (verdict === 'take') return at;
    if (verdict === 'better') best = at;
  }
  return best;
}

/** Share of load `sinceMs` after coming back: from a tenth, linearly, to all at `slowStartMs`. */
export function warmUpWeight(sinceMs: number, slowStartMs: number): number {
  if (slowStartMs <= 0 || sinceMs >= slowStartMs) return 1;
  return Math.max(0.1, sinceMs / slowStartMs);
}
