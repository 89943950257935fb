/** Answers about targets, their availability and objectives; the page and the command line read them. */

export type TargetState = 'up' | 'down' | 'unknown';

export interface TargetJson {
  readonly id: string;
  readonly name: string;
  readonly kind: string;
  readonly instance: string;
  readonly origin: 'file' | 'api';
  readonly state: TargetState;
  readonly since: string | null;
  readonly enabled: boolean;
  readonly competitor: boolean;
  readonly group: string;
  readonly tags: readonly string[];
  readonly depends_on: readonly string[];
  /** The parent that is down, if one is. */
  readonly cause: string | null;
  readonly maintenance: boolean;
  readonly interval_ms: number;
  readonly last: {
    readonly time: string;
    readonly success: boolean;
    readonly duration_ms: number;
    readonly reason: string;
    readonly phases: Readonly<Record<string, number>>;
    readonly trace_id: string;
  } | null;
  /** When the first certificate of the chain expires. */
  readonly certificate_expires: string | null;
  readonly availability_24h: number | null;
  /** The last 24 hours: state by half hour, the worst of each. */
  readonly strip: readonly (TargetState | 'maintenance')[];
  readonly heartbeat?: { readonly last: string | null; readonly deadline: string };
}

export interface TargetsJson {
  readonly targets: readonly TargetJson[];
}

export interface AvailabilityJson {
  readonly target: string;
  readonly name: string;
  readonly competitor: boolean;
  readonly from: string;
  readonly to: string;
  /** null when nothing is known. */
  readonly availability: number | null;
  readonly up_seconds: number;
  readonly down_seconds: number;
  readonly maintenance_seconds: number;
  readonly unknown_seconds: number;
  readonly outages: number;
  /** The accounting method in words. */
  readonly method: string;
  readonly parts?: readonly {
    readonly from: string;
    readonly to: string;
    readonly availability: number | null;
    readonly down_seconds: number;
  }[];
}

interface ComparedFigures {
  readonly availability: number | null;
  readonly outages: number;
  readonly down_seconds: number;
  readonly checks: number;
  readonly mean_ms: number | null;
  readonly max_ms: number | null;
}

/** `GET /api/targets/compare`: own targets first, then competitors'. */
export interface ComparisonJson {
  readonly from: string;
  readonly to: string;
  readonly targets: readonly (ComparedFigures & {
    readonly id: string;
    readonly name: string;
    readonly competitor: boolean;
    /** With `step` only. */
    readonly points?: readonly (ComparedFigures & { readonly time: string })[];
  })[];
}

export interface HistoryJson {
  readonly target: string;
  readonly from: string;
  readonly to: string;
  /** Newest last. */
  readonly checks: readonly {
    readonly time: string;
    readonly success: boolean;
    readonly duration_ms: number;
    readonly status: number | null;
    readonly reason: string;
    readonly phases: Readonly<Record<string, number>>;
  }[];
  readonly outages: readonly { readonly from: string; readonly to: string; readonly seconds: number }[];
  readonly hours: readonly {
    readonly time: string;
    readonly checks: number;
    readonly failed: number;
    readonly mean_ms: number;
    readonly max_ms: number;
  }[];
}

export interface EvidenceJson {
  readonly evidence: readonly {
    readonly time: string;
    readonly success: boolean;
    readonly reason: string;
    readonly duration_ms: number;
    readonly trace_id: string;
    readonly sent: string;
    readonly sent_headers?: Readonly<Record<string, string>>;
    readonly address: string;
    readonly step?: string;
    readonly status?: number;
    readonly headers?: Readonly<Record<string, string>>;
    readonly excerpt?: string;
    readonly certificate?: {
      readonly subject: string;
      readonly issuer: string;
      readonly names: readonly string[];
      readonly valid_from: string;
      readonly valid_to: string;
      readonly fingerprint256: string;
      readonly error: string;
    };
    readonly redirects?: readonly string[];
    readonly notes?: readonly string[];
    readonly phases: Readonly<Record<string, number>>;
  }[];
}

export interface ObjectiveJson {
  readonly name: string;
  readonly objective: number;
  readonly window: string;
  readonly window_seconds: number;
  readonly target: string | null;
  readonly target_id: string | null;
  /** The filters of an objective over the request ledger. */
  readonly requests: { readonly total: string; readonly good: string } | null;
  /** Counted rows of the window; null for objectives that are not about requests. */
  readonly events: { readonly good: number; readonly total: number } | null;
  /** Share of good events in the window; null without data. */
  readonly figure: number | null;
  /** 1: nothing is used; below 0: more than all. */
  readonly budget_left: number | null;
  readonly burn_rate: number | null;
  /** The objective of the window is missed. */
  readonly breached: boolean | null;
  /** Calendar months (UTC), the present one first; `figure` is null without data. */
  readonly months: readonly {
    /** `2026-11` */
    readonly month: string;
    readonly figure: number | null;
    readonly budget_left: number | null;
    readonly breached: boolean | null;
  }[];
  readonly power: string;
}

export interface ObjectivesJson {
  readonly objectives: readonly ObjectiveJson[];
}
