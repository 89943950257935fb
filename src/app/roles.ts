/**
 * What one `vitrine start` is. Here the monitor; `stack-roles.ts` has those that carry traffic. Each role begins its telemetry first, then its parts, and
 * ends in the opposite order, so that the last requests are still seen.
 */
import { systemClock } from '../base/clock.ts';
import type { MonitorOptions } from './monitor/parts.ts';
import type { Monitor } from './monitor/process.ts';
import { parentChannel } from './process/parent-channel.ts';
import { startProcessTelemetry, type ProcessTelemetry } from './process/telemetry.ts';
import { addressText, localUrl, type Settings } from './process/settings.ts';
import { version } from './process/version.ts';

export interface RoleOptions {
  readonly settings: Settings;
  readonly dataDir: string;
  readonly env: NodeJS.ProcessEnv;
  readonly testMode: boolean;
  /** The console belongs to somebody else: log lines go to files and the page only. */
  readonly quiet?: boolean;
  /** Flags that the monitor child needs to come to the same settings. */
  readonly monitorArgs: readonly string[];
}

export interface Running {
  /** Name and address of what listens, for people. */
  readonly addresses: readonly (readonly [name: string, where: string])[];
  /** Resolves when the process that forked this one has gone; never where nobody did. */
  readonly orphaned: Promise<void>;
  reload(settings: Settings): void | Promise<void>;
  /** Tells how the last reload went. */
  reloaded(successful: boolean, text: string): void;
  close(): Promise<string[]>;
}

// A process loads the wing that it is, not both.
const startMonitor = async (options: MonitorOptions): Promise<Monitor> =>
  (await import('./monitor/process.ts')).startMonitor(options);

export const NEVER = new Promise<void>(() => {});

export async function startMonitorRole(options: RoleOptions): Promise<Running> {
  const { settings, dataDir, env, testMode } = options;
  const channel = parentChannel();
  const own = await startProcessTelemetry({
    serviceName: 'vitrine-monitor',
    instanceId: addressText(settings.monitor.listen),
    settings,
    dataDir,
    env,
    host: channel === undefined,
    frames: !testMode,
    parent: channel?.lines,
  });
  const { logger } = own.logs;
  const monitor = await orClose(own, () =>
    startMonitor({
      settings,
      dataDir,
      testMode,
      telemetry: own.telemetry,
      version: version(),
      clock: systemClock,
      logger,
    }),
  );
  channel?.onFrame((frame) => monitor.receive(frame));
  channel?.ready();
  return {
    addresses: testMode ? [['Test mode', localUrl(settings.monitor.listen)]] : monitorAddresses(settings),
    orphaned: channel === undefined ? NEVER : new Promise((resolve) => channel.onGone(resolve)),
    reload: (next) => monitor.reload(next),
    reloaded: own.reloaded,
    async close() {
      const troubles = await monitor.close();
      await own.close();
      return troubles;
    },
  };
}

export async function orClose<T>(own: ProcessTelemetry, start: () => Promise<T>): Promise<T> {
  try {
    return await start();
  } catch (error) {
    await own.close();
    throw error;
  }
}

export const monitorAddresses = ({ monitor }: Settings): [string, string][] => [
  ['Dashboard', localUrl(monitor.listen)],
  ['Send OTLP', `${localUrl(monitor.otlp_http)} (gRPC ${addressText(monitor.otlp_grpc)})`],
];
