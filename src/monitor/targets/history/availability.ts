/** Availability over any range, from runs and maintenance: exact to the millisecond, with the method in words. */
import { instantOf, localOf } from '../../../model/time/local-time.ts';
import type { Run, RunRules } from './runs.ts';

export interface Span {
  readonly fromMs: number;
  readonly toMs: number;
}

export interface Availability {
  readonly fromMs: number;
  readonly toMs: number;
  readonly upMs: number;
  readonly downMs: number;
  /** In maintenance, whatever the checks said. */
  readonly maintenanceMs: number;
  /** Nothing is known: no check was made. */
  readonly unknownMs: number;
  /** Outages that lie in the range or reach into it. */
  readonly outages: number;
  /** up / (up + down); null when both are zero. */
  readonly ratio: number | null;
}

export type MaintenanceRule = 'exclude' | 'count';

/** Joined and sorted. */
export function joinedSpans(spans: readonly Span[]): Span[] {
  const joined: { fromMs: number; toMs: number }[] = [];
  for (const { fromMs, toMs } of spans.toSorted((a, b) => a.fromMs - b.fromMs)) {
    const last = joined.at(-1);
    if (last !== undefined && fromMs <= last.toMs) last.toMs = Math.max(last.toMs, toMs);
    else if (toMs > fromMs) joined.push({ fromMs, toMs });
  }
  return joined;
}

/** Milliseconds of `run` that lie in the range and, of them, those in `spans` (joined). */
function overlap(run: Span, { fromMs, toMs }: Span, spans: readonly Span[]): { all: number; within: number } {
  const [from, to] = [Math.max(run.fromMs, fromMs), Math.min(run.toMs, toMs)];
  if (to <= from) return { all: 0, within: 0 };
  let within = 0;
  for (const span of spans) within += Math.max(0, Math.min(to, span.toMs) - Math.max(from, span.fromMs));
  return { all: to - from, within };
}

/** `runs`: sorted, without overlaps. `maintenance`: in any order. */
export function availability(
  runs: readonly Run[],
  maintenance: readonly Span[],
  range: Span,
  rule: MaintenanceRule = 'exclude',
): Availability {
  const spans = joinedSpans(rule === 'exclude' ? maintenance : []).filter(
    ({ fromMs, toMs }) => toMs > range.fromMs && fromMs < range.toMs,
  );
  let [upMs, downMs, outages] = [0, 0, 0];
  for (const run of runs) {
    if (run.state === 'unknown') continue;
    const { all, within } = overlap(run, range, spans);
    if (run.state === 'up') upMs += all - within;
    else {
      downMs += all - within;
      if (all - within > 0) outages += 1;
    }
  }
  const maintenanceMs = overlap(range, range, spans).within;
  const total = range.toMs - range.fromMs;
  return {
    ...range,
    upMs,
    downMs,
    maintenanceMs,
    unknownMs: total - maintenanceMs - upMs - downMs,
    outages,
    ratio: upMs + downMs === 0 ? null : upMs / (upMs + downMs),
  };
}

/**
 * Of each span those that touch it. `sorted` without overlaps, `spans` in order: one walk over both, however many there are.
 */
export function* touchingEach<T extends Span>(sorted: readonly T[], spans: readonly Span[]): Generator<readonly T[]> {
  let first = 0;
  for (const span of spans) {
    while (first < sorted.length && sorted[first].toMs <= span.fromMs) first += 1;
    let end = first;
    while (end < sorted.length && sorted[end].fromMs < span.toMs) end += 1;
    yield sorted.slice(first, end);
  }
}

/** Each span for itself; `runs` as above, `spans` in order. */
export function availabilityOfEach(
  runs: readonly Run[],
  maintenance: readonly Span[],
  spans: readonly Span[],
  rule: MaintenanceRule = 'exclude',
): Availability[] {
  const maintained = touchingEach(joinedSpans(maintenance), spans);
  const each = touchingEach(runs, spans);
  return spans.map((span) => availability(each.next().value ?? [], maintained.next().value ?? [], span, rule));
}

/** The accounting method in words, printed beside every figure. */
export function accountingText({ failures, successes, holdMs }: RunRules, rule: MaintenanceRule): string {
  const times = (count: number, what: string): string =>
    count === 1 ? `one ${what} check` : `${count} ${what} checks in a row`;
  return [
    `Down from the first of ${times(failures, 'failed')}, up from the first of ${times(successes, 'good')}.`,
    `A verdict holds until the next check, at most ${Math.round(holdMs / 1_000)} s; beyond that the state is unknown and counts neither way.`,
    rule === 'exclude' ? 'Maintenance counts neither way.' : 'Maintenance counts as any other time.',
    'Availability is time up / (time up + time down).',
  ].join(' ');
}

export const CALENDAR_UNITS = ['hour', 'day', 'week', 'month', 'year'] as const;
export type CalendarUnit = (typeof CALENDAR_UNITS)[number];

const HOUR_MS = 3_600_000;
const MAX_STEPS = 10_000;

/** The local time at which the unit of the calendar that holds `localMs` begins, or the one that is `later` units after it. */
function unitStart(localMs: number, unit: Exclude<CalendarUnit, 'hour'>, later: number): number {
  const at = new Date(localMs);
  const [year, month, day] = [at.getUTCFullYear(), at.getUTCMonth(), at.getUTCDate()];
  if (unit === 'day') return Date.UTC(year, month, day + later);
  if (unit === 'month') return Date.UTC(year, month + later);
  if (unit === 'year') return Date.UTC(year + later, 0);
  // Weeks begin on Monday (ISO 8601).
  return Date.UTC(year, month, day - ((at.getUTCDay() + 6) % 7) + 7 * later);
}

/**
 * Whole units of the zone's calendar that touch the range, oldest first; the first and the last are cut at its ends. Throws
 * RangeError for a zone that does not exist.
 */
export function calendarSpans({ fromMs, toMs }: Span, unit: CalendarUnit, zone: string): Span[] {
  const spans: Span[] = [];
  let local = localOf(fromMs, zone);
  let at = Math.floor(fromMs / HOUR_MS) * HOUR_MS;
  if (unit !== 'hour') {
    local = unitStart(local, unit, 0);
    at = instantOf(local, zone);
  }
  while (at < toMs && spans.length < MAX_STEPS) {
    let next = at + HOUR_MS;
    if (unit !== 'hour') {
      local = unitStart(local, unit, 1);
      next = instantOf(local, zone);
    }
    spans.push({ fromMs: Math.max(at, fromMs), toMs: Math.min(next, toMs) });
    at = next;
  }
  return spans;
}
