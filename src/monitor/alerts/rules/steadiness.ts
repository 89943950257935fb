/**
 * Decides whether a group can judge its rules at a tick. After a pause (the store kept no samples) and after a step of the
 * clock, every series has a gap, so an empty result says nothing about the condition. No rule is judged until ranges as long
 * as the gap are filled with samples again. This takes at most a minute, which is the usual interval of senders. Distances
 * between ticks are measured on the monotonic clock.
 */

const SETTLE_MS = 60_000;
/** A shorter step leaves a gap no longer than that of a late collection. */
const STEP_MIN_MS = 2_000;

export interface Judgement {
  /** Undefined when rules are judged. */
  readonly paused: string | undefined;
  /** True when the gap is in the store only, so that figures in memory have no gap. */
  readonly inStore: boolean;
  /** How far the clock moved beyond the time that passed; 0 except after a step. */
  readonly stepMs: number;
  /** Ticks that should have been between this one and the last. */
  readonly missed: number;
}

export class Steadiness {
  readonly #intervalMs: number;
  #last: { readonly nowMs: number; readonly monotonicMs: number } | undefined;
  #settling: { readonly untilMs: number; readonly inStore: boolean } | undefined;

  constructor(intervalMs: number) {
    this.#intervalMs = intervalMs;
  }

  /** `nowMs` and `monotonicMs`: both clocks at the tick. `paused`: the reason why the store cannot be queried now. */
  judge(nowMs: number, monotonicMs: number, paused: string | undefined): Judgement {
    const last = this.#last;
    this.#last = { nowMs, monotonicMs };
    const distanceMs = last === undefined ? this.#intervalMs : monotonicMs - last.monotonicMs;
    const stepMs = last === undefined ? 0 : nowMs - last.nowMs - distanceMs;
    const missed = Math.max(0, Math.round(distanceMs / this.#intervalMs) - 1);
    const stepped = stepMs >= Math.max(STEP_MIN_MS, 2 * this.#intervalMs);
    const settleMs = Math.min(SETTLE_MS, 2 * (stepMs + this.#intervalMs));
    if (stepped) this.#settling = { untilMs: monotonicMs + settleMs, inStore: false };
    if (paused !== undefined && this.#settling?.inStore !== false)
      this.#settling = { untilMs: monotonicMs + SETTLE_MS, inStore: true };
    if (paused === undefined && this.#settling !== undefined && monotonicMs >= this.#settling.untilMs)
      this.#settling = undefined;
    const reason = this.#settling === undefined ? undefined : (paused ?? whySettling(this.#settling.inStore));
    // A difference below a second comes from the resolution of ticks, or from a clock that is being slowed down.
    const shown = Math.abs(stepMs) < 1_000 ? 0 : stepMs;
    return { paused: reason, inStore: this.#settling?.inStore === true, stepMs: Math.max(0, shown), missed };
  }

  /** Continues from the state of the same group of a former configuration. */
  adopt(former: Steadiness): void {
    this.#last = former.#last;
    this.#settling = former.#settling;
  }
}

const whySettling = (inStore: boolean): string =>
  inStore
    ? 'the store has kept samples again for less than a minute'
    : 'the clock was set forward less than a minute ago';
