/**
 * Joins the notifications: `state.db`, the ledger, the pipeline, and the way of alerts from the rules into it. With
 * `notify.alertmanager.url`, alerts are handed over to that Alertmanager instead.
 */
import { metrics } from '@opentelemetry/api';
import { createWriteStream } from 'node:fs';
import { every, type Clock } from '../../base/clock.ts';
import { VitrineError } from '../../base/errors.ts';
import type { Logger, RareLine } from '../../base/logger.ts';
import { systemRandom } from '../../base/random.ts';
import type { Scope } from '../../base/scope.ts';
import type { Alert } from '../../model/alert.ts';
import type { AlertSink, LogSource, SpanSource } from '../../model/ports.ts';
import { HandOver } from '../../monitor/alerts/notify/hand-over.ts';
import type { PipelineFigures } from '../../monitor/alerts/notify/deliveries.ts';
import { Pipeline } from '../../monitor/alerts/notify/pipeline.ts';
import { eventLine, Ledger } from '../../monitor/alerts/notify/state/ledger.ts';
import type { FlappingOptions } from '../../monitor/alerts/notify/steps/flapping.ts';
import type { Dependencies } from '../../monitor/alerts/notify/steps/topology.ts';
import type { AlertContext } from '../../monitor/alerts/notify/notification-data.ts';
import { Pictures, type PictureSources } from '../../monitor/alerts/notify/picture/pictures.ts';
import { pngOf } from '../../monitor/alerts/notify/picture/png.ts';
import { isOnTrial, type PostedAlert, type StoredAlert } from '../../monitor/alerts/notify/steps/intake.ts';
import type { StateDatabase } from '../../monitor/store/state/state-database.ts';
import { RECEIVER_KINDS } from '../../monitor/alerts/notify/receivers/table.ts';
import { Trials } from '../../monitor/alerts/notify/trial.ts';
import { counterOf } from '../../telemetry/metrics/meters.ts';
import { METRICS } from '../../telemetry/names.ts';
import { localUrl } from '../process/settings.ts';
import type { Settings } from '../process/settings-schema.ts';
import type { FlightRecorder } from './records/flight-recorder.ts';
import { contextFinder } from './alert-context.ts';
import { notifySourceOf, pipelineConfigOf, receiverTools } from './notify-source.ts';

export interface NotificationsOptions {
  readonly settings: Settings;
  /** Opened with `NOTIFY_OWNER`. */
  readonly state: StateDatabase;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly rareLine: RareLine;
  readonly version: string;
  readonly logs: LogSource;
  readonly spans: SpanSource;
  readonly recorder: FlightRecorder;
}

export interface Notifications {
  /** Takes the alerts of the rules. */
  readonly sink: AlertSink;
  readonly pipeline: Pipeline;
  readonly ledger: Ledger;
  /** The newest error line and a trace of what an alert is about. */
  readonly contextOf: (alert: StoredAlert) => Promise<AlertContext>;
  /** Tries channels and templates that are not saved. */
  readonly trials: Trials;
  /** The rules are there: messages get charts from now on. */
  drawFrom(sources: PictureSources): void;
  /** Throws VitrineError `config_invalid`; the former configuration then stays. */
  reload(settings: Settings): Promise<void>;
}

/** Without news from the rules for this long, an alert counts as resolved: four times the interval of repetition. */
const VALID_MS = 240_000;
const SWEEP_MS = 60_000;

/** Throws VitrineError `config_invalid` and `config_unreadable`. */
export function openNotifications(options: NotificationsOptions, scope: Scope): Notifications {
  const { settings, state, clock, logger, rareLine, version } = options;
  const { notify } = settings;
  let source = notifySourceOf(settings);
  for (const warning of source.warnings) logger.warn({}, warning);
  const onFailure = (error: unknown): void =>
    rareLine('error', 'notify state', { error: String(error) }, 'The state of notifications could not be written');
  const limits = { retentionMs: notify.ledger.retention, maxEvents: notify.ledger.max_events };
  const ledger = new Ledger(state, limits, onFailure);
  if (notify.ledger.file !== undefined) writeLines(ledger, notify.ledger.file, scope, onFailure);
  const unfollow = options.recorder.follow(ledger);
  scope.add('flight recorder', async () => unfollow());
  const externalUrl = localUrl(settings.monitor.listen);
  const contextOf = contextFinder(options.logs, options.spans, externalUrl, clock);
  const byApi = { origin: 'api', allowPrivate: settings.targets.allow_private } as const;
  let charts: PictureSources | undefined;
  const pictures = picturesOf(options, () => charts);
  const pipeline = new Pipeline({
    config: pipelineConfigOf(source, receiverTools(source, clock, logger)),
    state,
    ledger,
    clock,
    random: systemRandom,
    sources: {
      externalUrl,
      contextOf,
      pictureOf: (alert) => pictures.of(alert),
    },
    resolveThroughMutes: notify.resolve_through_mutes,
    ...ownMutes(notify),
    figures: figures(),
    onFailure,
  });
  void ledger.record(started(version), clock.now());
  scope.add('notifications', async () => {
    await pipeline.close();
    await ledger.record(
      { type: 'alertmanager_shutdown_event', alerts: [], text: 'Vitrine stops', data: {} },
      clock.now(),
    );
  });
  scope.add(
    'sweep of notifications',
    every(clock, SWEEP_MS, () => pipeline.sweep(), onFailure),
  );
  return {
    sink: sinkOf(options, pipeline, scope),
    pipeline,
    ledger,
    contextOf,
    trials: new Trials(RECEIVER_KINDS, () => receiverTools(source, clock, logger, byApi)),
    drawFrom: (given) => void (charts = given),
    async reload(next) {
      const read = notifySourceOf(next);
      await pipeline.reload(pipelineConfigOf(read, receiverTools(read, clock, logger)));
      source = read;
      for (const warning of read.warnings) logger.warn({}, warning);
    },
  };
}

