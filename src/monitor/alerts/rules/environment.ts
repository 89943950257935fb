/** The parts of the monitor that rules need while they are evaluated. */
import type { Clock } from '../../../base/clock.ts';
import type { Logger, RareLine } from '../../../base/logger.ts';
import type { AlertMemory } from '../../../model/alert.ts';
import type { AlertSink, Querier, SampleSink } from '../../../model/ports.ts';
import type { Labels } from '../../../model/labels.ts';
import type { GroupSpec } from './spec.ts';

/** Equal numbers: the newest values of these metrics are the same. */
export type ValueDigest = (metrics: readonly string[]) => number;

export interface RuleEnvironment {
  readonly querier: Querier;
  readonly samples: SampleSink;
  readonly alerts: AlertSink;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly externalLabels: Labels;
  /** Where the page is, for `{{ externalURL }}`. */
  readonly externalUrl: string;
  /** Time between two notifications of an alert that still fires. */
  readonly resendMs: number;
  /** An alert whose `for` is shorter starts again after a restart; others wait at least this long. */
  readonly graceMs: number;
  /** How far back ALERTS_FOR_STATE is searched after a restart. */
  readonly outageToleranceMs: number;
  readonly queryTimeoutMs: number;
  /** The reason why rules cannot be judged now, in a few words; undefined when they can be judged. */
  readonly paused: () => string | undefined;
  /** Judges rules on the monitor's own figures while other rules are paused; when undefined, these rules are paused too. */
  readonly own: OwnFigures | undefined;
  /** Keeps alerts over a restart; when undefined, only ALERTS_FOR_STATE does, and only for a long `for`. */
  readonly memory: AlertMemory | undefined;
  /** Says whether metrics have changed; when undefined, no rule rests. */
  readonly digestOf: ValueDigest | undefined;
  /** For messages that would repeat with every evaluation. */
  readonly rareLine: RareLine;
}

/** The monitor's own figures in memory, which do not depend on the store. */
export interface OwnFigures {
  readonly querier: Querier;
  /** Whether all rules of the group are about the monitor and its host. */
  readonly covers: (group: GroupSpec) => boolean;
}

/** The end of the process before this one. */
export interface Interruption {
  readonly downAtMs: number;
  readonly nowMs: number;
}

/** One evaluation. */
export interface Tick {
  /** The aligned instant of the evaluation. */
  readonly nowMs: number;
  /** `nowMs` minus the group's query_offset: the time of queries and of written samples. */
  readonly queryMs: number;
  readonly limit: number;
  readonly signal: AbortSignal;
}
