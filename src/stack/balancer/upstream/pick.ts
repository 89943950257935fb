/**
 * Which upstream gets the request. Pure: candidates and a turn in, an index out, so every policy is tested by arithmetic.
 * Only available candidates are used. When none is available, all are tried (panic mode): one may still answer, and a 503
 * would be certain.
 */
import type { Random } from '../../../base/random.ts';
import type { Policy } from '../options/route-options.ts';

export interface Candidate {
  /** Neither down nor ejected. */
  readonly available: boolean;
  /** Requests it is working on. */
  readonly inflight: number;
  /** Event streams and tunnels that are open: load to be spread, but no work that a limit could hold back. */
  readonly streams: number;
  /** Share of its full load it may get, in (0, 1]: below 1 while it warms up. */
  readonly weight: number;
  /** Configured weight beside the others; 1 when nothing is said. */
  readonly share?: number;
  /** Taken out by hand: not even asked when no other is available. */
  readonly drained?: boolean;
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

function mayBeAsked(one: Candidate, tried: readonly Candidate[], panic: boolean): boolean {
  if (!one.available && (!panic || one.drained === true)) return false;
  return tried.length === 0 || !tried.includes(one);
}

/** One pass over the candidates. `panic`: the unavailable ones are asked too. */
export function choose(
  policy: Policy,
  candidates: readonly Candidate[],
  turn: number,
  tried: readonly Candidate[],
  limit: number,
  random: Random,
  panic: boolean,
): number {
  if (policy === 'weighted' || policy === 'two_choices')
    return chooseByChance(policy, candidates, tried, limit, random, panic);
  const count = candidates.length;
  let best = NOBODY;
  let bestLoad = Infinity;
  for (let step = 0; step < count; step += 1) {
    const at = (turn + step) % count;
    const one = candidates[at];
    if (!mayBeAsked(one, tried, panic)) continue;
    if (one.inflight >= limit) {
      if (best === NOBODY) best = ALL_BUSY;
      continue;
    }
    if (policy !== 'round_robin') {
      const load = (one.inflight + one.streams + 1) / effective(one);
      if (load >= bestLoad) continue;
      best = at;
      bestLoad = load;
    } else if (panic || one.weight >= 1 || random() < one.weight) return at;
    else if (best < 0) best = at;
  }
  return best;
}

const effective = (one: Candidate): number => one.weight * (one.share ?? 1);

/**
 * `weighted`: each by chance, as its weight is to all weights; needs no state that several workers would have to share.
 * `two_choices`: the less busy of two taken so (Mitzenmacher's power of two choices): nearly as even as knowing all, and no
 * herd runs to the one that was least busy a moment ago.
 */
function chooseByChance(
  policy: 'weighted' | 'two_choices',
  candidates: readonly Candidate[],
  tried: readonly Candidate[],
  limit: number,
  random: Random,
  panic: boolean,
): number {
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
  if (policy === 'weighted') return first;
  const second = draw(first);
  const load = (at: number): number =>
    (candidates[at].inflight + candidates[at].streams + 1) / effective(candidates[at]);
  return load(second) < load(first) ? second : first;
}

/** Share of load `sinceMs` after coming back: from a tenth, linearly, to all at `slowStartMs`. */
export function warmUpWeight(sinceMs: number, slowStartMs: number): number {
  if (slowStartMs <= 0 || sinceMs >= slowStartMs) return 1;
  return Math.max(0.1, sinceMs / slowStartMs);
}
