/** What the targets are built of, and what is known of one. */
import type { Clock } from '../../base/clock.ts';
import type { Labels } from '../../model/labels.ts';
import type { SampleSink } from '../../model/ports.ts';
import type { Origin } from '../outbound/guard.ts';
import type { CheckResult, CheckSpec } from './check.ts';
import type { CompileTools, Target } from './config/compile.ts';
import type { CheckFile } from './history/check-file.ts';
import type { UpState } from './history/runs.ts';
import type { TargetTables } from './history/target-tables.ts';
import type { ScheduledTarget } from './schedule/messages.ts';

/** The process of the checks, as it is seen from here. */
export interface CheckRunner {
  replace(targets: readonly ScheduledTarget[]): void;
  /** Throws VitrineError `overloaded` and `unreachable`. */
  probe(spec: CheckSpec, origin: Origin, timeoutMs: number): Promise<CheckResult>;
}

export interface TargetsOptions {
  readonly clock: Clock;
  readonly samples: SampleSink;
  readonly tables: TargetTables;
  readonly openFile: () => CheckFile;
  readonly runner: CheckRunner;
  readonly tools: CompileTools;
  /** Whether alerts of these labels are in a maintenance window. */
  readonly inMaintenance: (labels: Labels, nowMs: number) => boolean;
  readonly onError: (error: unknown) => void;
  readonly maxTargets?: number | undefined;
}

export interface TargetStatus {
  readonly target: Target;
  readonly state: UpState;
  /** Since when it has this state. */
  readonly sinceMs: number | undefined;
  readonly last: CheckResult | undefined;
  /** The parent that is down, by whose fault this one is not paged. */
  readonly cause: string | undefined;
  readonly maintenance: boolean;
}
