/** The monitor's options, and the parts that its ports and its periodic work share. */
import type { Clock, Turns } from '../../base/clock.ts';
import type { Logger, RareLine } from '../../base/logger.ts';
import type { CareCall, CareReply } from '../../model/care.ts';
import type { RouteLesson } from '../../model/learned-route.ts';
import type { AccessStore } from '../../model/access.ts';
import type { Querier } from '../../model/ports.ts';
import type { Scope } from '../../base/scope.ts';
import type { Route } from '../../monitor/api/routes.ts';
import type { ObjectiveConfig } from '../../monitor/targets/objectives/schema.ts';
import type { Targets } from '../../monitor/targets/targets.ts';
import type { Tail } from '../../monitor/search/tail.ts';
import type { TraceTail } from '../../monitor/search/trace-tail.ts';
import type { RuleDesk } from '../../monitor/alerts/made/desk.ts';
import type { RuleEngine } from '../../monitor/alerts/rules/engine.ts';
import type { LiveState } from '../../monitor/api/live.ts';
import type { AttributeRedaction } from '../../monitor/ingest/checks/attribute-redaction.ts';
import type { Intake } from '../../monitor/ingest/request/intake.ts';
import type { IngestCounters } from '../../monitor/ingest/checks/counters.ts';
import type { LineReader } from '../../monitor/ingest/lines/line-reader.ts';
import type { LogWindows } from '../../monitor/ingest/lines/log-windows.ts';
import type { SampleStore } from '../../monitor/store/sample-store.ts';
import type { Annotations } from '../../monitor/store/state/annotations.ts';
import type { Pins } from '../../monitor/store/state/pins.ts';
import type { Telemetry } from '../../telemetry/sdk.ts';
import type { Insight } from './records/insight.ts';
import type { FlightRecorder } from './records/flight-recorder.ts';
import type { MonitorHealth } from './health.ts';
import type { Notifications } from './notifications.ts';
import type { Records } from './records/records.ts';
import type { OwnMetrics } from './own-metrics.ts';
import type { OwnSamples } from './own-figures.ts';
import type { Settings } from '../process/settings-schema.ts';

export interface MonitorOptions {
  /** Passes calls about balancer and cache to the stack process; absent when no stack runs beside this monitor. */
  readonly care?: ((call: CareCall) => Promise<CareReply>) | undefined;
  /** Passes routes of the application to the balancer; absent when no stack runs beside this monitor. */
  readonly onRoutes?: ((lessons: readonly RouteLesson[]) => void) | undefined;
  readonly settings: Settings;
  readonly dataDir: string;
  readonly testMode: boolean;
  /** True beside a stack, whose frames come over the channel. */
  readonly expectsStack?: boolean | undefined;
  readonly telemetry: Telemetry;
  readonly version: string;
  readonly clock: Clock;
  readonly logger: Logger;
}

export interface OpenTargets {
  readonly targets: Targets;
  readonly routes: readonly Route[];
  /** Throws VitrineError `config_invalid`; the former targets then stay. */
  reload(settings: Settings): void;
  /** Starts the checks. */
  begin(scope: Scope): Promise<void>;
}

export interface OpenObjectives {
  readonly routes: readonly Route[];
  replace(objectives: readonly ObjectiveConfig[]): void;
  /** Rows were deleted. */
  forget(): void;
}

export interface MonitorParts {
  readonly store: SampleStore;
  readonly querier: Querier;
  /** What users ask for shares the slices of the thread: queries, the samples that they need, and their answers. */
  readonly turns: Turns;
  readonly records: Records;
  readonly tail: Tail;
  readonly traceTail: TraceTail;
  readonly insight: Insight;
  readonly live: LiveState;
  /** For what is shown without a way through the store. */
  readonly redaction: AttributeRedaction;
  readonly intake: Intake;
  readonly rules: RuleEngine;
  readonly annotations: Annotations;
  /** The configuration in use: the last one that was read without mistakes. */
  readonly inUse: { settings: Settings };
  readonly pins: Pins;
  readonly access: AccessStore;
  readonly health: MonitorHealth;
  readonly own: OwnMetrics;
  readonly ownSamples: OwnSamples;
  readonly windows: LogWindows;
  readonly lines: LineReader;
  readonly counters: IngestCounters;
  readonly rareLine: RareLine;
  /** Absent in test mode. */
  readonly notifications: Notifications | undefined;
  readonly recorder: FlightRecorder;
  /** Absent in test mode. */
  readonly desk: RuleDesk | undefined;
  readonly targets: OpenTargets | undefined;
  readonly objectives: OpenObjectives;
}
