import path from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { systemClock, type Clock } from '../../../src/base/clock.ts';
import { silentLogger } from '../../../src/base/logger.ts';
import { Child, type ChildOptions } from '../../../src/app/process/child.ts';
import { until } from '../../support/until.ts';

const fixture = (name: string): string => path.resolve(import.meta.dirname, `../../fixtures/children/${name}.mjs`);

interface Said {
  readonly kind: string;
  readonly pid: number;
  readonly value?: string | null;
  readonly message?: unknown;
}

describe('Child', () => {
  const children: Child[] = [];
  afterEach(async () => {
    await Promise.all(children.splice(0).map((child) => child.stop(100)));
  });

  function start(
    name: string,
    args: string[] = [],
    more: Partial<ChildOptions> = {},
  ): { child: Child; said: Said[]; exits: boolean[] } {
    const said: Said[] = [];
    const exits: boolean[] = [];
    const child = new Child({
      name,
      module: fixture(name),
      args,
      env: { ...process.env, VALUE: 'given' },
      clock: systemClock,
      logger: silentLogger,
      onMessage: (message) => said.push(message as Said),
      onExit: (unexpected) => exits.push(unexpected),
      ...more,
    });
    children.push(child);
    return { child, said, exits };
  }

  it('passes environment and messages both ways', async () => {
    const { child, said } = start('obedient');
    await until(
      () => said.length > 0 || undefined,
      10_000,
      () => 'no hello',
    );
    expect(said[0]).toMatchObject({ kind: 'hello', pid: child.pid, value: 'given' });
    expect(child.send({ n: Infinity })).toBe(true);
    const echo = await until(
      () => said.find(({ kind }) => kind === 'echo'),
      10_000,
      () => 'no echo',
    );
    expect(echo.message).toEqual({ n: Infinity });
  });

  it('is restarted when it is killed, with another pid', async () => {
    const { child, said, exits } = start('obedient');
    await until(
      () => said.length > 0 || undefined,
      10_000,
      () => 'no hello',
    );
    const before = child.pid;
    child.kill('SIGKILL');
    await until(
      () => said.length > 1 || undefined,
      10_000,
      () => 'not started again',
    );
    expect(child.pid).not.toBe(before);
    expect(exits).toEqual([true]);
  });

  it('stops when asked, and is killed when it does not', async () => {
    const { child, said, exits } = start('stubborn');
    await until(
      () => said.length > 0 || undefined,
      10_000,
      () => 'no hello',
    );
    await child.stop(50);
    expect(exits).toEqual([false]);
    expect(child.send({})).toBe(false);
  });

  it('is tried once a minute only, but is tried, when it keeps ending at its start', async () => {
    const waits: number[] = [];
    // Seconds pass at once; each wait is noted.
    const clock: Clock = {
      ...systemClock,
      after: (delayMs, callback) => {
        waits.push(delayMs);
        return systemClock.after(0, callback);
      },
    };
    const { child } = start('crashing', ['1'], { clock, wasVain: () => true });
    await until(() => waits.length >= 7 || undefined, 30_000);
    expect(waits.slice(0, 7)).toEqual([200, 400, 800, 1_600, 60_000, 60_000, 60_000]);
    expect(child.gaveUp).toBe(false);
  });

  it('is tried for as long as an address is in use, which ends by itself', async () => {
    const { child, exits } = start('crashing', ['4']);
    await until(() => exits.length >= 3 || undefined, 10_000);
    expect(child.gaveUp).toBe(false);
  });

  it.each([2, 3])('gives up at once after exit code %i: a second attempt would fail the same way', async (code) => {
    const codes: (number | null)[] = [];
    const { child, exits } = start('crashing', [String(code)], { onGaveUp: (given) => codes.push(given) });
    await until(
      () => child.gaveUp || undefined,
      10_000,
      () => 'never gave up',
    );
    expect(exits).toHaveLength(1);
    expect(codes).toEqual([code]);
  });
});
