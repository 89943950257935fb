import { describe, expect, it } from 'vitest';
import type { Alert } from '../../../../src/model/alert.ts';
import { Labels } from '../../../../src/model/labels.ts';
import type { AlertStates, AlertTiming, Finding, StepResult } from '../../../../src/monitor/alerts/rules/state.ts';
import { RESOLVED_RETENTION_MS, restoredActiveAt, stepAlerts } from '../../../../src/monitor/alerts/rules/state.ts';

const S = 1_000;
const finding = (name: string, value = 1): Finding => ({
  labels: Labels.from({ alertname: 'A', instance: name }),
  annotations: { summary: `v${value}` },
  value,
});

/** Steps through what each second finds; gives the states after each. */
function play(timing: Partial<AlertTiming>, seconds: readonly (readonly string[])[], stepMs = S): Alert[][] {
  let states: AlertStates = new Map();
  return seconds.map((names, second) => {
    const result = stepAlerts(
      states,
      names.map((name) => finding(name, second)),
      { forMs: 0, keepFiringForMs: 0, limit: 0, ...timing },
      second * stepMs,
    );
    expect(result.kind).toBe('ok');
    states = result.states;
    return [...states.values()];
  });
}
const stateNames = (history: Alert[][]): string[] =>
  history.map((alerts) => alerts.map(({ state }) => state).join(',') || '-');
const ok = (result: StepResult): StepResult & { kind: 'ok' } => {
  if (result.kind === 'error') throw new Error(result.message);
  return result;
};
const TIMING: AlertTiming = { forMs: 0, keepFiringForMs: 0, limit: 0 };

