/**
 * `node --import vitrine/register app.js`: observes a user's service without a change to its code. Traces, metrics and logs go by
 * OTLP to http://127.0.0.1:4318 (Vitrine, or any Collector) unless OTEL_* says otherwise. Under Vitrine, which sets
 * VITRINE_TELEMETRY__MONITOR, all of them go to its monitor, and also to the exporters that OTEL_* names. The preload never
 * ends or changes its host: it has no signal listener and calls no `process.exit`, and a failure here leaves the service as it
 * was, with one line on stderr. Only a named exporter that cannot be loaded ends the start, with exit code 3.
 */
import { readFileSync, realpathSync } from 'node:fs';
import path from 'node:path';
import { isMainThread } from 'node:worker_threads';
import { VitrineError } from '../base/errors.ts';
import type { Logger } from '../base/logger.ts';
import { parseDurationMs } from '../base/units.ts';
import type { Env } from './environment.ts';
import { textOf } from './environment.ts';
import { instanceIdOf, isLauncher } from './process-identity.ts';

const DEFAULT_ENDPOINT = 'http://127.0.0.1:4318';
const DEFAULT_METRIC_INTERVAL_MS = 5_000;
/** The longest time by which the end of the process may be delayed when no other work is left. */
const END_LIMIT_MS = 500;

const say = (message: string): void => {
  process.stderr.write(`vitrine: ${message}\n`);
};

/** Only messages that the user must know go to stderr: the output belongs to the user's service. */
const stderrLogger: Logger = {
  debug() {},
  info() {},
  // Diagnostics of instrumentations do not belong on the console of their host; OTEL_LOG_LEVEL shows them.
  warn: ({ source }, message) => {
    if (source !== 'opentelemetry') say(message);
  },
  error: (_fields, message) => say(message),
  child: () => stderrLogger,
};

/** Under Vitrine the console belongs to the application alone; Vitrine itself sees when telemetry stops. */
const quietLogger: Logger = { debug() {}, info() {}, warn() {}, error() {}, child: () => quietLogger };

/** The name of the package the service was started in; the specification's default when there is none. */
function packageName(): string {
  try {
    const file = path.join(process.cwd(), 'package.json');
    const { name } = JSON.parse(readFileSync(file, 'utf8')) as { name?: unknown };
    if (typeof name === 'string' && name !== '') return name;
  } catch {
    // There is no package here, so the default is used.
  }
  return 'unknown_service:node';
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

/** The file that this process runs; `npm` and the like are symbolic links. */
function programFile(): string | undefined {
  const [, script] = process.argv;
  try {
    return script === undefined ? undefined : realpathSync(script);
  } catch {
    return script;
  }
}

/** The oldest Node.js that the preload was tried on. */
const OLDEST = [20, 19] as const;

function isTooOld(): boolean {
  const [major, minor] = process.versions.node.split('.').map(Number);
  if (major > OLDEST[0] || (major === OLDEST[0] && minor >= OLDEST[1])) return false;
  say(
    `this service is not observed: the preload needs Node.js ${OLDEST.join('.')} or newer; this is ${process.versions.node}.`,
  );
  return true;
}

/**
 * The exporters of the SDK read the endpoint from the environment themselves; `localhost` may be ::1, where nothing listens. The
 * application's own exporters must not find it there.
 */
async function withEndpoint<T>(env: NodeJS.ProcessEnv, start: () => Promise<T>): Promise<T> {
  const name = 'OTEL_EXPORTER_OTLP_ENDPOINT';
  if (textOf(env, name) !== undefined || textOf(env, 'OTEL_EXPORTER_OTLP_PROTOCOL') === 'grpc') return start();
  const before = env[name];
  env[name] = DEFAULT_ENDPOINT;
  try {
    return await start();
  } finally {
    if (before === undefined) delete env[name];
    else env[name] = before;
  }
}

async function observe(runDir: string | undefined): Promise<void> {
  if (isTooOld()) return;
  const { env } = process;
  const monitorUrl = monitorOf(env);
  const { startTelemetry } = await import('./sdk.ts');
  const { isInstrumentationOn, loadInstrumentation, watchPackages } = await import('./lazy-instrumentations.ts');
  const undici = isInstrumentationOn(env, 'undici') ? loadInstrumentation('undici') : undefined;
  const telemetry = await withEndpoint(env, () =>
    startTelemetry({
      serviceName: packageName(),
      instanceId: instanceIdOf(env, runDir),
      env,
      logger: monitorUrl === undefined ? stderrLogger : quietLogger,
      instrumentations: undici === undefined ? [] : [undici],
      exportersWhenUnset: monitorUrl === undefined ? ['otlp'] : [],
      monitorUrl,
      defaultMetricIntervalMs: DEFAULT_METRIC_INTERVAL_MS,
      collectIntervalMs: collectIntervalOf(env),
      shutdownLimitMs: END_LIMIT_MS,
      holdLimitMs: END_LIMIT_MS / 2,
      sharesProcess: true,
    }),
  );
  if (runDir !== undefined) (await import('./listener-reports.ts')).reportListeners(runDir);
  if (telemetry.live === undefined) return;
  if (isInstrumentationOn(env, 'runtime-node')) {
    const { registerRuntimeMetrics } = await import('./metrics/runtime-metrics.ts');
    registerRuntimeMetrics();
  }
  const { observeHttpServers } = await import('./spans/http-server-spans.ts');
  const { observeHttpClients } = await import('./spans/http-client-spans.ts');
  const { tieFastify } = await import('./spans/framework-routes.ts');
  const { withoutIntakeCalls } = await import('./spans/intake-calls.ts');
  const { flushAtEnd } = await import('./flush-at-end.ts');
  if (isInstrumentationOn(env, 'http')) {
    observeHttpServers(telemetry.handover?.own);
    observeHttpClients(telemetry.handover?.tracers);
    tieFastify();
  }
  // The switch of the standard instrumentation that reports these metrics; the monitor reports the metrics of the machine.
  if (isInstrumentationOn(env, 'host-metrics')) {
    const { registerProcessMetrics } = await import('./metrics/process-metrics.ts');
    registerProcessMetrics();
  }
  if (isInstrumentationOn(env, 'console') && telemetry.takesLogs) {
    const { observeConsole } = await import('./logs/console-lines.ts');
    observeConsole();
  }
  const { handover } = telemetry;
  watchPackages(env, (instrumentation) => {
    if (handover === undefined) return;
    const isLow = /instrumentation-(?:net|dns)$/.test(instrumentation.instrumentationName);
    instrumentation.setTracerProvider(isLow ? withoutIntakeCalls(handover.tracers) : handover.tracers);
  });
  if (undici !== undefined && handover !== undefined) {
    undici.setTracerProvider(handover.tracers);
    const { onTheirs } = await import('./others/scopes.ts');
    onTheirs((suffix) => {
      if (suffix === 'undici') undici.disable();
    });
  }
  flushAtEnd(() => telemetry.flush());
}

try {
  // A worker thread belongs to its process, which is observed; a second reporter would have the same identity.
  if (isMainThread) {
    const runDir = textOf(process.env, 'VITRINE_RUN_DIR');
    if (runDir !== undefined) (await import('./listener-reports.ts')).reportProcess(runDir);
    if (!isLauncher(programFile())) await observe(runDir);
  }
} catch (error) {
  if (error instanceof VitrineError) {
    say(error.message);
    if (error.hint !== undefined) say(error.hint);
    process.exit(error.exitCode);
  }
  say(`this service is not observed: ${error instanceof Error ? error.message : String(error)}`);
}
