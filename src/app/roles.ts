/**
 * The roles of `vitrine start`: here the monitor; `stack-roles.ts` has the roles that carry traffic. Each role starts its
 * telemetry first, then its parts, and stops them in reverse order, so that the last requests are still recorded.
 */
import { systemClock } from '../base/clock.ts';
import type { MonitorOptions } from './monitor/parts.ts';
import type { Monitor } from './monitor/process.ts';
import type { Replacement } from './stack/replacement.ts';
import { claim, releasing, type Wanted } from './process/claim.ts';
import { parentChannel } from './process/parent-channel.ts';
import { startProcessTelemetry, type ProcessTelemetry } from './process/telemetry.ts';
import { addressText, localUrl } from './process/settings.ts';
import { signInRow } from './process/sign-in-file.ts';
import type { Settings } from './process/settings-schema.ts';
import { version } from './process/version.ts';

export interface RoleOptions {
  readonly settings: Settings;
  readonly dataDir: string;
  readonly env: NodeJS.ProcessEnv;
  readonly testMode: boolean;
  /** Another program uses the console: log lines go only to files and the page. */
  readonly quiet?: boolean;
  /** Flags with which the monitor child reads the same settings. */
  readonly monitorArgs: readonly string[];
}

export interface Running {
  /** Name and address of each listening port, for people. */
  readonly addresses: readonly (readonly [name: string, where: string])[];
  /** Resolves when the process that forked this one has ended; never when this process was not forked. */
  readonly orphaned: Promise<void>;
  /** How the process is replaced by another while it serves; absent where this is not possible. */
  readonly replacement?: Replacement;
  reload(settings: Settings): void | Promise<void>;
  /** Records the outcome of the last reload. */
  reloaded(successful: boolean, text: string): void;
  close(): Promise<string[]>;
}

// A process imports only the half it runs.
const startMonitor = async (options: MonitorOptions): Promise<Monitor> =>
  (await import('./monitor/process.ts')).startMonitor(options);

export const NEVER = new Promise<void>(() => {});

export async function startMonitorRole(options: RoleOptions): Promise<Running> {
  const { settings, dataDir, env, testMode } = options;
  const channel = parentChannel();
  // A parent has claimed both before it started this process.
  const wanted = testMode ? monitorWanted(settings.monitor).slice(0, 1) : monitorWanted(settings.monitor);
  const claimed = channel === undefined ? await claim(dataDir, wanted, systemClock) : undefined;
  const release = (): void => claimed?.release();
  const own = await releasing({ release }, () =>
    startProcessTelemetry({
      serviceName: 'vitrine-monitor',
      instanceId: addressText(settings.monitor.listen),
      settings,
      dataDir,
      env,
      host: channel === undefined,
      frames: !testMode,
      parent: channel?.lines,
    }),
  );
  const { logger } = own.logs;
  const monitor = await releasing({ release }, () =>
    orClose(own, () =>
      startMonitor({
        care: channel?.care,
        onRoutes: channel?.routes,
        settings,
        dataDir,
        testMode,
        expectsStack: channel !== undefined,
        telemetry: own.telemetry,
        version: version(),
        clock: systemClock,
        logger,
      }),
    ),
  );
  channel?.onFrame((frame) => monitor.receive(frame));
  channel?.ready();
  return {
    addresses: testMode ? [['Test mode', localUrl(settings.monitor.listen)]] : monitorAddresses(settings, dataDir),
    orphaned: channel === undefined ? NEVER : new Promise((resolve) => channel.onGone(resolve)),
    reload: (next) => monitor.reload(next),
    reloaded: own.reloaded,
    async close() {
      const troubles = await monitor.close();
      await own.close();
      release();
      return troubles;
    },
  };
}

/** Addresses of the monitor; in test mode it opens the first only. */
export const monitorWanted = ({ listen, otlp_http, otlp_grpc }: Settings['monitor']): Wanted[] => [
  { name: 'monitor.listen', at: listen },
  { name: 'monitor.otlp_http', at: otlp_http },
  { name: 'monitor.otlp_grpc', at: otlp_grpc },
];

export async function orClose<T>(own: ProcessTelemetry, start: () => Promise<T>): Promise<T> {
  try {
    return await start();
  } catch (error) {
    await own.close();
    throw error;
  }
}

export const monitorAddresses = ({ monitor, status_page }: Settings, dataDir: string): [string, string][] => [
  ['Dashboard', localUrl(monitor.listen)],
  ...(status_page === undefined ? [] : [['Status page', localUrl(status_page.listen)] satisfies [string, string]]),
  ['Send OTLP', `${localUrl(monitor.otlp_http)} (gRPC ${addressText(monitor.otlp_grpc)})`],
  ...signInRow(dataDir, process.stderr.isTTY),
];