/** Without `resolve_through_mutes`, only what Alertmanager does as well, unless the configuration asks for more. */
function ownMutes({ topology, flapping, resolve_through_mutes: byDefault }: Settings['notify']): {
  topology: Dependencies | undefined;
  flapping: FlappingOptions | undefined;
} {
  const { changes, within: withinMs, quiet: quietMs } = flapping;
  return {
    topology: (topology.enabled ?? byDefault) ? new Map(Object.entries(topology.depends_on)) : undefined,
    flapping: (flapping.enabled ?? byDefault) ? { changes, withinMs, quietMs } : undefined,
  };
}

const started = (version: string) =>
  ({
    type: 'alertmanager_startup_event',
    alerts: [],
    text: `Vitrine ${version} starts`,
    data: { version },
  }) as const;

function writeLines(ledger: Ledger, file: string, scope: Scope, onFailure: (error: unknown) => void): void {
  const stream = createWriteStream(file, { flags: 'a', mode: 0o600 });
  stream.on('error', onFailure);
  // A disk that hangs must not fill the memory.
  const stop = ledger.listen((event) => {
    if (stream.writableLength < 8 * 1024 * 1024) stream.write(`${eventLine(event)}\n`);
  });
  scope.add('ledger file', async () => {
    stop();
    await new Promise<void>((resolve) => stream.end(resolve));
  });
}

function sinkOf(
  { settings, clock, logger, recorder }: NotificationsOptions,
  pipeline: Pipeline,
  scope: Scope,
): AlertSink {
  const { alertmanager } = settings.notify;
  const externalUrl = localUrl(settings.monitor.listen);
  if (alertmanager === undefined) {
    return {
      async alerts(alerts, nowMs) {
        await pipeline.take(alerts.map((alert) => postedOf(alert, nowMs, externalUrl)));
      },
    };
  }
  const handOver = new HandOver({
    url: alertmanager.url,
    bearer: alertmanager.bearer_token?.reveal(),
    clock,
    logger,
    random: systemRandom,
  });
  scope.add('hand-over to Alertmanager', () => handOver.close());
  return {
    alerts(alerts, nowMs) {
      recorder.firing(alerts);
      const told = alerts.filter((alert) => !isOnTrial(alert));
      return handOver.add(told.map((alert) => postedOf(alert, nowMs, externalUrl)));
    },
  };
}

function postedOf(alert: Alert, nowMs: number, externalUrl: string): PostedAlert {
  return {
    labels: alert.labels.toJSON(),
    annotations: alert.annotations,
    startsAtMs: alert.firedAtMs ?? alert.activeAtMs,
    endsAtMs: alert.resolvedAtMs ?? nowMs + VALID_MS,
    generatorUrl: `${externalUrl}/alerts/rules`,
    value: Number.isFinite(alert.value) ? alert.value : undefined,
    threshold: alert.threshold,
    reason: alert.reason,
  };
}

function picturesOf({ clock, rareLine }: NotificationsOptions, sources: () => PictureSources | undefined): Pictures {
  const drawn = counterOf(metrics.getMeter('vitrine'), METRICS.alertPictures);
  return new Pictures({
    clock,
    sources,
    png: pngOf,
    count: (result) => drawn.add(1, { result }),
    onFailure(error) {
      const { hint } = error instanceof VitrineError ? error : { hint: undefined };
      const fields = { error: String(error), ...(hint === undefined ? {} : { hint }) };
      rareLine('warn', 'picture', fields, 'The chart of a message could not be drawn');
    },
  });
}

function figures(): PipelineFigures {
  const meter = metrics.getMeter('vitrine');
  const notified = counterOf(meter, METRICS.alertNotifications);
  const failed = counterOf(meter, METRICS.alertNotificationFailures);
  const suppressed = counterOf(meter, METRICS.alertSuppressed);
  const refused = counterOf(meter, METRICS.alertRefused);
  return {
    notified: (receiver, integration) => notified.add(1, { receiver, integration }),
    failed: (receiver, integration, reason) => failed.add(1, { receiver, integration, reason }),
    suppressed: (reason, count) => suppressed.add(count, { reason }),
    refused: (reason, count) => refused.add(count, { reason }),
  };
}
