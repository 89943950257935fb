/**
 * Chooses the upstream for a request. Pure: candidates and a turn in, an index out, so every policy is tested by arithmetic.
 * Only available candidates are used. When none is available, all are tried (panic mode): one may still answer, and
 * otherwise a 503 would be certain.
 */
import type { Random } from '../../../base/random.ts';
import type { Policy } from '../options/route-options.ts';

export interface Candidate {
  /** Neither down nor ejected. */
  readonly available: boolean;
  /** Its requests in progress. */
  readonly inflight: number;
  /** Its open event streams and tunnels: they count when load is spread, but not towards a limit. */
  readonly streams: number;
  /** The share of its full load that it may get, in (0, 1]: below 1 while it warms up. */
  readonly weight: number;
  /** Configured weight relative to the others; 1 by default. */
  readonly share?: number;
  /** Taken out by hand: not asked even when no other candidate is available. */
  readonly drained?: boolean;
}

/** Every candidate was tried. */
export const NOBODY = -1;
/** Every remaining candidate has reached its limit. */
export const ALL_BUSY = -2;

/** One pass over the candidates. `panic`: no candidate is available, so unavailable ones are asked too. */
type PickPolicy = (
  candidates: readonly Candidate[],
  turn: number,
  tried: readonly Candidate[],
  limit: number,
  random: Random,
  panic: boolean,
) => number;

function mayBeAsked(one: Candidate, tried: readonly Candidate[], panic: boolean): boolean {
  if (!one.available && (!panic || one.drained === true)) return false;
  return tried.length === 0 || !tried.includes(one);
}

const effective = (one: Candidate): number => one.weight * (one.share ?? 1);
const loadOf = (one: Candidate): number => (one.inflight + one.streams + 1) / effective(one);

/** Whether the next candidate ends the search, is the best so far, or is passed over. */
type Verdict = 'take' | 'better' | 'pass';

/** Goes through the candidates from the turn on and compares each allowed one with the best so far. */
function inTurn(
  verdictOf: (one: Candidate, best: Candidate | undefined, panic: boolean, random: Random) => Verdict,
): PickPolicy {
  return (candidates, turn, tried, limit, random, panic) => {
    const count = candidates.length;
    let best = NOBODY;
    for (let step = 0; step < count; step += 1) {
      const at = (turn + step) % count;
      const one = candidates[at];
      if (!mayBeAsked(one, tried, panic)) continue;
      if (one.inflight >= limit) {
        if (best === NOBODY) best = ALL_BUSY;
        continue;
      }
      const verdict = verdictOf(one, best < 0 ? undefined : candidates[best], panic, random);
      if (verdict === 'take') return at;
      if (verdict === 'better') best = at;
    }
    return best;
  };
}

/** Draws `draws` candidates at random, each with a probability in proportion to its weight, and takes the less busy one. */
function byChance(draws: 1 | 2): PickPolicy {
  return (candidates, _turn, tried, limit, random, panic) => {
    let sum = 0;
    let busy = false;
    const may = (one: Candidate): boolean => one.inflight < limit && mayBeAsked(one, tried, panic);
    for (const one of candidates) {
      if (may(one)) sum += effective(one);
      else busy ||= mayBeAsked(one, tried, panic);
    }
    if (sum === 0) return busy ? ALL_BUSY : NOBODY;
    const draw = (without: number): number => {
      let left = random() * (without < 0 ? sum : sum - effective(candidates[without]));
      let last = without;
      for (let at = 0; at < candidates.length; at += 1) {
        if (at === without || !may(candidates[at])) continue;
        last = at;
        left -= effective(candidates[at]);
        if (left < 0) break;
      }
      return last;
    };
    const first = draw(-1);
    if (draws === 1) return first;
    const second = draw(first);
    return loadOf(candidates[second]) < loadOf(candidates[first]) ? second : first;
  };
}

const leastInflight = inTurn((one, best) => (best === undefined || loadOf(one) < loadOf(best) ? 'better' : 'pass'));

/** The function of each `balancer.policy`. A policy is added here and in the enum of the section's schema. */
const POLICIES: Readonly<Record<Policy, PickPolicy>> = {
  /** In turn; a candidate that warms up is skipped at random. */
  round_robin: inTurn((one, best, panic, random) => {
    if (panic || one.weight >= 1 || random() < one.weight) return 'take';
    return best === undefined ? 'better' : 'pass';
  }),
  /** The fewest requests per weight; equal candidates in turn. */
  least_inflight: leastInflight,
  /** At random alone: this needs no state that several workers would have to share. */
  weighted: byChance(1),
  /**
   * The power of two choices (Mitzenmacher): nearly as even as comparing all, and without all requests going to the
   * candidate that was least busy a moment ago.
   */
  two_choices: byChance(2),
  /** For requests that have no key to hash: the route's sticky choice comes before the policy. */
  consistent_hash: leastInflight,
};

/** One pass of a policy, for callers that decide about panic mode themselves. */
export function choose(
  policy: Policy,
  candidates: readonly Candidate[],
  turn: number,
  tried: readonly Candidate[],
  limit: number,
  random: Random,
  panic: boolean,
): number {
  return POLICIES[policy](candidates, turn, tried, limit, random, panic);
}

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
  const available = choose(policy, candidates, turn, tried, limit, random, false);
  return available === NOBODY ? choose(policy, candidates, turn, tried, limit, random, true) : available;
}

/** Share of load `sinceMs` after coming back: from a tenth, linearly, to all at `slowStartMs`. */
export function warmUpWeight(sinceMs: number, slowStartMs: number): number {
  if (slowStartMs <= 0 || sinceMs >= slowStartMs) return 1;
  return Math.max(0.1, sinceMs / slowStartMs);
}
