/** Rules after a file has been read and checked. */
import type { CompiledText } from './template/expand.ts';

/** With the value `true`, the alerts of a rule are on trial: recorded and counted, but nobody is told. */
export const TRIAL_LABEL = 'vitrine_trial';

export interface RecordingSpec {
  readonly kind: 'recording';
  /** Name of the series it makes. */
  readonly name: string;
  /** Canonical PromQL. */
  readonly expr: string;
  /** Added to the result; '' removes a label. Not templates. */
  readonly labels: Readonly<Record<string, string>>;
}

export interface AlertingSpec {
  readonly kind: 'alerting';
  /** Value of the `alertname` label. */
  readonly name: string;
  readonly expr: string;
  readonly forMs: number;
  readonly keepFiringForMs: number;
  readonly labels: readonly TextEntry[];
  readonly annotations: readonly TextEntry[];
  /** Of a rule with a second threshold: the two parts of `expr`, which over the past must be judged on their own. */
  readonly hysteresis?: { readonly fire: string; readonly hold: string } | undefined;
}

/** A label or annotation: its name, its text as written, and the template made of it. */
export interface TextEntry {
  readonly name: string;
  readonly source: string;
  readonly text: CompiledText;
}

export type RuleSpec = RecordingSpec | AlertingSpec;

export interface GroupSpec {
  readonly name: string;
  /** Path as it was given. */
  readonly file: string;
  /** Undefined: the engine's evaluation interval. */
  readonly intervalMs: number | undefined;
  readonly queryOffsetMs: number;
  /** 0: none. When an alerting rule has more alerts, or a recording rule more series, the evaluation fails. */
  readonly limit: number;
  readonly rules: readonly RuleSpec[];
}
