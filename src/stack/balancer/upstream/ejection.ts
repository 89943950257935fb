/**
 * Passive health as a pure step: how a request's outcome changes the standing of its upstream. Consecutive failures eject
 * the upstream for a time that grows with each ejection (after Envoy's outlier detection). At most a share of the route's
 * upstreams is ejected at a time, unless connections are refused: then no process listens, and asking it cannot help.
 */

export type FailureKind = 'refused' | 'timeout' | 'error';

export interface Standing {
  /** Consecutive failures, and whether all of them were refused connections. */
  readonly failures: number;
  readonly onlyRefused: boolean;
  /** Number of ejections so far; old ones are forgotten one at a time. */
  readonly times: number;
  /** Ejected until then (monotonic ms); 0 when not ejected. */
  readonly untilMs: number;
  /** When `times` last changed. */
  readonly changedMs: number;
}

export interface EjectionRules {
  readonly failures: number;
  readonly base: number;
  readonly max: number;
  readonly max_ratio: number;
}

export const GOOD_STANDING: Standing = { failures: 0, onlyRefused: true, times: 0, untilMs: 0, changedMs: 0 };
/** After this time without an ejection, one earlier ejection is forgotten. */
const FORGET_MS = 30_000;

export type Verdict = { readonly standing: Standing; readonly ejectedFor?: FailureKind };

/** `othersOut` of the `total` upstreams of the route are already out, without this one. */
export function afterFailure(
  before: Standing,
  kind: FailureKind,
  nowMs: number,
  rules: EjectionRules,
  othersOut: number,
  total: number,
): Verdict {
  const failures = before.failures + 1;
  const onlyRefused = (before.failures === 0 || before.onlyRefused) && kind === 'refused';
  const counted = { ...before, failures, onlyRefused };
  if (rules.failures === 0 || before.untilMs > 0 || failures < rules.failures) return { standing: counted };
  if (!onlyRefused && othersOut + 1 > total * rules.max_ratio) return { standing: counted };
  const times = before.times + 1;
  const untilMs = nowMs + Math.min(rules.max, rules.base * times);
  return { standing: { failures: 0, onlyRefused: true, times, untilMs, changedMs: nowMs }, ejectedFor: kind };
}

export function afterSuccess(before: Standing): Standing {
  return before.failures === 0 ? before : { ...before, failures: 0, onlyRefused: true };
}

/** Ends an ejection whose time is over and forgets an old one. Returns `before` itself when nothing changed. */
export function afterTime(before: Standing, nowMs: number): Standing {
  if (before.untilMs > 0) {
    return before.untilMs <= nowMs ? { ...before, untilMs: 0, changedMs: nowMs } : before;
  }
  if (before.times === 0 || nowMs - before.changedMs < FORGET_MS) return before;
  return { ...before, times: before.times - 1, changedMs: nowMs };
}
