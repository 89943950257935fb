import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  accountingText,
  availability,
  availabilityOfEach,
  calendarSpans,
  joinedSpans,
} from '../../../../src/monitor/targets/history/availability.ts';
import {
  NO_CHECKS,
  presentRun,
  stateAt,
  withCheck,
  type Run,
  type RunRules,
  type UpState,
} from '../../../../src/monitor/targets/history/runs.ts';

const RULES: RunRules = { holdMs: 70_000, failures: 2, successes: 1 };

interface Check {
  readonly t: number;
  readonly ok: boolean;
}

function runsOf(checks: readonly Check[], rules: RunRules, nowMs: number): Run[] {
  let state = NO_CHECKS;
  const runs: Run[] = [];
  for (const { t, ok } of checks) {
    const { next, ended } = withCheck(state, t, ok, rules);
    state = next;
    runs.push(...ended);
  }
  const present = presentRun(state, nowMs);
  return present === undefined ? runs : [...runs, present];
}

/** The state of each second by the words of the method, with no memory of runs: an independent second implementation. */
function bySecond(checks: readonly Check[], { holdMs, failures, successes }: RunRules, seconds: number): UpState[] {
  const states = Array.from({ length: seconds }, (): UpState => 'unknown');
  let state: 'up' | 'down' | undefined;
  let streak: Check[] = [];
  for (const [at, check] of checks.entries()) {
    const before = checks[at - 1];
    if (before !== undefined && check.t - before.t > holdMs) streak = [];
    const said = check.ok ? 'up' : 'down';
    const needed = said === 'down' ? failures : state === undefined ? 1 : successes;
    if (said === state) streak = [];
    else streak.push(check);
    const from = check.t;
    const to = Math.min(checks[at + 1]?.t ?? Infinity, from + holdMs);
    if (streak.length >= needed) {
      state = said;
      // The checks that led here count from the first of them.
      for (const one of streak.slice(0, -1)) {
        const next = checks[checks.indexOf(one) + 1].t;
        for (let s = one.t / 1_000; s < next / 1_000 && s < seconds; s += 1) states[s] = said;
      }
      streak = [];
    }
    for (let s = from / 1_000; s < to / 1_000 && s < seconds; s += 1) states[s] = state ?? 'unknown';
  }
  return states;
}

test('runs are what the words of the method say, second by second', () => {
  const steps = fc.array(fc.record({ gap: fc.integer({ min: 1, max: 120 }), ok: fc.boolean() }), { maxLength: 60 });
  const rules = fc.record({
    holdMs: fc.integer({ min: 20, max: 90 }).map((seconds) => seconds * 1_000),
    failures: fc.integer({ min: 1, max: 4 }),
    successes: fc.integer({ min: 1, max: 3 }),
  });
  fc.assert(
    fc.property(steps, rules, (gaps, one) => {
      let t = 0;
      const checks = gaps.map(({ gap, ok }) => ({ t: (t += gap * 1_000), ok }));
      const end = t / 1_000 + 200;
      const states = bySecond(checks, one, end);
      const runs = runsOf(checks, one, end * 1_000);
      const found = states.map((_, second) => {
        const run = runs.find(({ fromMs, toMs }) => fromMs <= second * 1_000 && second * 1_000 < toMs);
        return run?.state ?? 'unknown';
      });
      expect(found).toEqual(states);
      const count = (state: UpState): number => states.filter((each) => each === state).length * 1_000;
      const figure = availability(runs, [], { fromMs: 0, toMs: end * 1_000 });
      expect([figure.upMs, figure.downMs, figure.unknownMs]).toEqual([count('up'), count('down'), count('unknown')]);
    }),
    { numRuns: 300 },
  );
});

test('a check that is not newer changes nothing, and after the hold time nothing is known', () => {
  const { next } = withCheck(NO_CHECKS, 1_000, true, RULES);
  expect(withCheck(next, 1_000, false, RULES)).toEqual({ next, ended: [] });
  expect(stateAt(next, 60_000)).toBe('up');
  expect(stateAt(next, 80_000)).toBe('unknown');
  expect(stateAt(NO_CHECKS, 0)).toBe('unknown');
});

