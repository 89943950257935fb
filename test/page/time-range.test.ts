import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readRange } from '../../src/page/state/range-text.ts';
import { isBound, resolveBound } from '../../src/page/state/time-bound.ts';
import {
  modeOf,
  pinned,
  PRESETS,
  rangeBetween,
  resolveRange,
  shifted,
  stepOf,
  titleOf,
  zoomed,
} from '../../src/page/state/time-range.ts';
import { isZone, msOf, wallOf, zoneName } from '../../src/page/state/zoned-time.ts';

const NEW_YORK = 'America/New_York';
const iso = (text: string): number => Date.parse(text);
/** A Wednesday. */
const NOW = iso('2026-11-25T14:03:07.500Z');

describe('wall-clock time', () => {
  it('is the same after a turn through any zone', () => {
    const zones = fc.constantFrom('utc', 'local', NEW_YORK, 'Asia/Kathmandu', 'Australia/Lord_Howe', 'Pacific/Apia');
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 4_102_444_800 }), zones, (seconds, zone) => {
        const wall = wallOf(seconds * 1_000, zone);
        // A time that occurs twice is read as the first of the two.
        const back = msOf(wall, zone);
        expect(wallOf(back, zone)).toEqual(wall);
        expect(back).toBeLessThanOrEqual(seconds * 1_000);
      }),
      { numRuns: 300 },
    );
  });

  it('takes the first of two times, and moves a skipped one on', () => {
    const at = (hour: number, month: number, day: number): string =>
      new Date(msOf({ year: 2026, month, day, hour, minute: 30, second: 0 }, NEW_YORK)).toISOString();
    expect(at(1, 11, 1)).toBe('2026-11-01T05:30:00.000Z');
    expect(at(2, 3, 8)).toBe('2026-03-08T07:30:00.000Z');
  });

  it('knows zones', () => {
    expect(isZone('utc') && isZone('local') && isZone(NEW_YORK)).toBe(true);
    expect(isZone('Mars/Olympus') || isZone('')).toBe(false);
    expect(zoneName('utc')).toBe('UTC');
    expect(zoneName('local')).not.toBe('local');
  });
});

describe('a bound', () => {
  it.each([
    ['now', 'from', '2026-11-25T14:03:07.500Z'],
    ['now-6h', 'from', '2026-11-25T08:03:07.500Z'],
    ['now-6h+30m', 'to', '2026-11-25T08:33:07.500Z'],
    ['now/d', 'from', '2026-11-25T00:00:00.000Z'],
    ['now/d', 'to', '2026-11-25T23:59:59.999Z'],
    ['now-1d/d', 'from', '2026-11-24T00:00:00.000Z'],
    ['now/w', 'from', '2026-11-23T00:00:00.000Z'],
    ['now/M', 'to', '2026-11-30T23:59:59.999Z'],
    ['now/y', 'from', '2026-01-01T00:00:00.000Z'],
    ['now/h', 'from', '2026-11-25T14:00:00.000Z'],
    ['now/m', 'to', '2026-11-25T14:03:59.999Z'],
    ['now/s', 'from', '2026-11-25T14:03:07.000Z'],
    ['now-1M', 'from', '2026-10-25T14:03:07.000Z'],
    ['now-9M', 'from', '2026-02-25T14:03:07.000Z'],
    ['now-2w', 'from', '2026-11-11T14:03:07.000Z'],
    ['now-2y', 'from', '2024-11-25T14:03:07.000Z'],
    ['1733000000000', 'from', '2024-11-30T20:53:20.000Z'],
  ] as const)('%s as %s', (text, edge, time) => {
    expect(isBound(text)).toBe(true);
    expect(new Date(resolveBound(text, NOW, 'utc', edge) ?? NaN).toISOString()).toBe(time);
  });

  it('takes the last day of a month that is shorter', () => {
    expect(resolveBound('now-1M', iso('2026-03-31T10:00:00Z'), 'utc', 'from')).toBe(iso('2026-02-28T10:00:00Z'));
  });

  it('counts days of the calendar, also across a change of the clock', () => {
    const after = iso('2026-11-02T15:00:00Z');
    expect(resolveBound('now-2d', after, NEW_YORK, 'from')).toBe(iso('2026-10-31T14:00:00Z'));
    expect(resolveBound('now-2d/d', after, NEW_YORK, 'from')).toBe(iso('2026-10-31T04:00:00Z'));
    expect(resolveBound('now-1d/d', after, NEW_YORK, 'to')).toBe(iso('2026-11-02T05:00:00Z') - 1);
  });

  it.each(['', 'now-', 'now-1x', 'now/q', 'NOW', '-1', '1e3', 'now-1h/', '9'.repeat(17), 'now-9999999999h'])(
    'is not %j',
    (text) => {
      expect(isBound(text)).toBe(false);
      expect(resolveBound(text, NOW, 'utc', 'from')).toBeUndefined();
    },
  );

  it('outside the calendar is none', () => {
    expect(resolveBound('now-999999999y', NOW, 'utc', 'from')).toBeUndefined();
    expect(resolveBound('now+999999999w', NOW, 'utc', 'from')).toBeUndefined();
  });
});

