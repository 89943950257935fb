/**
 * Runs: the times during which a target was up, down, or not known, made of its checks. They are all that availability needs, and
 * few: a target that is always up has one run, so runs are kept for years where single checks are not, and no outage is lost.
 *
 * The rules, which `ACCOUNTING` says to people:
 * - a check's verdict holds until the next check, at most for `holdMs`; after that nothing is known;
 * - a target is down from the first of `failures` failed checks in a row, and up again from the first of `successes` good ones;
 * - after a time of which nothing is known, the former state is taken up again with the first check.
 */

export type UpState = 'up' | 'down' | 'unknown';

export interface Run {
  /** Inclusive. */
  readonly fromMs: number;
  /** Exclusive. */
  readonly toMs: number;
  readonly state: UpState;
}

export interface RunRules {
  /** A verdict holds for this long: twice the interval and the time-out. */
  readonly holdMs: number;
  readonly failures: number;
  readonly successes: number;
}

/** The state between two checks; plain JSON, stored with the checks. */
export interface RunState {
  readonly state: 'up' | 'down' | undefined;
  /** Begin of the present run; undefined before the first decided one. */
  readonly fromMs: number | undefined;
  readonly lastMs: number | undefined;
  /** The verdict of the last check held until then. */
  readonly heldMs: number;
  /** First check that contradicts the state, and how many there are. */
  readonly contraryMs: number | undefined;
  readonly contrary: number;
}

export const NO_CHECKS: RunState = {
  state: undefined,
  fromMs: undefined,
  lastMs: undefined,
  heldMs: 0,
  contraryMs: undefined,
  contrary: 0,
};

export interface Step {
  readonly next: RunState;
  /** Runs that ended, in order. */
  readonly ended: readonly Run[];
}

/** The run that ends at `toMs`, if it has begun before. */
const ending = ({ state, fromMs }: RunState, toMs: number): Run[] =>
  state !== undefined && fromMs !== undefined && toMs > fromMs ? [{ fromMs, toMs, state }] : [];

/** After a time without checks the former state goes on, but checks before it decide nothing any more. */
function afterGap(before: RunState, timeMs: number): Step {
  if (before.lastMs === undefined || timeMs <= before.heldMs) return { next: before, ended: [] };
  const fromMs = before.state === undefined ? undefined : timeMs;
  return { next: { ...before, fromMs, contraryMs: undefined, contrary: 0 }, ended: ending(before, before.heldMs) };
}

/** Contrary checks that decide. Before the first decision a good check decides at once. */
const neededFor = (said: 'up' | 'down', state: RunState['state'], { failures, successes }: RunRules): number =>
  said === 'down' ? failures : state === undefined ? 1 : successes;

/** What one more check makes of the runs. Pure. A check that is not newer than the last one changes nothing. */
export function withCheck(before: RunState, timeMs: number, success: boolean, rules: RunRules): Step {
  if (before.lastMs !== undefined && timeMs <= before.lastMs) return { next: before, ended: [] };
  const { next: now, ended } = afterGap(before, timeMs);
  const seen = { lastMs: timeMs, heldMs: timeMs + rules.holdMs };
  const said = success ? 'up' : 'down';
  if (said === now.state) return { next: { ...now, ...seen, contraryMs: undefined, contrary: 0 }, ended };
  const contraryMs = now.contraryMs ?? timeMs;
  const contrary = now.contrary + 1;
  if (contrary < neededFor(said, now.state, rules)) return { next: { ...now, ...seen, contraryMs, contrary }, ended };
  const next = { ...seen, state: said, fromMs: contraryMs, contraryMs: undefined, contrary: 0 } as const;
  return { next, ended: [...ended, ...ending(now, contraryMs)] };
}

/** The run that has not ended, up to `nowMs`. */
export function presentRun({ state, fromMs, heldMs }: RunState, nowMs: number): Run | undefined {
  if (state === undefined || fromMs === undefined) return undefined;
  const toMs = Math.min(heldMs, Math.max(nowMs, fromMs));
  return toMs > fromMs ? { fromMs, toMs, state } : undefined;
}

/** The state at `nowMs`: unknown when no check was made for too long. */
export const stateAt = ({ state, heldMs }: RunState, nowMs: number): UpState =>
  state === undefined || nowMs > heldMs ? 'unknown' : state;
