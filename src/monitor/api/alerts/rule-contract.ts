/** The JSON bodies of rules that people make, of the time machine and of the noise report, as types only: the page imports them. */
import type { NoiseReport, RuleState, ShortForm } from '../../../model/rules/rule-shapes.ts';

type Labels = Readonly<Record<string, string>>;

/** A rule that somebody made. */
export interface RuleView extends ShortForm {
  readonly id: string;
  readonly severity: string;
  readonly trial: boolean;
  readonly draft: boolean;
  readonly labels: Labels;
  readonly annotations: Labels;
  readonly keep_firing_for?: string | undefined;
  readonly created_by: string;
  readonly created_at: string;
  readonly updated_by: string;
  readonly updated_at: string;
}

/** `GET /api/alerts`: rules that people made, beside the alerts. */
export interface RulesAnswer {
  readonly rules: readonly RuleView[];
}

/** `GET /api/alerts/states`. */
export interface StatesAnswer {
  readonly rules: readonly RuleState[];
}

/** `GET /api/alerts/lines?from=&to=`: the figure of each alert of Vitrine's rules that fires, is pending or ended just now. */
export interface LinesAnswer {
  readonly from: string;
  readonly to: string;
  readonly step_seconds: number;
  readonly lines: readonly {
    readonly fingerprint: string;
    /** One a step; null where the figure has no value. */
    readonly values: readonly (number | null)[];
    readonly limits: readonly { readonly op: string; readonly limit: number }[];
  }[];
  /** Alerts without a line because there are too many. */
  readonly left_out: number;
}

/** `POST /api/alerts/replay`. */
export interface ReplayAnswer {
  readonly name: string;
  readonly from: string;
  readonly to: string;
  readonly step_seconds: number;
  readonly steps: number;
  readonly fired: number;
  readonly pending_only: number;
  readonly left_out: number;
  readonly paged: number;
  readonly missed: number;
  readonly episodes: readonly {
    readonly labels: Labels;
    readonly pending_at: string;
    readonly fired_at: string | null;
    readonly ended_at: string | null;
    readonly value: number | null;
  }[];
  readonly pages: readonly {
    readonly at: string;
    readonly receiver: string;
    readonly group: string;
    readonly reason: string;
    readonly firing: number;
    readonly resolved: number;
  }[];
  readonly muted: readonly { readonly text: string; readonly alerts: number }[];
  readonly incidents: readonly {
    readonly from: string;
    readonly to: string | null;
    readonly names: readonly string[];
    readonly caught_at: string | null;
  }[];
  readonly warnings: readonly string[];
}

/** `POST /api/alerts` with `dry_run`. */
export interface TriedAnswer {
  readonly dry_run: true;
  readonly expr: string;
  readonly file: string;
  readonly would_fire: number;
  /** The first of them. */
  readonly found: readonly { readonly labels: Labels; readonly value: number }[];
}

/** `GET /api/alerts/noise`. */
export type NoiseAnswer = NoiseReport;