describe('a scripted year', () => {
  const at = (text: string): number => Date.parse(text);
  const year = { fromMs: at('2026-01-01T00:00:00+01:00'), toMs: at('2027-01-01T00:00:00+01:00') };
  /** Outages in local time of Berlin: over midnight, over both changes of the clock, in maintenance, a short one. */
  const outages = [
    [at('2026-02-10T23:50:00+01:00'), at('2026-02-11T00:20:00+01:00')],
    [at('2026-03-29T01:30:00+01:00'), at('2026-03-29T03:30:00+02:00')],
    [at('2026-10-25T01:30:00+02:00'), at('2026-10-25T03:30:00+01:00')],
    [at('2026-06-01T10:00:00+02:00'), at('2026-06-01T12:00:00+02:00')],
    [at('2026-12-31T23:59:00+01:00'), at('2027-01-01T00:10:00+01:00')],
  ] as const;
  const maintenance = [{ fromMs: at('2026-06-01T11:00:00+02:00'), toMs: at('2026-06-01T13:00:00+02:00') }];
  /** The monitor itself was away. */
  const gaps = [[at('2026-08-01T00:00:00+02:00'), at('2026-08-02T12:00:00+02:00')]] as const;
  const EVERY = 60_000;
  const rules: RunRules = { holdMs: 2 * EVERY, failures: 2, successes: 1 };
  let state = NO_CHECKS;
  const runs: Run[] = [];
  for (let t = year.fromMs; t < year.toMs + 86_400_000; t += EVERY) {
    if (gaps.some(([from, to]) => t >= from && t < to)) continue;
    // Restarts of the monitor: the state goes through JSON, as it is stored.
    if (t % 86_400_000 === 0) state = { ...NO_CHECKS, ...(JSON.parse(JSON.stringify(state)) as typeof state) };
    const ok = !outages.some(([from, to]) => t >= from && t < to);
    const { next, ended } = withCheck(state, t, ok, rules);
    state = next;
    runs.push(...ended);
  }
  const present = presentRun(state, year.toMs + 86_400_000);
  if (present !== undefined) runs.push(present);
  const minutes = (ms: number): number => ms / 60_000;

  test('equals the figures by hand, to the second', () => {
    const figure = availability(runs, maintenance, year);
    // 30 + 60 (an hour is skipped) + 180 (an hour comes twice) + 60 before the maintenance + 1 of the last outage.
    expect(minutes(figure.downMs)).toBe(30 + 60 + 180 + 60 + 1);
    expect(minutes(figure.maintenanceMs)).toBe(120);
    // The last verdict before the gap held for two minutes, one interval longer than the next check.
    expect(minutes(figure.unknownMs)).toBe(36 * 60 - 1);
    expect(minutes(figure.upMs)).toBe(365 * 1_440 - 331 - 120 - (36 * 60 - 1));
    expect(figure.outages).toBe(5);
    expect(figure.ratio).toBe(figure.upMs / (figure.upMs + figure.downMs));
    const counted = availability(runs, maintenance, year, 'count');
    expect(minutes(counted.downMs)).toBe(30 + 60 + 180 + 120 + 1);
    expect(counted.maintenanceMs).toBe(0);
  });

  test('days, weeks, months and the year of the zone add up, and days have 23 to 25 hours', () => {
    const whole = availability(runs, maintenance, year);
    for (const unit of ['hour', 'day', 'week', 'month', 'year'] as const) {
      const spans = calendarSpans(year, unit, 'Europe/Berlin');
      const parts = spans.map((span) => availability(runs, maintenance, span));
      const sum = (field: 'upMs' | 'downMs' | 'unknownMs'): number => parts.reduce((all, one) => all + one[field], 0);
      expect([sum('upMs'), sum('downMs'), sum('unknownMs')]).toEqual([whole.upMs, whole.downMs, whole.unknownMs]);
    }
    const days = calendarSpans(year, 'day', 'Europe/Berlin');
    expect(days).toHaveLength(365);
    const hours = days.map(({ fromMs, toMs }) => (toMs - fromMs) / 3_600_000);
    expect(hours.filter((one) => one === 23)).toHaveLength(1);
    expect(hours.filter((one) => one === 25)).toHaveLength(1);
    const months = calendarSpans(year, 'month', 'Europe/Berlin');
    expect(months).toHaveLength(12);
    const february = availability(runs, maintenance, months[1]);
    expect(minutes(february.downMs)).toBe(30);
    const tenth = days.find(({ fromMs }) => fromMs === at('2026-02-10T00:00:00+01:00'));
    expect(tenth && minutes(availability(runs, maintenance, tenth).downMs)).toBe(10);
    expect(calendarSpans(year, 'week', 'Europe/Berlin')[1].fromMs).toBe(at('2026-01-05T00:00:00+01:00'));
  });
});

test('many spans in one walk are what each is for itself', () => {
  const lengths = fc.array(fc.integer({ min: 0, max: 50 }), { maxLength: 40 });
  const states = fc.array(fc.constantFrom<UpState>('up', 'down'), { minLength: 40, maxLength: 40 });
  /** Spans one after the other, with gaps: of two lengths the first is a gap. */
  const laid = (given: readonly number[]) => {
    let at = 0;
    return given.flatMap((length, n) => {
      const fromMs = at;
      at += length;
      return n % 2 === 1 && length > 0 ? [{ fromMs, toMs: at }] : [];
    });
  };
  fc.assert(
    fc.property(lengths, lengths, lengths, states, (ofRuns, ofSpans, ofMaintenance, said) => {
      const runs = laid(ofRuns).map((span, n): Run => ({ ...span, state: said[n] }));
      const [spans, maintained] = [laid(ofSpans), laid(ofMaintenance)];
      for (const rule of ['exclude', 'count'] as const) {
        expect(availabilityOfEach(runs, maintained, spans, rule)).toEqual(
          spans.map((span) => availability(runs, maintained, span, rule)),
        );
      }
    }),
    { numRuns: 300 },
  );
});

test('nothing is known of a range without checks', () => {
  const figure = availability([], [], { fromMs: 0, toMs: 1_000 });
  expect(figure).toMatchObject({ ratio: null, unknownMs: 1_000, outages: 0 });
});

test('spans are joined, and the method is said in words', () => {
  expect(
    joinedSpans([
      { fromMs: 5, toMs: 9 },
      { fromMs: 0, toMs: 5 },
      { fromMs: 20, toMs: 20 },
    ]),
  ).toEqual([{ fromMs: 0, toMs: 9 }]);
  expect(accountingText(RULES, 'exclude')).toBe(
    'Down from the first of 2 failed checks in a row, up from the first of one good check. A verdict holds until the next check, at most 70 s; beyond that the state is unknown and counts neither way. Maintenance counts neither way. Availability is time up / (time up + time down).',
  );
  expect(accountingText(RULES, 'count')).toContain('Maintenance counts as any other time.');
});
