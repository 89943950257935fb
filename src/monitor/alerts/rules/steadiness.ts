/**
 * Whether a group can judge its rules at a tick. After a pause (the store kept nothing) and after a step of the clock there
 * is a hole in every series: an empty result then says nothing about the condition. Nothing is judged until ranges as long
 * as the hole are filled again, at most for a minute, which is the usual interval of senders. Distances between ticks are
 * those of the monotonic clock.
 */

const SETTLE_MS = 60_000;
/** A shorter step leaves a hole as long as a late collection does. */
const STEP_MIN_MS = 2_000;

export interface Judgement {
  /** Undefined: rules are judged. */
  readonly paused: string | undefined;
  /** True when the hole is in the store only, so that figures in memory have none. */
  readonly inStore: boolean;
  /** How far the clock went beyond the time that passed; 0 but for steps. */
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

  /** `nowMs` and `monotonicMs`: both clocks at the tick; `paused`: why the store cannot be asked now. */
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
    // A step smaller than a second is the resolution of ticks and of a clock that is slowed down.
    const shown = Math.abs(stepMs) < 1_000 ? 0 : stepMs;
    return { paused: reason, inStore: this.#settling?.inStore === true, stepMs: Math.max(0, shown), missed };
  }

  /** Goes on where the same group of a former configuration was. */
  adopt(former: Steadiness): void {
    this.#last = former.#last;
    this.#settling = former.#settling;
  }
}

const whySettling = (inStore: boolean): string =>
  inStore
    ? 'the store has kept samples again for less than a minute'
    : 'the clock was set forward less than a minute ago';
