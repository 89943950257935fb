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
  readonly similar: readonly EpisodeView[];
  readonly ledger: readonly EventView[];
}

/** One alert from its beginning to its end. */
export interface EpisodeView {
  readonly fingerprint: string;
  readonly name: string;
  readonly labels: Labels;
  readonly began: string;
  /** Null while it fires. */
  readonly ended: string | null;
}

/** `GET /api/alerts/history`. */
export interface HistoryAnswer {
  /** The newest first. */
  readonly alerts: readonly EpisodeView[];
  /** False when there were more events than are looked through. */
  readonly complete: boolean;
}

/** `GET /api/alerts/groups`. */
export interface GroupsAnswer {
  readonly groups: readonly {
    readonly key: string;
    readonly receiver: string;
    readonly labels: Labels;
    readonly next_flush: string;
    readonly alerts: readonly {
      readonly fingerprint: string;
      readonly labels: Labels;
      readonly state: AlertDetail['state'];
      /** The first reason for which it is not sent. */
      readonly muted_by: string | null;
    }[];
    /** The newest messages about it, oldest first. */
    readonly told: readonly {
      readonly at: string;
      readonly kind: 'sent' | 'failed' | 'escalated';
      /** Receiver and channel. */
      readonly to: string;
      readonly text: string;
    }[];
  }[];
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

/** `GET /api/maintenance`. */
export interface WindowView {
  readonly name: string;
  readonly matchers: readonly { readonly name: string; readonly op: string; readonly value: string }[];
  readonly schedule:
    | { readonly kind: 'once'; readonly fromMs: number; readonly toMs: number }
    | { readonly kind: 'cron'; readonly cron: string; readonly zone: string; readonly durationMs: number };
  readonly createdBy: string;
  readonly comment: string;
  readonly open: boolean;
  /** When it opens next; null when never again. */
  readonly next: string | null;
}

export interface WindowsAnswer {
  readonly windows: readonly WindowView[];
}

/** `GET /api/notify/receivers`: which channels there are; never their secrets. */
export interface ReceiversAnswer {
  readonly receivers: readonly {
    readonly name: string;
    readonly channels: readonly { readonly kind: string; readonly index: number; readonly send_resolved: boolean }[];
  }[];
}

/** `POST /api/notify/render`: a template over an alert, or over an example. */
export interface RenderedAnswer {
  readonly text: string;
}

/** `POST /api/notify/test`: a receiver, or with `kind` and `entry` a channel that is not saved. */
export interface ReceiverTestAnswer {
  readonly results: readonly {
    readonly kind: string;
    readonly index: number;
    readonly ok: boolean;
    readonly message: string;
  }[];
}
