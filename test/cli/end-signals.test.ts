/** The signals that end a start: once is an orderly end, twice an end at once, and a start that hangs is left behind. */
import { describe, expect, it } from 'vitest';
import { hearEndSignals, type EndSignals } from '../../src/cli/end-signals.ts';
import { movedClock } from '../support/moved-clock.ts';

const LIMIT_MS = 9_500;

function heard(parentSaysWhen = false) {
  const clock = movedClock(0);
  const listeners = new Map<string, () => void>();
  const codes: number[] = [];
  let said = 0;
  const signals: EndSignals = hearEndSignals({
    parentSaysWhen,
    limitMs: LIMIT_MS,
    say: () => (said += 1),
    clock,
    source: {
      on: (signal, listener) => listeners.set(signal, listener),
      off() {},
      exit: (code) => codes.push(code),
    },
  });
  return { clock, codes, signals, said: () => said, send: (signal: string) => listeners.get(signal)?.() };
}

describe('a signal', () => {
  it('during the start waits for it, and its end is orderly', async () => {
    const { clock, codes, signals, said, send } = heard();
    expect(signals.wasAsked()).toBe(false);
    send('SIGTERM');
    await signals.asked;
    expect([signals.wasAsked(), said()]).toEqual([true, 1]);
    await clock.advance(400);
    expect(signals.started()).toBe(400);
    await clock.advance(LIMIT_MS);
    expect(codes).toEqual([]);
    send('SIGINT');
    expect(codes).toEqual([130]);
  });

  it('leaves a start behind that hangs', async () => {
    const { clock, codes, send } = heard();
    send('SIGINT');
    await clock.advance(LIMIT_MS - 1);
    expect(codes).toEqual([]);
    await clock.advance(1);
    expect(codes).toEqual([0]);
  });

  it('of a terminal is left to the parent of a monitor', async () => {
    const { codes, signals, send } = heard(true);
    send('SIGINT');
    send('SIGINT');
    expect([signals.wasAsked(), signals.started(), codes]).toEqual([false, 0, []]);
    send('SIGTERM');
    expect(signals.wasAsked()).toBe(true);
  });
});
