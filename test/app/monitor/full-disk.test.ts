/** A monitor that is started on a full disk says so in a sentence, and starts once there is room again. */
import { execFileSync } from 'node:child_process';
import { rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { expect, it } from 'vitest';
import { systemClock } from '../../../src/base/clock.ts';
import { silentLogger } from '../../../src/base/logger.ts';
import { startMonitor, type Monitor } from '../../../src/app/monitor/process.ts';
import { settingsFrom } from '../../../src/app/process/settings.ts';
import { startTelemetry } from '../../../src/telemetry/sdk.ts';
import { startError } from '../../../src/monitor/store/disk/database.ts';
import { freshDir } from '../../support/program.ts';
import { freePorts, portsEnvironment } from '../../support/programs/vitrine-process.ts';

/** The system's, not a package's. */
const [MOUNT, UNMOUNT] = ['mount', 'umount'];

function mounted(dir: string): boolean {
  try {
    execFileSync(MOUNT, ['-t', 'tmpfs', '-o', 'size=16m', 'tmpfs', dir], { stdio: 'pipe' });
    return true;
  } catch {
    // This user may not mount.
    return false;
  }
}

async function started(dataDir: string): Promise<Monitor> {
  const settings = settingsFrom(undefined, { env: portsEnvironment(await freePorts()) });
  const telemetry = await startTelemetry({
    serviceName: 'vitrine-monitor',
    instanceId: 'test',
    env: { OTEL_SDK_DISABLED: 'true' },
    logger: silentLogger,
  });
  const [clock, logger] = [systemClock, silentLogger];
  return startMonitor({ settings, dataDir, testMode: false, telemetry, version: '0', clock, logger });
}

it('says that a full disk cannot be written', async ({ skip }) => {
  const dir = freshDir();
  if (!mounted(dir)) {
    rmSync(dir, { recursive: true });
    skip('no tmpfs can be mounted here');
  }
  const ballast = path.join(dir, 'ballast');
  try {
    writeFileSync(ballast, Buffer.alloc(16 * 2 ** 20));
    await expect(started(dir)).rejects.toMatchObject({
      code: 'data_dir_unusable',
      message: expect.stringMatching(`^The data directory ${dir} cannot be written: .*\\.$`) as unknown,
      hint: expect.stringContaining('Free space') as unknown,
    });
    rmSync(ballast);
    expect(await (await started(dir)).close()).toEqual([]);
  } finally {
    execFileSync(UNMOUNT, [dir]);
    rmSync(dir, { recursive: true });
  }
});

it('leaves errors that are not of the disk as they are', () => {
  const other = new TypeError('no');
  expect(startError(other, '/data')).toBe(other);
  const full = Object.assign(new Error('ENOSPC: no space left'), { code: 'ENOSPC' });
  expect(startError(full, '/data')).toMatchObject({
    code: 'data_dir_unusable',
    message: 'The data directory /data cannot be written: ENOSPC: no space left.',
  });
});
