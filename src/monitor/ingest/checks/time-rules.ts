/**
 * The accepted times: not before 2000, not more than ten minutes ahead. A wrong unit is the usual cause of an impossible
 * time, so the refusal names the unit that was probably used.
 */
import type { RejectReason } from '../../../model/ports.ts';

/** 2000-01-01T00:00:00Z. Older times are a counter, a zero or a time in another unit. */
const EARLIEST_MS = 946_684_800_000;
const NEAR_MS = 10 * 365 * 86_400_000;
const LARGEST_MS = 8.64e15;

export interface TimeRules {
  /** How far ahead of the clock a time may be. Default 10 minutes. */
  readonly maxAheadMs: number;
  /** Test suites write at the epoch and in the far future: in this mode any finite time is accepted. */
  readonly anyTime: boolean;
}

export interface TimeRefusal {
  readonly reason: RejectReason;
  readonly message: string;
}

/** The reason why `timeMs` is refused, or undefined. `sentUnit` is the unit the protocol prescribes. */
export function refuseTime(
  timeMs: number,
  nowMs: number,
  rules: TimeRules,
  sentUnit: 'nanoseconds' | 'milliseconds' | 'seconds',
): TimeRefusal | undefined {
  if (rules.anyTime) {
    return Number.isFinite(timeMs) ? undefined : { reason: 'invalid', message: 'the time is not a number' };
  }
  if (timeMs >= EARLIEST_MS && timeMs <= nowMs + rules.maxAheadMs) return undefined;
  if (!(timeMs > 0)) {
    return { reason: 'invalid', message: `the time ${timeMs} ms is not after 1970; ${sentUnit} are expected` };
  }
  const meant = probableUnit(timeMs, nowMs, sentUnit);
  const hint = meant === undefined ? '' : `; it looks like ${meant}, but ${sentUnit} are expected`;
  const written = timeMs <= LARGEST_MS ? new Date(timeMs).toISOString() : `${timeMs} ms`;
  if (timeMs < EARLIEST_MS) return { reason: 'invalid', message: `the time ${written} lies before 2000${hint}` };
  const ahead = `more than ${Math.round(rules.maxAheadMs / 60_000)} minutes ahead`;
  return { reason: 'too_far_ahead', message: `the time ${written} is ${ahead}${hint}` };
}

const UNITS = ['nanoseconds', 'microseconds', 'milliseconds', 'seconds'] as const;

/** The unit in which the same digits would be a time within ten years of now. */
function probableUnit(timeMs: number, nowMs: number, sentUnit: (typeof UNITS)[number]): string | undefined {
  const sent = UNITS.indexOf(sentUnit);
  return UNITS.find((unit, at) => unit !== sentUnit && Math.abs(timeMs * 1000 ** (at - sent) - nowMs) < NEAR_MS);
}
