/**
 * Builds the monitor: ingest → store → PromQL → rules → page and APIs. It makes no decisions; every part is built from
 * checked settings and is stopped with the scope. In test mode it opens only its main address and accepts samples of any
 * time.
 */
import { metrics } from '@opentelemetry/api';
import { every, steadyClock, Turns, type Clock, type SteadyClock } from '../../base/clock.ts';
import { rareLines, type RareLine } from '../../base/logger.ts';
import { Scope } from '../../base/scope.ts';
import type { Frame } from '../../model/frame.ts';
import { observeMetric } from '../../telemetry/metrics/meters.ts';
import { METRICS } from '../../telemetry/names.ts';
import { LiveState } from '../../monitor/api/live.ts';
import { pastOf } from '../../monitor/api/live-past.ts';
import { FrameReceiver } from '../../monitor/ingest/request/frames.ts';
import { AttributeRedaction } from '../../monitor/ingest/checks/attribute-redaction.ts';
import { guardedSinks, type Sinks } from '../../monitor/ingest/checks/guarded-sinks.ts';
import { IngestCounters } from '../../monitor/ingest/checks/counters.ts';
import { frameSkewMs, shiftedFrame } from '../../monitor/ingest/request/frame-times.ts';
import { Intake, type IntakeOptions } from '../../monitor/ingest/request/intake.ts';
import { openSpanMetrics } from './records/span-metrics.ts';
import { LogWindows } from '../../monitor/ingest/lines/log-windows.ts';
import { compileMatcher } from '../../monitor/promql/syntax/matchers.ts';
import { Tail } from '../../monitor/search/tail.ts';
import { TraceTail } from '../../monitor/search/trace-tail.ts';
import { startError } from '../../monitor/store/disk/database.ts';
import { openSampleStore } from '../../monitor/store/open-sample-store.ts';
import type { SampleStore } from '../../monitor/store/sample-store.ts';
import { isOnTrial } from '../../monitor/alerts/notify/steps/intake.ts';
import { accessStore } from '../../monitor/store/state/access-tables.ts';
import { Annotations } from '../../monitor/store/state/annotations.ts';
import { Pins } from '../../monitor/store/state/pins.ts';
import { FlightRecorder } from './records/flight-recorder.ts';
import { goOn } from './going-on.ts';
import { MonitorHealth } from './health.ts';
import { openInsight } from './records/insight.ts';
import { followFiles, lineReader, redactionOf } from './records/line-intake.ts';
import type { MonitorOptions, MonitorParts } from './parts.ts';
import { openMonitorPorts } from './ports.ts';
import { openRecords, type Records } from './records/records.ts';
import { OwnMetrics } from './own-metrics.ts';
import { OwnSamples } from './own-figures.ts';
import { openNotifications } from './notifications.ts';
import { ruleGroupsOf } from './rule-sources.ts';
import { noteOf, querierOf, rulesOf } from './rules.ts';
import { openObjectives } from './objectives.ts';
import { TargetTables } from '../../monitor/targets/history/target-tables.ts';
import { openState } from './state.ts';
import { openTargets } from './targets.ts';
import { observeServices } from './service-figures.ts';
import type { Settings } from '../process/settings-schema.ts';

export interface Monitor {
  /** Takes a frame of the stack process at the other end of the channel; resolves when the frame may be acknowledged. */
  receive(frame: Frame): Promise<void>;
  /** Replaces the rules by those of the new settings; open ports stay as they are. Throws VitrineError `config_invalid`. */
  reload(settings: Settings): Promise<void>;
  /** One message for each part that failed to stop. */
  close(): Promise<string[]>;
}

type SteadyOptions = MonitorOptions & { readonly clock: SteadyClock };

/**
 * How long all that users ask for holds the thread in one turn: a request for /livez waits for two or three such turns, and so
 * does a rule, however many heavy queries run.
 */
const GUESTS_MS = 5;
/**
 * And how much of the thread it takes over a longer time: without this limit an attack keeps the thread busy, which then
 * competes with the balancer for the processors of a small machine (docs/adr/0055-a-share-for-users.md).
 */
const GUESTS_SHARE = { share: 0.5, burstMs: 1_000 };
const STACK = 'stack';
const OWN = 'monitor';

