/**
 * The roles that carry traffic: a balancer alone, or a balancer with the monitor as a child process. Upstreams are the
 * services that the settings name, the sample services, or the user's own command.
 */
import { systemClock } from '../base/clock.ts';
import { systemRandom } from '../base/random.ts';
import { DEMO_PASSWORD, demoAccount, demoUser } from '../sample/demo-data.ts';
import type { Balancer } from '../stack/balancer/balancer.ts';
import { VitrineError } from '../base/errors.ts';
import type { Logger } from '../base/logger.ts';
import { catchAll, type BalancerOptions } from '../stack/balancer/config.ts';
import type { Endpoint } from '../stack/balancer/options/upstream-options.ts';
import { MonitorChild } from './stack/monitor-child.ts';
import { allFree, claim, releasing, type Wanted } from './process/claim.ts';
import { monitorAddresses, monitorWanted, NEVER, orClose, type RoleOptions, type Running } from './roles.ts';
import { startProcessTelemetry, type ProcessTelemetry } from './process/telemetry.ts';
import { removeRunFile, writeRunFile, type RunningService } from './process/run-file.ts';
import { SampleServices } from './stack/sample-services.ts';
import { noSample, SampleTraffic } from './stack/sample-traffic.ts';
import { addressText, localUrl } from './process/settings.ts';
import type { Settings } from './process/settings-schema.ts';
import { handedSockets, Replacement, takesOver } from './stack/replacement.ts';
import { startStack, type Stack } from './stack/process.ts';

/** The stack's own telemetry; `health` is called for every frame, also before the balancer has started. */
function stackTelemetry(
  options: RoleOptions,
  frames: boolean,
  stack: () => Stack | undefined,
): Promise<ProcessTelemetry> {
  const { settings, dataDir, env } = options;
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
    quiet: options.quiet,
  });
}

export async function startBalancerRole(options: RoleOptions): Promise<Running> {
  const { settings, env } = options;
  if (settings.balancer.routes.length === 0) {
    throw new VitrineError('config_invalid', 'A balancer that runs alone needs upstreams.', {
      hint: 'Set balancer.upstreams (or VITRINE_BALANCER__UPSTREAMS).',
    });
  }
  // A process that takes over is handed the listening sockets.
  if (!takesOver(env)) await allFree(wantedBy(settings).slice(0, 1), systemClock);
  let stack: Stack | undefined;
  const own = await stackTelemetry(options, false, () => stack);
  stack = await orClose(own, () =>
    startStack({
      settings,
      balancer: settings.balancer,
      upstreamsStart: false,
      bareHealth: false,
      handed: takesOver(env) ? handedSockets : undefined,
      clock: systemClock,
      logger: own.logs.logger,
    }),
  );
  const running = stack;
  const replacement = new Replacement(running.serving, own.logs.logger);
  if (takesOver(env)) replacement.listen();
  return {
    replacement,
    addresses: [['Balancer', localUrl(settings.balancer.listen)]],
    orphaned: NEVER,
    reload: (next) => running.reload(next.balancer),
    reloaded: own.reloaded,
    async close() {
      const troubles = await running.close();
      await own.close();
      return troubles;
    },
  };
}

/** The services behind the balancer when no upstream is configured. */
export interface UpstreamSource {
  readonly endpoints: readonly Endpoint[];
  readonly drillToken: string | undefined;
  readonly list: () => RunningService[];
  /** Sample traffic through the balancer; absent when the services are the user's. */
  readonly traffic?: (balancer: Balancer) => SampleTraffic;
  /** `note` is called when a process was restarted. */
  onChange(note: () => void): void;
  stop(): Promise<void>;
}

export interface MonitorHandle {
  readonly ready: Promise<void>;
  /** OTLP/HTTP address. */
  readonly url: string;
  readonly logger: Logger;
}

const NO_SOURCE: UpstreamSource = {
  endpoints: [],
  drillToken: undefined,
  list: () => [],
  onChange() {},
  stop: async () => {},
};

function withUpstreams({ balancer }: Settings, { endpoints }: UpstreamSource): BalancerOptions {
  if (balancer.routes.length > 0) return balancer;
  return { ...balancer, routes: [catchAll(balancer, endpoints)] };
}

