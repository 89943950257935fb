/**
 * A monitor in test mode whose store is emptied by a POST: what a black-box runner that needs an empty server for each of many
 * scripts would start a process for. Here the monitor is closed and opened again in this process, on the same port and over a
 * fresh folder, which takes some 20 ms instead of a second.
 */
import { createServer } from 'node:http';
import { once } from 'node:events';
import { rmSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { systemClock } from '../../../src/base/clock.ts';
import { silentLogger } from '../../../src/base/logger.ts';
import { startMonitor, type Monitor } from '../../../src/app/monitor/process.ts';
import { settingsFrom } from '../../../src/app/process/settings.ts';
import { startTelemetry } from '../../../src/telemetry/sdk.ts';
import { freshDir } from '../program.ts';
import { freePort } from '../programs/vitrine-process.ts';

export interface ResettableMonitor extends AsyncDisposable {
  readonly url: string;
  /** Answers a POST once the monitor is empty. */
  readonly resetUrl: string;
}

export async function resettableMonitor(): Promise<ResettableMonitor> {
  const port = await freePort();
  const settings = settingsFrom(undefined, { env: { VITRINE_MONITOR__LISTEN: `127.0.0.1:${port}` } });
  const telemetry = await startTelemetry({
    serviceName: 'vitrine-monitor',
    instanceId: 'test',
    env: { OTEL_SDK_DISABLED: 'true' },
    logger: silentLogger,
  });
  let dataDir = '';
  let monitor: Monitor | undefined;
  const close = async (): Promise<void> => {
    const troubles = (await monitor?.close()) ?? [];
    monitor = undefined;
    if (dataDir !== '') rmSync(dataDir, { recursive: true, force: true });
    if (troubles.length > 0) throw new Error(troubles.join('\n'));
  };
  const open = async (): Promise<void> => {
    dataDir = freshDir();
    const shared = { version: '0', clock: systemClock, logger: silentLogger };
    monitor = await startMonitor({ settings, dataDir, testMode: true, telemetry, ...shared });
  };
  await open();
  const control = createServer((_request, response) => {
    close()
      .then(open)
      .then(
        () => response.writeHead(200).end(),
        (error: unknown) => response.writeHead(500).end(String(error)),
      );
  });
  control.listen(0, '127.0.0.1');
  await once(control, 'listening');
  return {
    url: `http://127.0.0.1:${port}`,
    resetUrl: `http://127.0.0.1:${(control.address() as AddressInfo).port}/reset`,
    async [Symbol.asyncDispose]() {
      control.closeAllConnections();
      control.close();
      await close();
    },
  };
}
