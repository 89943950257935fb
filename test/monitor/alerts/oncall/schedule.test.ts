/** Schedules on the clock on the wall: rotations, hours, overrides, and the two nights on which clocks change. */
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { onCallAt, shiftsFrom, type Rotation, type Schedule } from '../../../../src/monitor/alerts/oncall/schedule.ts';
import { parseTime } from '../../../../src/monitor/alerts/oncall/wall-clock.ts';
import { instantOf, localOf } from '../../../../src/model/time/local-time.ts';

const BERLIN = 'Europe/Berlin';
const HOUR = 3_600_000;
const DAY = 24 * HOUR;
const at = (text: string, zone = BERLIN): number => parseTime(text, zone) ?? Number.NaN;
const utc = (ms: number | undefined): string => (ms === undefined ? 'never' : new Date(ms).toISOString());

const weekly = (more: Partial<Rotation> = {}): Rotation => ({
  people: ['ann', 'bob'],
  everyMs: 7 * DAY,
  startsAtMs: at('2026-03-01T09:00'),
  ...more,
});
const schedule = (rotations: readonly Rotation[], overrides: Schedule['overrides'] = []): Schedule => ({
  name: 'primary',
  zone: BERLIN,
  rotations,
  overrides,
});
const who = (one: Schedule, text: string): string | undefined => onCallAt(one, at(text)).person;

describe('the clock on the wall', () => {
  it('finds the instant of a local time, also of one that comes twice or never', () => {
    expect(utc(at('2026-01-10T12:00'))).toBe('2026-01-10T11:00:00.000Z');
    expect(utc(at('2026-07-10T12:00'))).toBe('2026-07-10T10:00:00.000Z');
    expect(utc(at('2026-10-25T02:30'))).toBe('2026-10-25T00:30:00.000Z');
    expect(utc(at('2026-03-29T02:30'))).toBe('2026-03-29T01:30:00.000Z');
    expect(utc(at('2026-03-29T02:30Z'))).toBe('2026-03-29T02:30:00.000Z');
    expect(utc(at('2026-03-29'))).toBe('2026-03-28T23:00:00.000Z');
    expect(parseTime('tomorrow', BERLIN)).toBeUndefined();
    expect(parseTime('2026-13-40T99:00', BERLIN)).toBeUndefined();
  });

  it('is its own inverse, but for the hour that comes twice', () => {
    const zones = ['UTC', BERLIN, 'America/New_York', 'Australia/Lord_Howe', 'Asia/Kathmandu'];
    fc.assert(
      fc.property(fc.constantFrom(...zones), fc.integer({ min: 0, max: 700_000 }), (zone, minutes) => {
        const ms = Date.UTC(2026, 0, 1) + minutes * 60_000;
        const back = instantOf(localOf(ms, zone), zone);
        expect(ms - back).toBeGreaterThanOrEqual(0);
        expect(ms - back).toBeLessThanOrEqual(HOUR);
        expect(localOf(back, zone)).toBe(localOf(ms, zone));
      }),
    );
  });
});