describe('stepAlerts', () => {
  it('fires at once without for', () => {
    const [[alert]] = play({}, [['a']]);
    expect(alert).toMatchObject({
      state: 'firing',
      activeAtMs: 0,
      firedAtMs: 0,
      value: 0,
      reason: 'The condition is met.',
    });
  });

  it('is pending until for has passed, and then fires at once', () => {
    const history = play({ forMs: 2 * S }, [['a'], ['a'], ['a'], ['a']]);
    expect(stateNames(history)).toEqual(['pending', 'pending', 'firing', 'firing']);
    expect(history[1][0]).toMatchObject({
      activeAtMs: 0,
      value: 1,
      annotations: { summary: 'v1' },
      reason: 'The condition has been met for 1s of 2s.',
    });
    expect(history[2][0]).toMatchObject({ firedAtMs: 2 * S, reason: 'The condition has been met for 2s.' });
    expect(history[3][0]).toMatchObject({ firedAtMs: 2 * S, value: 3 });
  });

  it('forgets a pending alert that ends, and starts again', () => {
    const history = play({ forMs: 2 * S }, [['a'], ['a'], [], ['a'], ['a'], ['a']]);
    expect(stateNames(history)).toEqual(['pending', 'pending', '-', 'pending', 'pending', 'firing']);
    expect(history[3][0].activeAtMs).toBe(3 * S);
  });

  it('keeps a resolved alert for 15 minutes, then forgets it', () => {
    const minute = 60 * S;
    const empty = Array.from({ length: 17 }, () => []);
    const history = play({}, [['a'], ...empty], minute);
    expect(history[1][0]).toMatchObject({
      state: 'inactive',
      resolvedAtMs: minute,
      reason: 'The condition is no longer met.',
    });
    expect(history[16][0]).toMatchObject({ state: 'inactive', resolvedAtMs: minute });
    expect(history[17]).toEqual([]);
    expect(RESOLVED_RETENTION_MS).toBe(15 * minute);
  });

  it('starts again when a resolved alert returns', () => {
    const history = play({}, [['a'], [], ['a']]);
    expect(history[2][0]).toMatchObject({ state: 'firing', activeAtMs: 2 * S, firedAtMs: 2 * S });
    expect(history[2][0].resolvedAtMs).toBeUndefined();
  });

  it('keeps firing for keep_firing_for, from the first evaluation without it', () => {
    const history = play({ keepFiringForMs: 2 * S }, [['a'], [], [], ['a'], [], [], []]);
    expect(stateNames(history)).toEqual(['firing', 'firing', 'firing', 'firing', 'firing', 'firing', 'inactive']);
    expect(history[2][0]).toMatchObject({
      keepFiringSinceMs: S,
      value: 0,
      reason: 'The condition ended; keep_firing_for holds it for 2s.',
    });
    expect(history[3][0].keepFiringSinceMs).toBeUndefined();
    expect(history[6][0]).toMatchObject({ resolvedAtMs: 6 * S });
  });

  it('does not hold a pending alert with keep_firing_for', () => {
    expect(stateNames(play({ forMs: 2 * S, keepFiringForMs: 5 * S }, [['a'], []]))).toEqual(['pending', '-']);
  });

  it('handles each alert separately', () => {
    expect(stateNames(play({ forMs: S }, [['a'], ['a', 'b'], ['b']]))).toEqual([
      'pending',
      'firing,pending',
      'inactive,firing',
    ]);
  });

  it('returns transitions with their reasons', () => {
    const pending = ok(stepAlerts(new Map(), [finding('a')], { ...TIMING, forMs: S }, 0));
    expect(pending.transitions).toMatchObject([{ from: 'inactive', to: 'pending' }]);
    const same = ok(stepAlerts(pending.states, [finding('a')], { ...TIMING, forMs: 2 * S }, S));
    expect(same.transitions).toEqual([]);
    const firing = ok(stepAlerts(pending.states, [finding('a')], { ...TIMING, forMs: S }, S));
    expect(firing.transitions).toMatchObject([
      { from: 'pending', to: 'firing', alert: { reason: 'The condition has been met for 1s.' } },
    ]);
    const gone = ok(stepAlerts(pending.states, [], TIMING, S));
    expect(gone.transitions).toMatchObject([
      { from: 'pending', to: 'inactive', alert: { reason: 'The condition ended before it had held long enough.' } },
    ]);
    const resolved = ok(stepAlerts(firing.states, [], TIMING, 2 * S));
    expect(resolved.transitions).toMatchObject([{ from: 'firing', to: 'inactive' }]);
    const again = ok(stepAlerts(resolved.states, [finding('a')], TIMING, 3 * S));
    expect(again.transitions).toMatchObject([{ from: 'inactive', to: 'firing' }]);
  });

  it('refuses equal label sets and leaves the states alone', () => {
    const before = ok(stepAlerts(new Map(), [finding('a')], TIMING, 0)).states;
    expect(stepAlerts(before, [finding('a'), finding('a')], TIMING, S)).toEqual({
      kind: 'error',
      message: 'vector contains metrics with the same labelset after applying alert labels',
      states: before,
    });
  });

  it('clears all alerts above the limit, and counts only active ones', () => {
    const limit = { ...TIMING, limit: 1 };
    const one = ok(stepAlerts(new Map(), [finding('a')], limit, 0));
    expect(stepAlerts(one.states, [finding('a'), finding('b')], limit, S)).toEqual({
      kind: 'error',
      message: 'exceeded limit of 1 with 2 alerts',
      states: new Map(),
    });
    expect(stepAlerts(one.states, [finding('b')], limit, S).kind).toBe('ok');
  });

  it('does not go back in time when the clock does', () => {
    const pending = ok(stepAlerts(new Map(), [finding('a')], { ...TIMING, forMs: S }, 5 * S));
    const back = ok(stepAlerts(pending.states, [finding('a')], { ...TIMING, forMs: S }, 0));
    expect([...back.states.values()][0]).toMatchObject({
      state: 'pending',
      reason: 'The condition has been met for 0s of 1s.',
    });
  });

  it('forgets an inactive alert that was never resolved', () => {
    const odd: Alert = { ...finding('a'), state: 'inactive', activeAtMs: 0, reason: '' };
    expect(ok(stepAlerts(new Map([['k', odd]]), [], TIMING, RESOLVED_RETENTION_MS + 1)).states.size).toBe(0);
  });
});

describe('restoredActiveAt', () => {
  const min = 60 * S;
  it.each([
    ['had fired already', { activeAtMs: 0, downAtMs: 30 * min }, 30 * min, 40 * min, 0],
    ['had nearly fired: waits the grace period', { activeAtMs: 0, downAtMs: 25 * min }, 30 * min, 40 * min, 20 * min],
    ['had waited a little: the down time is added', { activeAtMs: 0, downAtMs: 5 * min }, 30 * min, 40 * min, 35 * min],
  ])('%s', (_what, saved, forMs, nowMs, wanted) =>
    expect(restoredActiveAt(saved, forMs, 10 * min, nowMs)).toBe(wanted),
  );
});
