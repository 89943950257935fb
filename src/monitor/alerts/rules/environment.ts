/** The parts of the monitor that rules need while they are evaluated. */
import type { Clock } from '../../../base/clock.ts';
import type { Logger } from '../../../base/logger.ts';
import type { AlertSink, Querier, SampleSink } from '../../../model/ports.ts';
import type { Labels } from '../../../model/labels.ts';

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
  /** How far back ALERTS_FOR_STATE is looked for after a restart. */
  readonly outageToleranceMs: number;
  readonly queryTimeoutMs: number;
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
