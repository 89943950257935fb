/**
 * `node --import vitrine/register app.js`: a user's service tells what it does, with no change to its code. Traces, metrics
 * and logs go by OTLP to http://127.0.0.1:4318 (Vitrine, or any Collector) unless OTEL_* says otherwise; under Vitrine, which
 * sets VITRINE_TELEMETRY__MONITOR, all of them go to its monitor, and to exporters that OTEL_* names beside it. It must cost
 * little and never hurt its host: whatever fails here leaves the service as it was, with one line on stderr; only an
 * exporter that was asked for by name and cannot be had ends the start, with exit code 3.
 */
import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { VitrineError } from '../base/errors.ts';
import type { Logger } from '../base/logger.ts';
import { parseDurationMs } from '../base/units.ts';
import type { Env } from './environment.ts';
import { textOf } from './environment.ts';
import type { Telemetry } from './sdk.ts';

const DEFAULT_ENDPOINT = 'http://127.0.0.1:4318';
const DEFAULT_METRIC_INTERVAL_MS = 5_000;
const SHUTDOWN_LIMIT_MS = 3_000;
/** Of a service under Vitrine, which waits for it. */
const WATCHED_SHUTDOWN_LIMIT_MS = 1_500;

const say = (message: string): void => {
  process.stderr.write(`vitrine: ${message}\n`);
};

/** Only messages that the user must know go to stderr: the output belongs to the user's service. */
const stderrLogger: Logger = {
  debug() {},
  info() {},
  // Diagnostics of instrumentations are not for the console of their host; OTEL_LOG_LEVEL shows them.
  warn: ({ source }, message) => {
    if (source !== 'opentelemetry') say(message);
  },
  error: (_fields, message) => say(message),
  child: () => stderrLogger,
};

/** The name of the package the service was started in; the specification's default when there is none. */
function packageName(): string {
  try {
    const file = path.join(process.cwd(), 'package.json');
    const { name } = JSON.parse(readFileSync(file, 'utf8')) as { name?: unknown };
    if (typeof name === 'string' && name !== '') return name;
  } catch {
    // No package here: the default says so.
  }
  return 'unknown_service:node';
}

function instanceId(): string {
  const port = textOf(process.env, 'PORT');
  return port === undefined ? randomUUID() : `${os.hostname()}:${port}`;
}

/** Set by Vitrine for the services that it starts. */
function collectIntervalOf(env: Env): number | undefined {
  const ms = parseDurationMs(textOf(env, 'VITRINE_TELEMETRY__INTERVAL') ?? '');
  return ms === undefined || ms < 1_000 ? undefined : Math.min(ms, 60_000);
}

/** The monitor that started this service, or that its environment names. */
function monitorOf(env: Env): string | undefined {
  const url = textOf(env, 'VITRINE_TELEMETRY__MONITOR');
  // `URL.parse` came with Node.js 22.
  if (url === undefined || (URL.canParse(url) && /^https?:$/.test(new URL(url).protocol))) return url;
  say('VITRINE_TELEMETRY__MONITOR is no http address and is ignored.');
  return undefined;
}

/**
 * Telemetry ends with the service, in three seconds at most, in half of that under Vitrine. Where the service has no handler of its own for the signal, ours
 * would keep it alive: then the signal is sent again once all is sent. Where it has one, it may drain for long: what there is
 * so far is sent, and the rest when nothing is left to do. `process.exit` in its handler loses the last second.
 */
function flushAtEnd(telemetry: Telemetry): void {
  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    const onSignal = async (): Promise<void> => {
      if (process.listenerCount(signal) > 1) return telemetry.flush();
      await telemetry.shutdown();
      process.off(signal, handler);
      process.kill(process.pid, signal);
    };
    const handler = (): void => void onSignal();
    process.on(signal, handler);
  }
  process.once('beforeExit', () => {
    void telemetry.shutdown().then(() => {
      // Sockets of a collector that never answers would hold the process; nothing else is left to be done here.
      process.exit();
    });
  });
}

/** The oldest Node.js that the preload was tried on. */
const OLDEST = [20, 19] as const;

async function observe(): Promise<void> {
  const [major, minor] = process.versions.node.split('.').map(Number);
  if (major < OLDEST[0] || (major === OLDEST[0] && minor < OLDEST[1])) {
    say(
      `this service is not observed: the preload needs Node.js ${OLDEST.join('.')} or newer; this is ${process.versions.node}.`,
    );
    return;
  }
  const { env } = process;
  const monitorUrl = monitorOf(env);
  // The exporters of the SDK read this themselves; `localhost` may be ::1, where nothing listens.
  if (textOf(env, 'OTEL_EXPORTER_OTLP_PROTOCOL') !== 'grpc') env['OTEL_EXPORTER_OTLP_ENDPOINT'] ||= DEFAULT_ENDPOINT;
  const { startTelemetry } = await import('./sdk.ts');
  const { isInstrumentationOn, loadInstrumentation, watchPackages } = await import('./lazy-instrumentations.ts');
  const telemetry = await startTelemetry({
    serviceName: packageName(),
    instanceId: instanceId(),
    env,
    logger: stderrLogger,
    instrumentations: [isInstrumentationOn(env, 'undici') ? loadInstrumentation('undici') : undefined].filter(
      (made) => made !== undefined,
    ),
    exportersWhenUnset: monitorUrl === undefined ? ['otlp'] : [],
    monitorUrl,
    defaultMetricIntervalMs: DEFAULT_METRIC_INTERVAL_MS,
    collectIntervalMs: collectIntervalOf(env),
    shutdownLimitMs: monitorUrl === undefined ? SHUTDOWN_LIMIT_MS : WATCHED_SHUTDOWN_LIMIT_MS,
  });
  if (telemetry.live === undefined) return;
  if (isInstrumentationOn(env, 'runtime-node')) {
    const { registerRuntimeMetrics } = await import('./metrics/runtime-metrics.ts');
    registerRuntimeMetrics();
  }
  const { observeHttpServers } = await import('./spans/http-server-spans.ts');
  const { observeHttpClients } = await import('./spans/http-client-spans.ts');
  const { tieFastify } = await import('./spans/framework-routes.ts');
  if (isInstrumentationOn(env, 'http')) {
    observeHttpServers();
    observeHttpClients();
    tieFastify();
  }
  // The switch of the standard instrumentation that tells these; what it tells of the machine is left to the monitor.
  if (isInstrumentationOn(env, 'host-metrics')) {
    const { registerProcessMetrics } = await import('./metrics/process-metrics.ts');
    registerProcessMetrics();
  }
  if (isInstrumentationOn(env, 'console') && telemetry.takesLogs) {
    const { observeConsole } = await import('./logs/console-lines.ts');
    observeConsole();
  }
  watchPackages(env, () => {});
  flushAtEnd(telemetry);
}

try {
  await observe();
} catch (error) {
  if (error instanceof VitrineError) {
    say(error.message);
    if (error.hint !== undefined) say(error.hint);
    process.exit(error.exitCode);
  }
  say(`this service is not observed: ${error instanceof Error ? error.message : String(error)}`);
}