/** Throws VitrineError `port_taken`, `bind_failed`, `data_dir_in_use`, `data_dir_unusable` or `config_invalid`. */
export async function startMonitor(given: MonitorOptions): Promise<Monitor> {
  const options = { ...given, clock: steadyClock(given.clock) };
  const scope = new Scope(options.clock);
  try {
    const parts = build(options, scope);
    if (!options.testMode) {
      await goOn(options.clock, parts);
      await parts.insight.begin(scope, noteOf(parts.rareLine, 'Patterns and errors were not saved'));
    }
    await openMonitorPorts(options, parts, scope);
    if (!options.testMode) {
      begin(options, parts, scope);
      pastOf(parts.querier, parts.live.history(options.clock.now())).then(
        (past) => parts.live.remember(past),
        noteOf(parts.rareLine, 'The figures before the start could not be read'),
      );
      await follow(options, parts, scope);
      await parts.targets?.begin(scope);
    }
    parts.health.open = true;
    return running(parts, scope, options.clock);
  } catch (error) {
    await scope.close();
    throw startError(error, options.dataDir);
  }
}

function build(options: SteadyOptions, scope: Scope): MonitorParts {
  const { settings, clock, logger, testMode } = options;
  const { store: section } = settings;
  const { interval: intervalMs } = settings.telemetry;
  const { dataDir, onRoutes } = options;
  const recorder = new FlightRecorder(section.flight_recorder);
  const records = openRecords({ dataDir, section, clock, logger, recordings: recorder, onRoutes });
  scope.add('records', () => records.store.close());
  const store = openStore(options, () => records.store.sizeBytes);
  scope.add('store', () => store.close());
  const rareLine = rareLines(logger, clock);
  const state = openState(options, recorder, scope, noteOf(rareLine, 'A recording was not written'));
  const turns = new Turns(clock, GUESTS_MS, GUESTS_SHARE);
  const querier = querierOf(section, store, clock, scope, 'queries', turns);
  const counters = new IngestCounters(metrics.getMeter('vitrine.ingest'));
  const road = roadOf(options, records, counters);
  const { windows } = road;
  const live = new LiveState(intervalMs);
  const { tracePrefix } = new TargetTables(state);
  const spanMetrics = openSpanMetrics(settings.ingest.span_metrics, clock, road.insight.spans, tracePrefix);
  const sinks = { samples: store, spans: spanMetrics.sink, logs: windows };
  const secrets = redactionOf(settings.ingest);
  const redaction = new AttributeRedaction(secrets);
  const tap: IntakeOptions['tap'] = (sent) => observeServices(live, sent, clock.now(), redaction);
  const intake = openIntake(options, guardedSinks(sinks, secrets, counters), counters, tap);
  const stats = (): ReturnType<SampleStore['stats']> => store.stats();
  const ownSamples = new OwnSamples(clock);
  const notifications = testMode
    ? undefined
    : openNotifications({ ...options, state, logs: records.logs, spans: records.spans, rareLine, recorder }, scope);
  const shared = { store, state, notifications, rareLine };
  const { engine: rules, desk } = rulesOf(options, { ...shared, ownSamples, querier }, scope);
  const health = new MonitorHealth({
    clock,
    intervalMs,
    expectsStack: options.expectsStack === true,
    alerts: () => rules.alerts().filter((alert) => !isOnTrial(alert)),
    storeWritable: () => stats().writable && records.store.writable,
    storeFigures: () => ({ series: stats().series, disk_mb: Math.round(stats().sizeBytes / 1024 ** 2) }),
  });
  if (!testMode) {
    scope.add('log windows', logWindowTicks(windows, store, clock, rareLine));
    scope.add('span metrics', spanMetrics.begin(store, noteOf(rareLine, 'Span metrics were not written')));
  }
  return {
    store,
    querier,
    turns,
    records,
    ...road,
    live,
    redaction,
    intake,
    rules,
    annotations: new Annotations(state),
    inUse: { settings },
    pins: new Pins(state),
    access: accessStore(state),
    health,
    own: new OwnMetrics(),
    ownSamples,
    rareLine,
    notifications,
    recorder,
    desk,
    targets: testMode ? undefined : openTargets(options, { ...shared, rules }),
    objectives: openObjectives(settings.slo, { records, querier, clock, rareLine }, scope),
  };
}

const logWindowTicks = (windows: LogWindows, store: SampleStore, clock: Clock, rareLine: RareLine): (() => void) =>
  every(
    clock,
    1_000,
    async (nowMs) => void (await windows.samples(nowMs, store)),
    noteOf(rareLine, 'Log windows were not written'),
  );

