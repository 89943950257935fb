import { mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { systemClock } from '../../src/base/clock.ts';
import { VitrineError } from '../../src/base/errors.ts';
import type { ReloadOutcome } from '../../src/config/reload.ts';
import { ConfigReloader } from '../../src/config/reload.ts';

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(path.join(os.tmpdir(), 'vitrine-reload-'));
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

function setUp(apply: (config: string) => void = () => {}) {
  const file = path.join(directory, 'v.yaml');
  writeFileSync(file, 'one');
  const reports: ReloadOutcome[] = [];
  const applied: string[] = [];
  const load = (text: string): string => {
    if (text.startsWith('bad')) throw new VitrineError('config_invalid', `not good: ${text}`);
    return text;
  };
  const take = (config: string): void => {
    apply(config);
    applied.push(config);
  };
  const report = (outcome: ReloadOutcome): void => void reports.push(outcome);
  const reloader = new ConfigReloader(
    { file, load, apply: take, report, clock: systemClock, quietMs: 5 },
    'one',
    'one',
  );
  return { file, reloader, reports, applied };
}

describe('ConfigReloader', () => {
  it('applies a good file and keeps the last good one when the next is bad', async () => {
    const { file, reloader, reports, applied } = setUp();
    expect(reloader.last).toBeUndefined();
    writeFileSync(file, 'two');
    expect((await reloader.reload('SIGHUP'))?.error).toBeUndefined();
    writeFileSync(file, 'bad three');
    expect((await reloader.reload('SIGHUP'))?.error?.message).toBe('not good: bad three');
    rmSync(file);
    expect((await reloader.reload('SIGHUP'))?.error?.code).toBe('config_unreadable');
    expect(reloader.current).toBe('two');
    expect(applied).toEqual(['two']);
    expect(reports.map(({ reason, error }) => [reason, error === undefined])).toEqual([
      ['SIGHUP', true],
      ['SIGHUP', false],
      ['SIGHUP', false],
    ]);
    await reloader.close();
  });

  it('counts a configuration that cannot be applied as bad', async () => {
    const { file, reloader } = setUp(() => {
      throw new Error('port taken');
    });
    writeFileSync(file, 'two');
    expect((await reloader.reload('SIGHUP'))?.error?.message).toContain('port taken');
    expect(reloader.current).toBe('one');
    await reloader.close();
  });

  it('watches the file through writes and replacements, and reports the same mistake once', async () => {
    const { file, reloader, reports, applied } = setUp();
    reloader.watch();
    writeFileSync(file, 'two');
    await expect.poll(() => reloader.current).toBe('two');
    writeFileSync(`${file}.tmp`, 'three');
    renameSync(`${file}.tmp`, file);
    await expect.poll(() => reloader.current).toBe('three');
    writeFileSync(file, 'bad');
    await expect.poll(() => reports.length).toBe(3);
    await reloader.reload('file', true);
    expect(reports).toHaveLength(3);
    expect(applied).toEqual(['two', 'three']);
    await reloader.close();
  });
});
