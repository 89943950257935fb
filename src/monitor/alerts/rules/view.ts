/** The read-only view of rules, for the Prometheus API, the page and the terminal. */
import type { Alert } from '../../../model/alert.ts';
import type { Labels } from '../../../model/labels.ts';

export type RuleHealth = 'unknown' | 'ok' | 'err';

interface RuleViewBase {
  readonly name: string;
  /** Canonical PromQL. */
  readonly query: string;
  readonly labels: Labels;
  readonly health: RuleHealth;
  /** '' while there is no error. */
  readonly lastError: string;
  readonly evaluationSeconds: number;
  /** Undefined before the first evaluation. */
  readonly lastEvaluationMs: number | undefined;
}

export interface RecordingRuleView extends RuleViewBase {
  readonly kind: 'recording';
}

export interface AlertingRuleView extends RuleViewBase {
  readonly kind: 'alerting';
  readonly state: 'unknown' | 'inactive' | 'pending' | 'firing';
  readonly forMs: number;
  readonly keepFiringForMs: number;
  readonly annotations: Readonly<Record<string, string>>;
  /** Pending and firing ones. */
  readonly alerts: readonly Alert[];
}

export type RuleView = RecordingRuleView | AlertingRuleView;

export interface RuleGroupView {
  readonly name: string;
  readonly file: string;
  readonly intervalMs: number;
  /** 0: none. */
  readonly limit: number;
  readonly evaluationSeconds: number;
  readonly lastEvaluationMs: number | undefined;
  readonly rules: readonly RuleView[];
}

export interface RuleSource {
  groups(): readonly RuleGroupView[];
  /** Pending and firing alerts of all rules. */
  alerts(): readonly Alert[];
}
