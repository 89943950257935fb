import { expect, test } from 'vitest';
import {
  ComponentDays,
  componentPast,
  SHOWN_DAYS,
  type TargetPast,
} from '../../../src/monitor/status/component-days.ts';
import type { Span } from '../../../src/monitor/targets/history/availability.ts';
import type { Run } from '../../../src/monitor/targets/history/runs.ts';
import { DAY, HOUR, NOW, T } from './rig.ts';

const run = (state: Run['state'], fromMs: number, toMs: number): Run => ({ state, fromMs, toMs });

test('a component is down while one of its targets is, outside the maintenance of that target', () => {
  const first = { runs: [run('up', 0, 10), run('down', 10, 20), run('up', 20, 100)], maintenance: [] };
  const second = { runs: [run('up', 0, 40), run('down', 40, 60)], maintenance: [{ fromMs: 45, toMs: 55 }] };
  const { runs, maintenance } = componentPast([first, second]);
  expect(runs).toEqual([
    run('up', 0, 10),
    run('down', 10, 20),
    run('up', 20, 40),
    run('down', 40, 45),
    run('up', 45, 55),
    run('down', 55, 60),
    run('up', 60, 100),
  ]);
  expect(maintenance).toEqual([{ fromMs: 45, toMs: 55 }]);
});

test('maintenance of one target does not hide an outage of another', () => {
  const maintained = { runs: [run('up', 0, 100)], maintenance: [{ fromMs: 0, toMs: 50 }] };
  const { runs, maintenance } = componentPast([maintained, { runs: [run('down', 20, 30)], maintenance: [] }]);
  expect(runs.filter(({ state }) => state === 'down')).toEqual([run('down', 20, 30)]);
  expect(maintenance).toEqual([
    { fromMs: 0, toMs: 20 },
    { fromMs: 30, toMs: 50 },
  ]);
});

test('90 days, each with its own figures, and what is over is asked once', () => {
  const asked: Span[] = [];
  const past: TargetPast = {
    runs: [
      run('up', T - 5 * DAY, T - 3 * DAY + HOUR),
      run('down', T - 3 * DAY + HOUR, T - 3 * DAY + 2 * HOUR),
      run('up', T - 3 * DAY + 2 * HOUR, NOW + DAY),
    ],
    maintenance: [{ fromMs: T - DAY, toMs: T - DAY + HOUR }],
  };
  const days = new ComponentDays('UTC', (range) => {
    asked.push(range);
    return [past];
  });
  const figures = days.figures(NOW);
  expect(figures).toHaveLength(SHOWN_DAYS);
  expect(figures.at(-4)).toMatchObject({ fromMs: T - 3 * DAY, downMs: HOUR, upMs: 23 * HOUR, outages: 1 });
  expect(figures.at(-2)).toMatchObject({ maintenanceMs: HOUR, upMs: 23 * HOUR, downMs: 0 });
  expect(figures.at(-7)).toMatchObject({ upMs: 0, downMs: 0 });
  expect(asked[0].fromMs).toBe(T - 89 * DAY);
  const later = days.figures(NOW + DAY);
  expect(asked[1].fromMs).toBe(T - 2 * DAY);
  expect(later.slice(0, -1).map(({ fromMs }) => fromMs)).toEqual(figures.slice(1).map(({ fromMs }) => fromMs));
  expect(later.at(-5)).toEqual(figures.at(-4));
});

test('days are those of the zone, also when clocks change', () => {
  const days = new ComponentDays('Europe/Berlin', () => []).figures(Date.UTC(2026, 9, 26, 12));
  const lengths = days.map(({ fromMs, toMs }) => (toMs - fromMs) / HOUR);
  expect(lengths.at(-2)).toBe(25);
  expect(new Date(days[89].fromMs).toISOString()).toBe('2026-10-25T23:00:00.000Z');
});
