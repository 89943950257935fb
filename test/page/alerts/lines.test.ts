import { describe, expect, it } from 'vitest';
import { drawingOf, lineText } from '../../../src/page/alerts/lines/limit-drawing.ts';
import { othersIn } from '../../../src/page/alerts/lines/other-alerts.ts';
import { rowsOf, rowText } from '../../../src/page/alerts/lines/time-rows.ts';
import type { EpisodeView, GroupsAnswer } from '../../../src/monitor/api/alerts/contract.ts';

describe('the line of an alert', () => {
  it('begins at zero, has its limit within, breaks at gaps, and leaves out a limit that would flatten it', () => {
    const above = [{ op: '>', limit: 20 }];
    const { line, limits, last } = drawingOf({ values: [0, 10, null, 20], limits: above });
    expect(line.match(/M/g)).toHaveLength(2);
    expect(limits).toHaveLength(1);
    expect(last?.[1]).toBe(limits[0]);
    expect(limits[0]).toBeGreaterThan(3);
    expect(drawingOf({ values: [1, 1], limits: [{ op: '>', limit: 100 }] }).limits).toEqual([]);
    expect(drawingOf({ values: [null, null], limits: above })).toMatchObject({ line: '', last: undefined });
  });

  it('is said in words', () => {
    const limits = [
      { op: '>', limit: 0.2 },
      { op: '<', limit: -1 },
    ];
    expect(lineText({ values: [0.1, null, 0.3, 0.27], limits })).toBe(
      'last 0.27, from 0.1 to 0.3 in this range; fires at > 0.2 or < -1',
    );
    expect(lineText({ values: [null], limits: [] })).toBe('no value in this range');
  });
});

describe('the time line', () => {
  const at = (minute: number): string => new Date(minute * 60_000).toISOString();
  const episode = (fingerprint: string, began: number, ended: number | null): EpisodeView => ({
    fingerprint,
    name: fingerprint.toUpperCase(),
    labels: { severity: 'critical', service: 'shop' },
    began: at(began),
    ended: ended === null ? null : at(ended),
  });
  const span = { fromMs: 10 * 60_000, toMs: 40 * 60_000 };

  it('has one row for each alert, cut to the range, those that fire first and then those that ended last', () => {
    const rows = rowsOf(
      [episode('a', 30, 31), episode('b', 20, null), episode('a', 5, 12), episode('c', 35, 36), episode('d', 1, 9)],
      span,
    );
    expect(rows.map(({ fingerprint }) => fingerprint)).toEqual(['b', 'c', 'a']);
    expect(rows[2].bars.map(({ fromMs, toMs, ended }) => [fromMs / 60_000, toMs / 60_000, ended])).toEqual([
      [10, 12, true],
      [30, 31, true],
    ]);
    expect(rowText(rows[2])).toBe('fired 2 times, 3\u2009min together');
    expect(rowText(rows[0])).toBe('fired once, 20\u2009min together, still firing');
  });
});

it('shows an alert of another program once, and none that is shown above', () => {
  type Groups = GroupsAnswer['groups'];
  const group = (...ids: string[]): Groups[number] => ({
    key: '{}',
    receiver: 'a',
    labels: {},
    next_flush: '',
    alerts: ids.map((fingerprint) => ({ fingerprint, labels: {}, state: 'firing', muted_by: null })),
    told: [],
  });
  const found = othersIn([group('1', '2'), group('2', '3')], new Set(['1']));
  expect(found.map(({ fingerprint }) => fingerprint)).toEqual(['2', '3']);
});