describe('typed text', () => {
  const read = (text: string, zone = 'utc'): string => {
    const found = readRange(text, NOW, zone);
    if (!found.ok) return found.reason;
    const { from, to } = found.range;
    const said = (bound: string): string =>
      bound.startsWith('now') ? bound : new Date(Number(bound)).toISOString().replace(':00.000Z', 'Z');
    return `${said(from)} … ${said(to)}`;
  };

  it.each([
    ['now-6h to now', 'now-6h … now'],
    ['now-6h', 'now-6h … now'],
    ['now-1d/d', 'now-1d/d … now-1d/d'],
    ['now/d', 'now/d … now'],
    ['now-2d/d to now/d', 'now-2d/d … now/d'],
    ['13h', 'now-13h … now'],
    ['  3 Days ', 'now-3d … now'],
    ['last 15 minutes', 'now-15m … now'],
    ['6M', 'now-6M … now'],
    ['6m', 'now-6m … now'],
    ['90s', 'now-90s … now'],
    ['today', 'now/d … now'],
    ['Yesterday', 'now-1d/d … now-1d/d'],
    ['since 08:00', '2026-11-25T08:00Z … now'],
    ['since 18:00', '2026-11-24T18:00Z … now'],
    ['since Mon', '2026-11-23T00:00Z … now'],
    ['since 2026-11-20', '2026-11-20T00:00Z … now'],
    ['Mon 09:00 - 10:00', '2026-11-23T09:00Z … 2026-11-23T10:00Z'],
    ['Wed 15:00 - 16:00', '2026-11-18T15:00Z … 2026-11-18T16:00Z'],
    ['monday 23:00 – 01:00', '2026-11-23T23:00Z … 2026-11-24T01:00Z'],
    ['09:00 - 10:00', '2026-11-25T09:00Z … 2026-11-25T10:00Z'],
    ['09:00–10:00', '2026-11-25T09:00Z … 2026-11-25T10:00Z'],
    ['2026-11-20', '2026-11-20T00:00Z … 2026-11-20T23:59:59.999Z'],
    ['2026-11-20 to 2026-11-21', '2026-11-20T00:00Z … 2026-11-21T23:59:59.999Z'],
    ['2026-11-20 14:00 - 15:30', '2026-11-20T14:00Z … 2026-11-20T15:30Z'],
    ['2026-11-20T14:00:00Z..2026-11-20T16:00:00+01:30', '2026-11-20T14:00Z … 2026-11-20T14:30Z'],
    ['2026-11-20T14:00', '2026-11-20T14:00Z … now'],
    ['1764000000 to 1764003600', '2025-11-24T16:00Z … 2025-11-24T17:00Z'],
    ['1764000000000, now', '2025-11-24T16:00Z … now'],
    ['Mon', '2026-11-23T00:00Z … 2026-11-23T23:59:59.999Z'],
  ])('%s', (text, range) => expect(read(text)).toBe(range));

  it('is read in the zone of the page', () => {
    expect(read('since 08:00', NEW_YORK)).toBe('2026-11-25T13:00Z … now');
    expect(read('2026-11-20 14:00 - 15:00', NEW_YORK)).toBe('2026-11-20T19:00Z … 2026-11-20T20:00Z');
  });

  it.each(['', 'soon', '0h', '2026-02-30', '25:00 - 26:00', '2026-11-20 14:60', '5 parsecs', 'now-1h to soon', '<b>'])(
    'says why %j is none',
    (text) => expect(read(text)).toMatch(/time range/),
  );

  it('must end after it begins, and not in the future', () => {
    expect(read('2026-11-21 to 2026-11-20')).toBe('The range must end after it begins.');
    expect(read('now to now-1h')).toBe('The range must end after it begins.');
    expect(read('2030-01-01')).toMatch(/must end after|future/);
    expect(read('2030-01-01 to 2030-01-02')).toBe('The range lies in the future.');
    expect(read('x'.repeat(101))).toBe('This is too long for a time range.');
  });

  it('never throws, and what it accepts can be resolved', () => {
    const parts = fc.constantFrom(
      'now',
      '-1h',
      '/d',
      ' to ',
      ' - ',
      '09:00',
      'Mon',
      'since ',
      '2026-11-20',
      '13',
      'h',
      '..',
      '9999999999',
    );
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string({ unit: 'binary' }),
          fc.array(parts, { maxLength: 5 }).map((all) => all.join('')),
        ),
        (text) => {
          const found = readRange(text, NOW, NEW_YORK);
          if (found.ok) expect(resolveRange(found.range, NOW, NEW_YORK)).toBeDefined();
        },
      ),
      { numRuns: 500 },
    );
  });
});

