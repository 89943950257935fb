/**
 * What one `vitrine start` is: the monitor, a balancer, or all of it. Each role begins its telemetry first, then its parts, and
 * ends in the opposite order, so that the last requests are still seen.
 */
import { systemClock } from '../base/clock.ts';
import { VitrineError } from '../base/errors.ts';
import type { Endpoint } from '../stack/balancer/config.ts';
import { growSlowly } from './lean-heap.ts';
import { MonitorChild } from './monitor-child.ts';
import type { Monitor, MonitorOptions } from './monitor-process.ts';
import { parentChannel } from './parent-channel.ts';
import { startProcessTelemetry, type ProcessTelemetry } from './process-telemetry.ts';
import { removeRunFile, writeRunFile } from './run-file.ts';
import { SampleServices } from './sample-services.ts';
import { addressText, localUrl, type Settings } from './settings.ts';
import type { Stack, StackOptions } from './stack-process.ts';
import { version } from './version.ts';

export interface RoleOptions {
  readonly settings: Settings;
  readonly dataDir: string;
  readonly env: NodeJS.ProcessEnv;
  readonly testMode: boolean;
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

const NEVER = new Promise<void>(() => {});

// A process loads the wing that it is, not both.
const startMonitor = async (options: MonitorOptions): Promise<Monitor> =>
  (await import('./monitor-process.ts')).startMonitor(options);
const startStack = async (options: StackOptions): Promise<Stack> =>
  (await import('./stack-process.ts')).startStack(options);

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

async function orClose<T>(own: ProcessTelemetry, start: () => Promise<T>): Promise<T> {
  try {
    return await start();
  } catch (error) {
    await own.close();
    throw error;
  }
}

const monitorAddresses = ({ monitor }: Settings): [string, string][] => [
  ['Dashboard', localUrl(monitor.listen)],
  ['Send OTLP', `${localUrl(monitor.otlp_http)} (gRPC ${addressText(monitor.otlp_grpc)})`],
];

/** The stack's own telemetry; `health` is asked for with every frame, before the balancer is there too. */
function stackTelemetry(
  options: RoleOptions,
  frames: boolean,
  stack: () => Stack | undefined,
): Promise<ProcessTelemetry> {
  const { settings, dataDir, env } = options;
  growSlowly();
  return startProcessTelemetry({
    serviceName: 'vitrine-balancer',
    instanceId: addressText(settings.balancer.listen),
    settings,
    dataDir,
    env,
    host: true,
    frames,
    health: () => stack()?.health(),
    monitorUrl: settings.telemetry.monitor,
  });
}

export async function startBalancerRole(options: RoleOptions): Promise<Running> {
  const { settings } = options;
  if (settings.balancer.routes.length === 0) {
    throw new VitrineError('config_invalid', 'A balancer alone needs upstreams.', {
      hint: 'Set balancer.upstreams (or VITRINE_BALANCER__UPSTREAMS).',
    });
  }
  let stack: Stack | undefined;
  const own = await stackTelemetry(options, false, () => stack);
  stack = await orClose(own, () =>
    startStack({ settings, balancer: settings.balancer, clock: systemClock, logger: own.logs.logger }),
  );
  const running = stack;
  return {
    addresses: [['Balancer', localUrl(settings.balancer.listen)]],
    orphaned: NEVER,
    reload() {},
    reloaded: own.reloaded,
    async close() {
      const troubles = await running.close();
      await own.close();
      return troubles;
    },
  };
}

/** The balancer in this process, with the monitor beside it; `upstreams` stand in when none is configured. */
export async function startWithMonitor(
  options: RoleOptions,
  upstreams: (whenReady: MonitorHandle) => Promise<UpstreamSource>,
): Promise<Running> {
  const { settings, dataDir, env } = options;
  let stack: Stack | undefined;
  const own = await stackTelemetry(options, true, () => stack);
  const { logger } = own.logs;
  const monitor = new MonitorChild({
    args: options.monitorArgs,
    env,
    clock: systemClock,
    logger,
    onLine: (line) => own.logs.relay(line),
  });
  let source: UpstreamSource | undefined;
  const close = async (): Promise<string[]> => {
    const troubles = (await stack?.close()) ?? [];
    await source?.stop();
    await monitor.stop();
    removeRunFile(dataDir);
    await own.close();
    return troubles;
  };
  try {
    const ready = Promise.race([monitor.ready, monitor.failed]);
    source = await upstreams({ ready, url: localUrl(settings.monitor.otlp_http), logger });
    const { routes, policy } = settings.balancer;
    const balancer =
      routes.length > 0
        ? settings.balancer
        : { ...settings.balancer, routes: [{ path: '/', policy, upstreams: source.endpoints }] };
    stack = await startStack({ settings, balancer, clock: systemClock, logger });
    if (own.telemetry.frames !== undefined) monitor.feed(own.telemetry.frames);
    await ready;
  } catch (error) {
    await close();
    throw error;
  }
  const { drillToken, list } = source;
  const note = (): void =>
    writeRunFile(dataDir, {
      pid: process.pid,
      balancer: localUrl(settings.balancer.listen),
      monitor: localUrl(settings.monitor.listen),
      otlpHttp: localUrl(settings.monitor.otlp_http),
      monitorPid: monitor.pid,
      services: list(),
      drillToken,
    });
  source.onChange(note);
  note();
  return {
    addresses: [
      [
        'Balancer',
        `${localUrl(settings.balancer.listen)} -> ${
          list()
            .map(({ name }) => name)
            .join(', ') || 'your upstreams'
        }`,
      ],
      ...monitorAddresses(settings),
      ['Data', dataDir],
    ],
    orphaned: NEVER,
    reload: () => monitor.hup(),
    reloaded: own.reloaded,
    close,
  };
}

export interface MonitorHandle {
  readonly ready: Promise<void>;
  /** OTLP/HTTP address. */
  readonly url: string;
  readonly logger: ProcessTelemetry['logs']['logger'];
}

/** What stands behind the balancer when no upstream is configured. */
export interface UpstreamSource {
  readonly endpoints: readonly Endpoint[];
  readonly drillToken: string | undefined;
  readonly list: () => { readonly name: string; readonly url: string; readonly pid: number }[];
  onChange(note: () => void): void;
  stop(): Promise<void>;
}

/** Role `all`: the sample services, unless upstreams are configured. */
export function startAll(options: RoleOptions): Promise<Running> {
  const { settings, dataDir, env } = options;
  const { enabled, listen } = settings.sample;
  return startWithMonitor(options, async ({ url, logger }) => {
    if (settings.balancer.routes.length > 0)
      return { endpoints: [], drillToken: undefined, list: () => [], onChange() {}, stop: async () => {} };
    if (!enabled)
      throw new VitrineError('config_invalid', 'There are no upstreams and the sample services are switched off.', {
        hint: 'Set balancer.upstreams.',
      });
    let changed = (): void => {};
    const services = new SampleServices({
      addresses: listen,
      dataDir,
      env,
      monitorUrl: url,
      clock: systemClock,
      logger,
      onChange: () => changed(),
    });
    return {
      endpoints: listen,
      drillToken: services.drillToken,
      list: () => services.list(),
      onChange(note) {
        changed = note;
      },
      stop: () => services.stop(),
    };
  });
}