describe('rotations', () => {
  it('hand over at the same time of day on both sides of a change of clocks', () => {
    const one = schedule([weekly()]);
    expect(who(one, '2026-03-01T08:59')).toBeUndefined();
    expect(who(one, '2026-03-01T09:00')).toBe('ann');
    // Clocks are set forward on 29 March.
    expect(who(one, '2026-03-29T08:59:59')).toBe('bob');
    expect(who(one, '2026-03-29T09:00')).toBe('ann');
    const shifts = shiftsFrom(one, at('2026-03-22T09:00'), 3);
    expect(shifts.map(({ person, toMs }) => [person, utc(toMs)])).toEqual([
      ['bob', '2026-03-29T07:00:00.000Z'],
      ['ann', '2026-04-05T07:00:00.000Z'],
      ['bob', '2026-04-12T07:00:00.000Z'],
    ]);
    expect((shifts[0].toMs ?? 0) - shifts[0].fromMs).toBe(7 * DAY - HOUR);
  });

  it('hand over once in the hour that comes twice, and after the hour that is left out', () => {
    const nightly = schedule([weekly({ everyMs: DAY, startsAtMs: at('2026-10-20T02:30'), people: ['a', 'b', 'c'] })]);
    // 02:30 comes at 00:30Z and at 01:30Z: the first one counts, and the second one changes nothing.
    const people = [0, 29, 30, 59, 75, 89, 90, 150].map(
      (minutes) => onCallAt(nightly, Date.UTC(2026, 9, 25, 0, minutes)).person,
    );
    expect(people).toEqual(['b', 'b', 'c', 'c', 'c', 'c', 'c', 'c']);
    const spring = schedule([weekly({ everyMs: DAY, startsAtMs: at('2026-03-27T02:30'), people: ['a', 'b', 'c'] })]);
    expect(shiftsFrom(spring, at('2026-03-28T12:00'), 2).map(({ person, toMs }) => [person, utc(toMs)])).toEqual([
      ['b', '2026-03-29T01:30:00.000Z'],
      ['c', '2026-03-30T00:30:00.000Z'],
    ]);
  });

  it('give to exactly one person at any time, and the shifts join without a gap', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 60 }), fc.integer({ min: 0, max: 500 * 24 }), (hours, offset) => {
        const one = schedule([weekly({ everyMs: hours * HOUR, people: ['a', 'b', 'c'] })]);
        const ms = at('2026-03-01T09:00') + offset * HOUR;
        const shifts = shiftsFrom(one, ms, 4);
        for (const [i, shift] of shifts.entries()) {
          const end = shift.toMs ?? Number.NaN;
          expect(end).toBeGreaterThan(shift.fromMs);
          expect(onCallAt(one, end - 1).person).toBe(shift.person);
          if (i > 0) expect(shift.fromMs).toBe(shifts[i - 1].toMs);
        }
      }),
      { numRuns: 40 },
    );
  });

  it('keep to days and hours, over midnight too, and leave the rest to the next rotation', () => {
    const office = { days: [1, 2, 3, 4, 5], fromMinute: 9 * 60, toMinute: 17 * 60 };
    const night = { days: [5], fromMinute: 22 * 60, toMinute: 6 * 60 };
    const one = schedule([
      weekly({ people: ['day'], hours: office }),
      weekly({ people: ['friday-night'], hours: night }),
    ]);
    expect(who(one, '2026-06-05T08:59')).toBeUndefined();
    expect(who(one, '2026-06-05T09:00')).toBe('day');
    expect(who(one, '2026-06-05T17:00')).toBeUndefined();
    expect(who(one, '2026-06-05T22:00')).toBe('friday-night');
    expect(who(one, '2026-06-06T05:59')).toBe('friday-night');
    expect(who(one, '2026-06-06T06:00')).toBeUndefined();
    const shifts = shiftsFrom(one, at('2026-06-05T12:00'), 5);
    expect(shifts.map(({ person }) => person ?? 'nobody')).toEqual(['day', 'nobody', 'friday-night', 'nobody', 'day']);
  });

  it('stand back for overrides, the last of which counts', () => {
    const overrides = [
      { person: 'cem', fromMs: at('2026-03-02T18:00'), toMs: at('2026-03-03T09:00') },
      { person: 'dan', fromMs: at('2026-03-02T20:00'), toMs: at('2026-03-02T21:00') },
    ];
    const one = schedule([weekly()], overrides);
    expect(['17:59', '18:00', '20:30', '21:00'].map((time) => who(one, `2026-03-02T${time}`))).toEqual([
      'ann',
      'cem',
      'dan',
      'cem',
    ]);
    expect(shiftsFrom(schedule([weekly({ people: ['only'] })]), at('2026-03-02'), 3)).toMatchObject([
      { person: 'only' },
    ]);
    expect(onCallAt(one, at('2026-03-02T18:00')).why).toBe('an override in primary');
  });
});
