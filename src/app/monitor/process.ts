/**
 * The look inside, put together: ingest → store → PromQL → rules → page and APIs. Decides nothing; every part is built from
 * checked settings and ends with the scope. In test mode it opens its main address only and takes samples of any time.
 */
import { metrics } from '@opentelemetry/api';
import { every, type Clock } from '../../base/clock.ts';
import type { Logger } from '../../base/logger.ts';
import { Scope } from '../../base/scope.ts';
import type { Frame } from '../../model/frame.ts';
import type { Querier } from '../../model/ports.ts';
import { METRICS } from '../../telemetry/names.ts';
import { RuleEngine } from '../../monitor/alerts/rules/engine.ts';
import { LiveState } from '../../monitor/api/live.ts';
import { FrameReceiver } from '../../monitor/ingest/request/frames.ts';
import { IngestCounters } from '../../monitor/ingest/checks/counters.ts';
import { Intake } from '../../monitor/ingest/request/intake.ts';
import { LogWindows } from '../../monitor/ingest/lines/log-windows.ts';
import { sharedQuerier } from '../../monitor/promql/beside/shared-querier.ts';
import { compileMatcher } from '../../monitor/promql/syntax/matchers.ts';
import { remoteQuerier } from '../../monitor/promql/remote/querier.ts';
import { MemoryLogs, MEMORY_LOGS_DEFAULTS } from '../../monitor/store/recent/memory-logs.ts';
import { MemorySpans, MEMORY_SPANS_DEFAULTS } from '../../monitor/store/recent/memory-spans.ts';
import { openSampleStore } from '../../monitor/store/open-sample-store.ts';
import type { SampleStore } from '../../monitor/store/sample-store.ts';
import { MonitorHealth } from './health.ts';
import type { MonitorOptions, MonitorParts } from './parts.ts';
import { openMonitorPorts } from './ports.ts';
import { OwnMetrics } from './own-metrics.ts';
import { AlertConsole } from './alert-console.ts';
import { ruleGroupsOf } from './rule-sources.ts';
import { observeServices } from './service-figures.ts';
import { localUrl, type Settings } from '../process/settings.ts';

export interface Monitor {
  /** A frame of the stack process at the other end of the channel; resolves when it is to be acknowledged. */
  receive(frame: Frame): Promise<void>;
  /** Rules of the new settings take over; what is bound stays bound. Throws VitrineError `config_invalid`. */
  reload(settings: Settings): Promise<void>;
  /** Sentences about what did not end well. */
  close(): Promise<string[]>;
}

const STACK = 'stack';
const OWN = 'monitor';

/** Throws VitrineError `port_taken`, `bind_failed`, `data_dir_in_use`, `data_dir_unusable` or `config_invalid`. */
export async function startMonitor(options: MonitorOptions): Promise<Monitor> {
  const scope = new Scope(options.clock);
  try {
    const parts = build(options, scope);
    await openMonitorPorts(options, parts, scope);
    if (!options.testMode) begin(options, parts, scope);
    parts.health.ready = true;
    return running(parts, scope);
  } catch (error) {
    await scope.close();
    throw error;
  }
}

