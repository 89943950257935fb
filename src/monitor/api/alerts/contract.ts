/** The JSON bodies of alert care, rules, on call and the ledger, as types only: the page imports them. */

type Labels = Readonly<Record<string, string>>;

/** One event of the ledger. */
export interface EventView {
  readonly id: number;
  readonly at: string;
  readonly type: string;
  readonly alerts: readonly string[];
  readonly receiver?: string;
  readonly text: string;
  readonly data: Readonly<Record<string, unknown>>;
}

/** `GET /api/notifications`. */
export interface LedgerAnswer {
  readonly notifications: readonly EventView[];
  readonly next: number | null;
}

export interface CareView {
  readonly acknowledged?: { readonly by: string; readonly atMs: number } | undefined;
  readonly assignee?: string | undefined;
  readonly snoozed?: { readonly by: string; readonly untilMs: number } | undefined;
  readonly comments: readonly { readonly atMs: number; readonly by: string; readonly text: string }[];
}

/** `GET /api/alerts/{fingerprint}`. */
export interface AlertDetail {
  readonly fingerprint: string;
  readonly labels: Labels;
  readonly annotations: Labels;
  readonly state: 'firing' | 'muted' | 'resolved';
  readonly starts_at: string;
  readonly ends_at: string | null;
  readonly value: number | null;
  readonly threshold: string | null;
  readonly reason: string | null;
  readonly flapping: boolean;
  readonly care: CareView;
  readonly routes: readonly { readonly key: string; readonly receiver: string }[];
  readonly groups: readonly { readonly key: string; readonly receiver: string; readonly next_flush: string }[];
  readonly muted_by: readonly { readonly kind: string; readonly text: string }[];
  /** Null for an alert of another program. */
  readonly chart: { readonly expr: string; readonly rule: string } | null;
  readonly trace: {
    readonly id: string;
    readonly name: string;
    readonly duration_ms: number;
    readonly failed: boolean;
  } | null;
  readonly error_line: { readonly text: string; readonly service: string; readonly at: string } | null;
  /** Alerts of the same rule within the last 30 days, the newest first. */
  readonly similar: readonly {
    readonly fingerprint: string;
    readonly labels: Labels;
    readonly began: string;
    readonly ended: string | null;
  }[];
  readonly ledger: readonly EventView[];
}

/** The time around the beginning of an alert, whose records are deleted last. */
export interface RecordingView {
  readonly alert: string;
  readonly name: string;
  readonly starts_at: string;
  readonly from: string;
  readonly to: string;
  /** Of its ordinary traces; null once it was released. */
  readonly kept_until: string | null;
  /** When newer recordings needed the room. */
  readonly released_at: string | null;
  /** Records that are there now; only with `alert=`. */
  readonly records?: { readonly logs: number; readonly traces: number; readonly requests: number };
}

/** `GET /api/recordings?alert=`, newest first. */
export interface RecordingsAnswer {
  readonly enabled: boolean;
  readonly recordings: readonly RecordingView[];
  readonly held: number;
  readonly released: number;
}

export interface RuleView {
  readonly id: string;
  readonly name: string;
  readonly metric?: string | undefined;
  readonly expr?: string | undefined;
  readonly above?: string | number | undefined;
  readonly below?: string | number | undefined;
  readonly recover?: string | number | undefined;
  readonly over?: string | undefined;
  readonly for?: string | 0 | undefined;
  readonly severity: string;
  readonly trial: boolean;
  readonly draft: boolean;
  readonly labels: Labels;
  readonly annotations: Labels;
  readonly created_by: string;
  readonly created_at: string;
  readonly keep_firing_for?: string | undefined;
  readonly updated_by: string;
  readonly updated_at: string;
}

/** `GET /api/alerts`: rules that people made, beside the alerts. */
export interface RulesAnswer {
  readonly rules: readonly RuleView[];
}

/** `GET /api/alerts/states`. */
export interface StatesAnswer {
  readonly rules: readonly {
    readonly name: string;
    readonly group: string;
    readonly file: string;
    readonly query: string;
    readonly for_seconds: number;
    readonly severity: string;
    readonly trial: boolean;
    readonly state: 'unknown' | 'inactive' | 'pending' | 'firing';
    readonly error: string;
    readonly firing: number;
    readonly pending: number;
    readonly figure: { readonly kind: 'value' | 'no_traffic' | 'no_data'; readonly value?: number } | null;
  }[];
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

export interface ShiftView {
  readonly person: string | null;
  readonly why: string;
  readonly from: string;
  readonly to: string | null;
}

/** `GET /api/oncall`. */
export interface OnCallAnswer {
  readonly schedules: readonly {
    readonly name: string;
    readonly zone: string;
    readonly now: ShiftView;
    readonly next: readonly ShiftView[];
  }[];
  readonly policies: readonly {
    readonly receiver: string;
    readonly steps: readonly { readonly notify: readonly string[]; readonly after_seconds: number }[];
  }[];
  readonly overrides: readonly {
    readonly id: string;
    readonly schedule: string;
    readonly person: string;
    readonly createdBy: string;
    readonly from: string;
    readonly to: string;
  }[];
  readonly escalating: readonly {
    readonly group: string;
    readonly step: number;
    readonly round: number;
    readonly told: readonly string[];
    readonly acknowledged: boolean;
    readonly since: string;
  }[];
}

export interface SilenceView {
  readonly id: string;
  readonly status: { readonly state: 'active' | 'pending' | 'expired' };
  readonly endsAt: string;
  readonly createdBy: string;
  readonly comment: string;
  readonly matchers: readonly {
    readonly name: string;
    readonly value: string;
    readonly isRegex: boolean;
    readonly isEqual: boolean;
  }[];
  readonly mutes: readonly { readonly fingerprint: string; readonly labels: Labels }[];
}

/** `GET /api/silences`. */
export interface SilencesAnswer {
  readonly silences: readonly SilenceView[];
}

/** `GET /api/notify/receivers`: which channels there are; never their secrets. */
export interface ReceiversAnswer {
  readonly receivers: readonly {
    readonly name: string;
    readonly channels: readonly { readonly kind: string; readonly index: number; readonly send_resolved: boolean }[];
  }[];
}

/** `POST /api/notify/test`. */
export interface ReceiverTestAnswer {
  readonly results: readonly {
    readonly kind: string;
    readonly index: number;
    readonly ok: boolean;
    readonly message: string;
  }[];
}

/** `GET /api/alerts/noise`. */
export interface NoiseAnswer {
  readonly complete: boolean;
  readonly rules: readonly {
    readonly name: string;
    readonly fired: number;
    readonly pages: number;
    readonly pages_per_week: number;
    readonly acted: number;
    readonly flapping: number;
    readonly on_trial: number;
  }[];
  readonly never_fired: readonly string[];
}
