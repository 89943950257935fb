/**
 * The messages between the monitor and the process of the checks. Results travel in batches, one in flight: a monitor that does
 * not answer costs the process of the checks a bounded queue and nothing else.
 */
import type { CheckResult, CheckSpec } from '../check.ts';
import type { Origin } from '../../outbound/guard.ts';

/** A target as the scheduler sees it. */
export interface ScheduledTarget {
  readonly id: string;
  readonly spec: CheckSpec;
  readonly origin: Origin;
  readonly intervalMs: number;
  readonly timeoutMs: number;
  /** The time until the next check after a failed one, while the target may be going down. */
  readonly retryMs: number;
  /** Failed checks in a row before it is down; between them checks come at `retryMs`. */
  readonly failures: number;
}

export type ToChecks =
  | {
      readonly kind: 'targets';
      readonly targets: readonly ScheduledTarget[];
      readonly allowPrivate: readonly string[];
      readonly tracePrefix: string;
      readonly maxConcurrent: number;
    }
  /** One check now, beside the schedule. */
  | {
      readonly kind: 'probe';
      readonly id: number;
      readonly spec: CheckSpec;
      readonly origin: Origin;
      readonly timeoutMs: number;
    }
  | { readonly kind: 'taken' }
  | { readonly kind: 'end' };

export interface ScheduledResult {
  readonly target: string;
  /** The check began this much after its instant. */
  readonly lateMs: number;
  readonly result: CheckResult;
}

export interface ScheduleFigures {
  readonly running: number;
  readonly waiting: number;
  /** Results that were dropped because the monitor took none for too long. */
  readonly dropped: number;
}

export type FromChecks =
  | { readonly kind: 'ready' }
  | { readonly kind: 'results'; readonly results: readonly ScheduledResult[]; readonly figures: ScheduleFigures }
  | { readonly kind: 'probed'; readonly id: number; readonly result: CheckResult };