describe('a range', () => {
  it('slides, grows or is fixed', () => {
    expect(modeOf({ from: 'now-1h', to: 'now' })).toBe('sliding');
    expect(modeOf({ from: 'now-2h', to: 'now-1h' })).toBe('sliding');
    expect(modeOf({ from: 'now/d', to: 'now' })).toBe('growing');
    expect(modeOf({ from: '1764000000000', to: 'now' })).toBe('growing');
    expect(modeOf({ from: 'now-1d/d', to: 'now-1d/d' })).toBe('fixed');
    expect(modeOf({ from: '1', to: '2000' })).toBe('fixed');
  });

  it('has a title when people have a word for it', () => {
    expect(titleOf({ from: 'now-15m', to: 'now' })).toBe('Last 15 min');
    expect(titleOf({ from: 'now-13h', to: 'now' })).toBe('Last 13 h');
    expect(titleOf({ from: 'now-3M', to: 'now' })).toBe('Last 3 months');
    expect(titleOf({ from: '1', to: '2' })).toBeUndefined();
  });

  it('never has more points than asked for', () => {
    for (const { from, to } of PRESETS) {
      const found = resolveRange({ from, to }, NOW, 'utc');
      const spanMs = (found?.toMs ?? 0) - (found?.fromMs ?? 0);
      expect(spanMs / stepOf(spanMs)).toBeLessThanOrEqual(240);
    }
    expect(stepOf(300_000)).toBe(5_000);
    expect(stepOf(900_000)).toBe(15_000);
    expect(stepOf(365 * 86_400_000)).toBe(172_800_000);
    fc.assert(
      fc.property(
        fc.double({ min: 1_000, max: 8e15, noNaN: true }),
        fc.integer({ min: 1, max: 2_000 }),
        (spanMs, points) => {
          expect(spanMs / stepOf(spanMs, points)).toBeLessThanOrEqual(points);
        },
      ),
    );
  });

  const at = { fromMs: NOW - 3_600_000, toMs: NOW, stepMs: 15_000, mode: 'sliding' } as const;

  it('zooms: a sliding one stays sliding, another keeps its middle', () => {
    expect(zoomed({ from: 'now-1h', to: 'now' }, at, 2)).toEqual({ from: 'now-7200s', to: 'now' });
    expect(zoomed({ from: '1', to: '2' }, { ...at, fromMs: 100_000, toMs: 200_000 }, 0.5)).toEqual({
      from: '125000',
      to: '175000',
    });
    expect(zoomed({ from: '0', to: '2' }, { ...at, fromMs: 0, toMs: 60_000 }, 2)).toEqual({ from: '0', to: '90000' });
    expect(zoomed({ from: 'now-10s', to: 'now' }, { ...at, fromMs: NOW - 10_000 }, 0.5).from).toBe('now-10s');
  });

  it('moves by half of itself, and not past the present', () => {
    expect(shifted(at, -1, NOW)).toEqual({ from: String(NOW - 5_400_000), to: String(NOW - 1_800_000) });
    expect(shifted(at, 1, NOW)).toEqual({ from: String(NOW - 3_600_000), to: String(NOW) });
  });

  it('is pinned for a link, and made of two points', () => {
    expect(pinned(at)).toEqual({ from: String(NOW - 3_600_000), to: String(NOW) });
    expect(rangeBetween(1_000, 2_000, NOW)).toEqual({ from: '1000', to: '2000' });
    expect(rangeBetween(1_000, NOW + 1, NOW)).toEqual({ from: '1000', to: 'now' });
  });
});