/** The way of a log record: windows, patterns, errors, those who follow, the store. */
function roadOf(
  { settings, dataDir, clock }: SteadyOptions,
  records: Records,
  counters: IngestCounters,
): Pick<MonitorParts, 'tail' | 'traceTail' | 'insight' | 'windows' | 'lines' | 'counters'> {
  const { logs } = settings.ingest;
  const [tail, traceTail] = [new Tail(records.logSink), new TraceTail(records.spanSink, clock)];
  const insight = openInsight({ dataDir, clock, logs: tail, spans: traceTail });
  const windows = new LogWindows({ sink: insight.logs, clock });
  return { tail, traceTail, insight, windows, lines: lineReader(logs, counters), counters };
}

function openStore(
  { settings, clock, logger, testMode, dataDir }: SteadyOptions,
  otherBytes: () => number,
): SampleStore {
  const { store: section } = settings;
  return openSampleStore({
    dir: dataDir,
    headBytes: section.head_size,
    retentionMs: section.retention,
    rawRetentionMs: section.raw_retention,
    maxSizeBytes: section.max_size,
    otherBytes,
    maxSeries: section.max_series,
    maxSeriesPerMetric: section.max_series_per_metric,
    durability: section.durability,
    testMode,
    compileMatcher,
    clock,
    logger,
  });
}

function openIntake(
  { settings, clock, testMode }: SteadyOptions,
  sinks: Sinks,
  counters: IngestCounters,
  tap: IntakeOptions['tap'],
): Intake {
  return new Intake({
    sinks,
    clock,
    aheadMs: () => clock.aheadMs(),
    counters,
    labels: {
      maxLabels: settings.ingest.max_labels,
      maxNameBytes: 1024,
      maxValueBytes: settings.ingest.max_label_value,
    },
    times: { maxAheadMs: 600_000, anyTime: testMode },
    tap,
  });
}

/** Starts the periodic work: rules, and the monitor's own metrics, which are ingested like those of the stack. */
function begin({ telemetry, clock }: MonitorOptions, parts: MonitorParts, scope: Scope): void {
  parts.rules.start();
  scope.add('rules', () => parts.rules.close());
  observeMetric(metrics.getMeter('vitrine.monitor'), METRICS.componentUptime, (result) =>
    result.observe(parts.health.uptimeSeconds, { 'vitrine.component': 'monitor' }),
  );
  const { frames } = telemetry;
  if (frames === undefined) return;
  const receiver = new FrameReceiver(parts.intake);
  const send = (frame: Frame): void => {
    take(parts, OWN, receiver, frame, clock)
      .catch(noteOf(parts.rareLine, 'The monitor could not store its own telemetry'))
      .finally(() => frames.acknowledge(frame.sequence));
  };
  frames.connect(send, () => parts.counters.happened());
  scope.add('own telemetry', () => frames.disconnect());
}

async function follow({ settings, dataDir, clock }: SteadyOptions, parts: MonitorParts, scope: Scope): Promise<void> {
  const { lines: reader, intake, rareLine } = parts;
  const following = await followFiles({ files: settings.ingest.logs.files, reader, intake, dataDir, clock, rareLine });
  if (following !== undefined) scope.add('followed files', () => following[Symbol.asyncDispose]());
}

async function take(
  parts: MonitorParts,
  connection: string,
  receiver: FrameReceiver,
  sent: Frame,
  clock: Clock,
): Promise<void> {
  const frame = shiftedFrame(sent, frameSkewMs(sent, clock));
  parts.records.noteDrops(frame);
  if (frame.metrics.length > 0) {
    const shown = parts.redaction.frame(frame);
    parts.live.push(connection, shown);
    parts.own.push(connection, shown);
    await parts.ownSamples.push(connection, shown);
  } else if (frame.spans.length + frame.logs.length === 0) return;
  await receiver.receive(frame);
}

function running(parts: MonitorParts, scope: Scope, clock: Clock): Monitor {
  const receiver = new FrameReceiver(parts.intake);
  return {
    async receive(frame) {
      parts.health.heard(frame);
      await take(parts, STACK, receiver, frame, clock);
    },
    async reload(settings) {
      const groups = ruleGroupsOf(settings);
      parts.targets?.reload(settings);
      parts.objectives.replace(settings.slo);
      await parts.notifications?.reload(settings);
      await (parts.desk === undefined ? parts.rules.replace(groups) : parts.desk.reload(groups));
      parts.inUse.settings = settings;
    },
    close: () => scope.close(),
  };
}