/** The balancer in this process and the monitor as a child; `upstreams` are used when none is configured. */
export async function startWithMonitor(
  options: RoleOptions,
  upstreams: (monitor: MonitorHandle) => Promise<UpstreamSource>,
): Promise<Running> {
  const { settings, dataDir, env } = options;
  let stack: Stack | undefined;
  let source: UpstreamSource = NO_SOURCE;
  const claimed = await claim(dataDir, wantedBy(settings), systemClock);
  const own = await releasing(claimed, () => stackTelemetry(options, true, () => stack));
  const { logger } = own.logs;
  let changed = (): void => {};
  let sample: SampleTraffic | undefined;
  const monitor = new MonitorChild({
    args: options.monitorArgs,
    env,
    intervalMs: settings.telemetry.interval,
    clock: systemClock,
    logger,
    onLine: (line) => own.logs.relay(line),
    onReady: () => changed(),
    onRoutes: (lessons) => stack?.balancer.learnRoutes(lessons),
    onCare: async (call) =>
      (sample === undefined ? noSample(call.path) : sample.call(call.method, call.path)) ??
      (await stack?.balancer.care(call)) ?? { status: 503, body: {} },
  });
  const close = async (): Promise<string[]> => {
    await sample?.stop();
    const troubles = (await stack?.close()) ?? [];
    await monitor.lastFrame();
    // The monitor ends after the services have sent their last telemetry to it; exporters of this process need not wait for either.
    const children = source.stop().then(() => monitor.stop());
    await own.close(children);
    removeRunFile(dataDir);
    claimed.release();
    return troubles;
  };
  try {
    const ready = monitor.started;
    source = await upstreams({ ready, url: localUrl(settings.monitor.otlp_http), logger });
    stack = await startStack({
      settings,
      balancer: withUpstreams(settings, source),
      upstreamsStart: settings.balancer.routes.length === 0,
      // The sample services have a drill token, the user's own command has none.
      bareHealth: source.drillToken !== undefined,
      clock: systemClock,
      logger,
    });
    if (own.telemetry.frames !== undefined) monitor.feed(own.telemetry.frames);
    await ready;
    sample = source.traffic?.(stack.balancer);
  } catch (error) {
    await close();
    throw error;
  }
  const note = (): void => noteRun(options, monitor, source);
  changed = note;
  source.onChange(note);
  note();
  return {
    addresses: stackAddresses(options, source),
    orphaned: NEVER,
    reload(next) {
      stack?.reload(withUpstreams(next, source));
      monitor.hup();
    },
    reloaded: own.reloaded,
    close,
  };
}

/**
 * Addresses that this process and its monitor listen on. The addresses of the sample services are not listed, because
 * these services try again by themselves.
 */
const wantedBy = ({ balancer, monitor }: Settings): Wanted[] => [
  { name: 'balancer.listen', at: balancer.listen },
  ...monitorWanted(monitor),
];

function noteRun(
  { settings, dataDir }: RoleOptions,
  monitor: MonitorChild,
  { drillToken, list }: UpstreamSource,
): void {
  writeRunFile(dataDir, {
    pid: process.pid,
    balancer: localUrl(settings.balancer.listen),
    monitor: localUrl(settings.monitor.listen),
    otlpHttp: localUrl(settings.monitor.otlp_http),
    otlpGrpc: localUrl(settings.monitor.otlp_grpc),
    monitorPid: monitor.pid,
    services: list(),
    drillToken,
  });
}

function stackAddresses({ settings, dataDir }: RoleOptions, { list }: UpstreamSource): Running['addresses'] {
  const behind = list().map(({ name }) => name);
  const upstreams = behind.length > 0 ? behind.join(', ') : 'your upstreams';
  return [
    ['Balancer', `${localUrl(settings.balancer.listen)} -> ${upstreams}`],
    ...monitorAddresses(settings, dataDir),
    ['Data', dataDir],
  ];
}

/** The last of the demo users, so that a load test does not act for the same person. */
const SAMPLE_USER = 199;

function sampleTraffic(balancer: Balancer, settings: Settings): SampleTraffic {
  return new SampleTraffic({
    url: localUrl(settings.balancer.listen),
    person: { user: demoUser(SAMPLE_USER), password: DEMO_PASSWORD, account: demoAccount(SAMPLE_USER) },
    requests: () => balancer.health().requests,
    clock: systemClock,
    random: systemRandom,
  });
}

/** Role `all`: the sample services, unless upstreams are configured. */
export function startAll(options: RoleOptions): Promise<Running> {
  const { settings, dataDir, env } = options;
  const { enabled, listen, traffic } = settings.sample;
  return startWithMonitor(options, async ({ url, logger }) => {
    if (settings.balancer.routes.length > 0) return NO_SOURCE;
    if (!enabled) {
      throw new VitrineError('config_invalid', 'There are no upstreams and the sample services are switched off.', {
        hint: 'Set balancer.upstreams.',
      });
    }
    let changed = (): void => {};
    const services = new SampleServices({
      addresses: listen,
      dataDir,
      env,
      monitorUrl: url,
      intervalMs: settings.telemetry.interval,
      clock: systemClock,
      logger,
      onChange: () => changed(),
    });
    return {
      endpoints: listen,
      drillToken: services.drillToken,
      list: () => services.list(),
      ...(traffic ? { traffic: (balancer: Balancer) => sampleTraffic(balancer, settings) } : {}),
      onChange(note) {
        changed = note;
      },
      stop: () => services.stop(),
    };
  });
}
