/** An alert as Prometheus and Alertmanager know it, with the reason for its state. */
import type { Labels } from './labels.ts';

export type AlertState = 'inactive' | 'pending' | 'firing';

export interface Alert {
  /** Includes `alertname` and the rule's labels. */
  readonly labels: Labels;
  readonly annotations: Readonly<Record<string, string>>;
  readonly state: AlertState;
  /** Milliseconds since the epoch at which the condition was first seen. */
  readonly activeAtMs: number;
  /** When the alert began to fire; undefined while pending. */
  readonly firedAtMs?: number | undefined;
  /** Set once the alert has ended; resolved alerts are kept for 15 minutes. */
  readonly resolvedAtMs?: number | undefined;
  readonly keepFiringSinceMs?: number | undefined;
  readonly value: number;
  /** The condition at the end of the rule's expression, such as `> 0.1`. */
  readonly threshold?: string | undefined;
  /** Why the alert is in this state, in one sentence for people. */
  readonly reason: string;
}

/** Keeps the alerts of rules over a restart. */
export interface AlertMemory {
  /** The alerts of all rules as they were saved last, by the name of the rule. */
  load(): ReadonlyMap<string, readonly Alert[]>;
  /** `rule` names a rule, the same over restarts. Returns at once; alerts beyond the limit are refused and counted. */
  save(rule: string, changed: readonly Alert[], gone: readonly Labels[]): void;
  /** Forgets every rule that is not in `rules`. */
  keepOnly(rules: ReadonlySet<string>): void;
}
