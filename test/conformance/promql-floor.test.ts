/** The floor holds what it is meant to hold: a case less, and it speaks. */
import { describe, expect, it } from 'vitest';
import { GROUPS, shortfalls, summary, type CaseOutcome } from './promql-floor.ts';

const outcomes = (failing: number): CaseOutcome[] =>
  Array.from({ length: 1_120 }, (_, i) => ({
    file: 'a.test',
    line: i,
    expr: `case ${i}`,
    tags:
      i < 447
        ? ['plain']
        : i < 911
          ? ['native']
          : i < 914
            ? ['native', 'start_timestamps']
            : i < 925
              ? ['start_timestamps']
              : ['fill'],
    outcome: i < failing ? 'failed' : 'passed',
    msg: 'expected 1, got 2',
  }));

describe('the floor', () => {
  it('is quiet when every case passes', () => {
    const floors = GROUPS.filter(({ name }) => name !== 'without native histograms and start timestamps');
    expect(shortfalls(outcomes(0)).filter((line) => floors.some(({ name }) => line.startsWith(`${name}:`)))).toEqual(
      [],
    );
    expect(summary(outcomes(0))).toContain('plain: 447 of 447');
  });

  it('names the group and the case when one less passes', () => {
    const found = shortfalls(outcomes(1));
    expect(found).toContain('plain: 446 passed, 447 are asked for');
    expect(found).toContain('  a.test:0 case 0: expected 1, got 2');
  });

  it('does not take an empty run for a good one', () => {
    expect(shortfalls([])).toHaveLength(GROUPS.length);
  });
});
