/**
 * What is said about alert rules: how a person writes one, how it stands, how noisy it is. The rules, the API and the page use
 * these shapes, so there is one of each.
 */

export interface ShortForm {
  readonly name: string;
  /** A figure by its name; or give `expr`. */
  readonly metric?: string | undefined;
  /** PromQL that is the whole condition. */
  readonly expr?: string | undefined;
  /** `200ms`, `10%`, `0.1`, `64MiB` or `100`: a time or a size needs its unit. */
  readonly above?: string | number | undefined;
  readonly below?: string | number | undefined;
  /** Where a firing alert ends: below this with `above`, above this with `below`. Default: the threshold itself. */
  readonly recover?: string | number | undefined;
  /** The range over which the figure is computed; default 1m. */
  readonly over?: string | undefined;
  /** `0` is `0s`. */
  readonly for?: string | 0 | undefined;
  /** Default warning. */
  readonly severity?: string | undefined;
  /** The alerts are recorded and counted, but nobody is told. */
  readonly trial?: boolean | undefined;
}

/** The figure behind a rule now, or why it has none. */
export type RuleFigure =
  | { readonly kind: 'value'; readonly value: number; readonly series: number }
  | { readonly kind: 'no_traffic' | 'no_data' };

export interface RuleState {
  readonly name: string;
  readonly group: string;
  /** The rule file, or `made`. */
  readonly file: string;
  readonly query: string;
  readonly for_seconds: number;
  readonly severity: string;
  readonly trial: boolean;
  readonly state: 'unknown' | 'inactive' | 'pending' | 'firing';
  readonly error: string;
  readonly firing: number;
  readonly pending: number;
  /** Null when it could not be asked for. */
  readonly figure: RuleFigure | null;
}

export interface RuleNoise {
  readonly name: string;
  /** Alerts that began. */
  readonly fired: number;
  /** Messages that said something fires: to one receiver each. Resolutions are not counted. */
  readonly pages: number;
  readonly pages_per_week: number;
  /** Alerts that somebody acknowledged, took, snoozed, commented or silenced. */
  readonly acted: number;
  readonly flapping: number;
  /** Alerts while the rule was on trial. */
  readonly on_trial: number;
}

export interface NoiseReport {
  readonly from: string;
  readonly to: string;
  /** False when older events of the range were left out. */
  readonly complete: boolean;
  /** Most pages first. */
  readonly rules: readonly RuleNoise[];
  readonly never_fired: readonly string[];
}
