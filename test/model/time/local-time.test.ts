/** Local time of zones, beside the fields that Intl itself formats. */
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { instantOf, isTimeZone, localOf, zoneOffsetMs } from '../../../src/model/time/local-time.ts';

const MINUTE = 60_000;
const ZONES = [
  'UTC',
  'Europe/Berlin',
  'America/New_York',
  'America/St_Johns',
  'Asia/Kathmandu',
  'Australia/Lord_Howe',
  'Pacific/Apia',
];
const utc = (ms: number): string => new Date(ms).toISOString();
const instant = (text: string, zone: string): string => utc(instantOf(Date.parse(`${text}Z`), zone));

function formatted(ms: number, timeZone: string): string {
  const style = { dateStyle: 'short', timeStyle: 'medium' } as const;
  return new Intl.DateTimeFormat('sv-SE', { ...style, timeZone }).format(ms).replace(' ', 'T');
}

describe('local time', () => {
  it('is the one that Intl formats, and leads back to the first instant that shows it', () => {
    const seconds = fc.integer({ min: 0, max: Date.UTC(2060, 0) / 1_000 });
    fc.assert(
      fc.property(fc.constantFrom(...ZONES), seconds, (zone, second) => {
        const local = localOf(second * 1_000, zone);
        expect(utc(local).slice(0, 19)).toBe(formatted(second * 1_000, zone));
        const back = instantOf(local, zone);
        expect(back).toBeLessThanOrEqual(second * 1_000);
        expect(localOf(back, zone)).toBe(local);
      }),
      { numRuns: 500 },
    );
  });

  it('is moved on by a jump of the clock, by the half hour too, and taken first when it comes twice', () => {
    expect(instant('2026-03-29T02:30:00', 'Europe/Berlin')).toBe('2026-03-29T01:30:00.000Z');
    expect(instant('2026-10-25T02:30:00', 'Europe/Berlin')).toBe('2026-10-25T00:30:00.000Z');
    expect(instant('2026-10-04T02:15:00', 'Australia/Lord_Howe')).toBe('2026-10-03T15:45:00.000Z');
    expect(instant('2026-04-05T01:45:00', 'Australia/Lord_Howe')).toBe('2026-04-04T14:45:00.000Z');
  });

  it('keeps milliseconds, years before 100 and offsets of seconds', () => {
    expect(utc(localOf(Date.parse('2026-07-01T00:00:00.123Z'), 'Asia/Kathmandu'))).toBe('2026-07-01T05:45:00.123Z');
    const first = Date.parse('0001-01-01T00:00:00Z');
    expect(zoneOffsetMs(first, 'America/New_York')).toBe(-(4 * 60 + 56) * MINUTE - 2_000);
    expect(utc(localOf(first, 'America/New_York'))).toBe('0000-12-31T19:03:58.000Z');
  });

  it('stays right for more zones than formats are kept', () => {
    const two = (value: number): string => String(value).padStart(2, '0');
    for (let round = 0; round < 2; round += 1) {
      for (let minutes = 1; minutes <= 150; minutes += 1) {
        const zone = `+${two(Math.floor(minutes / 60))}:${two(minutes % 60)}`;
        expect(zoneOffsetMs(0, zone)).toBe(minutes * MINUTE);
      }
    }
  });

  it('knows which zones exist', () => {
    expect(ZONES.every(isTimeZone)).toBe(true);
    expect(['', 'Mars/Olympus', 'local', 'Europe/Berlin\n'].filter(isTimeZone)).toEqual([]);
    expect(() => localOf(0, 'Mars/Olympus')).toThrow(RangeError);
  });
});
