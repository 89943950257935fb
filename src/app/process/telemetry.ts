/** Starts logs and telemetry of one of Vitrine's own processes together, because each reports on the other. */
import path from 'node:path';
import { metrics } from '@opentelemetry/api';
import { systemClock, type Clock } from '../../base/clock.ts';
import type { Health } from '../../model/health.ts';
import { observeMetric } from '../../telemetry/metrics/meters.ts';
import { METRICS } from '../../telemetry/names.ts';
import { registerHostMetrics } from '../../telemetry/metrics/host-metrics.ts';
import type { Out } from '../../telemetry/logs/log-console.ts';
import { createLogs, type LogOptions, type Logs } from '../../telemetry/logs/logs.ts';
import { registerProcessMetrics } from '../../telemetry/metrics/process-metrics.ts';
import { registerRuntimeMetrics } from '../../telemetry/metrics/runtime-metrics.ts';
import { withConfigFile } from '../../telemetry/others/config-file.ts';
import { startTelemetry, type Telemetry } from '../../telemetry/sdk.ts';
import { childEnvironment } from './child-environment.ts';
import { prepareDataDir } from './data-dir.ts';
import { version } from './version.ts';
import type { Settings } from './settings-schema.ts';

export interface ProcessTelemetryOptions {
  readonly serviceName: 'vitrine-balancer' | 'vitrine-monitor';
  readonly instanceId: string;
  readonly settings: Settings;
  readonly dataDir: string;
  readonly env: NodeJS.ProcessEnv;
  /** Only one process reports the host's metrics. */
  readonly host: boolean;
  readonly frames: boolean;
  readonly health?: (() => Health | undefined) | undefined;
  /** Receives the finished lines instead of files and console. */
  readonly parent?: Out | undefined;
  /** Nothing is written to the console. */
  readonly quiet?: boolean | undefined;
  /** OTLP address of a monitor on another machine. */
  readonly monitorUrl?: string | undefined;
}

export interface ProcessTelemetry {
  readonly telemetry: Telemetry;
  readonly logs: Logs;
  /** Records the outcome of a configuration reload, in the log and as a metric. */
  readonly reloaded: (successful: boolean, text: string) => void;
  /** Flushes within three seconds (half of that in a child), then closes the files, after `last` too. Never rejects. */
  close(last?: Promise<unknown>): Promise<void>;
}

/** A child ends while its parent waits, so it has less time: all processes end within five seconds. */
const CHILD_FLUSH_LIMIT_MS = 1_500;

function reloadReport({ logger }: Logs, clock: Clock): ProcessTelemetry['reloaded'] {
  let last = 1;
  let goodSeconds: number | undefined;
  const meter = metrics.getMeter('vitrine.config');
  observeMetric(meter, METRICS.configReload, (result) => result.observe(last));
  observeMetric(meter, METRICS.configReloadTime, (result) => {
    if (goodSeconds !== undefined) result.observe(goodSeconds);
  });
  return (successful, text) => {
    last = successful ? 1 : 0;
    if (successful) goodSeconds = clock.now() / 1_000;
    if (successful) logger.info({}, 'The configuration was reloaded');
    else logger.error({ problems: text }, 'The configuration has mistakes; the last good one stays in use');
  };
}

function consoleOf(env: NodeJS.ProcessEnv): LogOptions['console'] {
  const { stderr } = process;
  return { kind: stderr.isTTY ? 'pretty' : 'json', out: stderr, colour: stderr.isTTY && !env['NO_COLOR'] };
}

/** Throws VitrineError `data_dir_unusable`, `exporter_unknown`, `auth_required_to_bind`, `port_taken`, `bind_failed`. */
export async function startProcessTelemetry(options: ProcessTelemetryOptions): Promise<ProcessTelemetry> {
  const { settings, env, serviceName, instanceId } = options;
  if (options.parent === undefined) prepareDataDir(options.dataDir);
  const { log_level, log_max_size, log_keep, interval } = settings.telemetry;
  const logs = createLogs({
    level: log_level,
    // Files have one writer: a child sends its lines to its parent.
    ...(options.parent === undefined
      ? {
          directory: path.join(options.dataDir, 'logs'),
          console: options.quiet ? ({ kind: 'off' } as const) : consoleOf(env),
        }
      : { console: { kind: 'json', out: options.parent } as const }),
    maxSizeBytes: log_max_size,
    keep: log_keep,
    base: { service: serviceName },
  });
  try {
    const isChild = options.parent !== undefined;
    const telemetry = await withConfigFile(env, { logger: logs.logger, isChild }, (told) =>
      startTelemetry({
        serviceName,
        serviceVersion: version(),
        instanceId,
        env: isChild ? childEnvironment(told) : told,
        logger: logs.logger,
        isChild,
        clock: systemClock,
        collectIntervalMs: interval,
        shutdownLimitMs: options.parent === undefined ? undefined : CHILD_FLUSH_LIMIT_MS,
        token: settings.auth.token?.reveal(),
        ...(options.frames ? { frames: { health: options.health } } : { monitorUrl: options.monitorUrl }),
      }),
    );
    const ends = [registerProcessMetrics(), registerRuntimeMetrics(), ...(options.host ? [registerHostMetrics()] : [])];
    return {
      telemetry,
      logs,
      reloaded: reloadReport(logs, systemClock),
      async close(last) {
        for (const end of ends) end();
        await Promise.allSettled([telemetry.shutdown(), last]);
        await logs.close();
      },
    };
  } catch (error) {
    await logs.close();
    throw error;
  }
}