function build(options: MonitorOptions, scope: Scope): MonitorParts {
  const { settings, clock, logger, testMode, dataDir } = options;
  const { store: section } = settings;
  const { interval: intervalMs } = settings.telemetry;
  const store = openSampleStore({
    dir: dataDir,
    headBytes: section.head_size,
    retentionMs: section.retention,
    rawRetentionMs: section.raw_retention,
    maxSizeBytes: section.max_size,
    maxSeries: section.max_series,
    maxSeriesPerMetric: section.max_series_per_metric,
    durability: section.durability,
    testMode,
    compileMatcher,
    clock,
    logger,
  });
  scope.add('store', () => store.close());
  const querier = querierOf(section, store, clock, scope, 'queries');
  const spans = new MemorySpans({ ...MEMORY_SPANS_DEFAULTS, maxBytes: section.spans_size });
  const logs = new MemoryLogs({ ...MEMORY_LOGS_DEFAULTS, maxBytes: section.logs_size });
  const windows = new LogWindows({ sink: logs, clock });
  const live = new LiveState(intervalMs);
  const intake = new Intake({
    sinks: { samples: store, spans, logs: windows },
    clock,
    counters: new IngestCounters(metrics.getMeter('vitrine.ingest')),
    labels: {
      maxLabels: settings.ingest.max_labels,
      maxNameBytes: 1024,
      maxValueBytes: settings.ingest.max_label_value,
    },
    times: { maxAheadMs: 600_000, anyTime: testMode },
    tap: (resources) => observeServices(live, resources, clock.now()),
  });
  const rules = new RuleEngine({
    groups: testMode ? [] : ruleGroupsOf(settings),
    // For groups that name none: data does not arrive more often than this.
    intervalMs,
    // A querier of its own: in one queue with the page's heavy queries, rules would miss their ticks.
    querier: querierOf(section, store, clock, scope, 'queries of rules'),
    samples: store,
    alerts: new AlertConsole(logger),
    clock,
    logger,
    externalUrl: localUrl(settings.monitor.listen),
  });
  const stats = (): ReturnType<SampleStore['stats']> => store.stats();
  const health = new MonitorHealth({
    clock,
    intervalMs,
    alerts: () => rules.alerts(),
    storeWritable: () => stats().writable,
    storeFigures: () => ({ series: stats().series, disk_mb: Math.round(stats().sizeBytes / 1024 ** 2) }),
  });
  if (!testMode) {
    const stop = every(
      clock,
      1_000,
      async (nowMs) => void (await windows.samples(nowMs, store)),
      noteOf(logger, 'Log windows were not written'),
    );
    scope.add('log windows', stop);
  }
  return { store, querier, spans, logs, live, intake, rules, health, own: new OwnMetrics() };
}

/** The embedded engine, or the server that `store.metrics.url` names. */
function querierOf(
  { metrics: remote, query_samples: maxSamples }: Settings['store'],
  store: SampleStore,
  clock: Clock,
  scope: Scope,
  name: string,
): Querier {
  if (remote.url === undefined) {
    const shared = sharedQuerier(store, { clock, maxSamples });
    scope.add(name, async () => shared[Symbol.asyncDispose]());
    return shared;
  }
  return remoteQuerier({
    url: remote.url,
    bearer: remote.bearer_token?.reveal(),
    username: remote.username,
    password: remote.password?.reveal(),
    timeoutMs: remote.timeout,
    clock,
  });
}

const noteOf =
  (logger: Logger, message: string) =>
  (error: unknown): void =>
    logger.warn({ error: error instanceof Error ? error.message : String(error) }, message);

/** The rhythm: rules, and the monitor's own figures by the road that the stack's take. */
function begin({ telemetry, logger }: MonitorOptions, parts: MonitorParts, scope: Scope): void {
  parts.rules.start();
  scope.add('rules', () => parts.rules.close());
  const uptime = metrics.getMeter('vitrine.monitor').createObservableGauge(METRICS.componentUptime.name, {
    unit: METRICS.componentUptime.unit,
    description: METRICS.componentUptime.description,
  });
  uptime.addCallback((result) => result.observe(parts.health.uptimeSeconds, { 'vitrine.component': 'monitor' }));
  const { frames } = telemetry;
  if (frames === undefined) return;
  const receiver = new FrameReceiver(parts.intake);
  frames.connect((frame) => {
    take(parts, OWN, receiver, frame)
      .catch(noteOf(logger, 'Own telemetry was not kept'))
      .finally(() => frames.acknowledge(frame.sequence));
  });
  scope.add('own telemetry', () => frames.disconnect());
}

async function take(parts: MonitorParts, connection: string, receiver: FrameReceiver, frame: Frame): Promise<void> {
  parts.live.push(connection, frame);
  parts.own.push(connection, frame);
  await receiver.receive(frame);
}

function running(parts: MonitorParts, scope: Scope): Monitor {
  const receiver = new FrameReceiver(parts.intake);
  return {
    async receive(frame) {
      parts.health.heard(frame);
      await take(parts, STACK, receiver, frame);
    },
    reload: async (settings) => parts.rules.replace(ruleGroupsOf(settings)),
    close: () => scope.close(),
  };
}
