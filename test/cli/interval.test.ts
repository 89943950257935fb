/** `--interval` in seconds becomes one setting for all processes, within bounds. */
import { describe, expect, it } from 'vitest';
import { settingsFrom } from '../../src/app/process/settings.ts';
import { monitorFlags, settingsFlags } from '../../src/cli/start.ts';

const intervalOf = (flags: Record<string, unknown>, env: NodeJS.ProcessEnv = {}, text?: string): number =>
  settingsFrom(text, { env, flags: settingsFlags(flags) }).telemetry.interval;

describe('--interval', () => {
  it('overrides environment, file and default', () => {
    const file = 'telemetry: { interval: 3s }';
    const env = { VITRINE_TELEMETRY__INTERVAL: '4s' };
    expect(intervalOf({})).toBe(1_000);
    expect(intervalOf({}, {}, file)).toBe(3_000);
    expect(intervalOf({}, env, file)).toBe(4_000);
    expect(intervalOf({ interval: 5_000 }, env, file)).toBe(5_000);
  });

  it('is passed to the monitor unchanged', () => {
    expect(monitorFlags({ interval: 2_500 }, undefined)).toEqual(['--interval', '2.5']);
    expect(monitorFlags({}, undefined)).toEqual([]);
  });

  it.each([500, 61_000])('of %s ms is refused', (interval) => {
    expect(() => intervalOf({ interval })).toThrow(/interval/);
  });

  it('accepts a minute, the longest interval', () => {
    expect(intervalOf({ interval: 60_000 })).toBe(60_000);
  });
});
