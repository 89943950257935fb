/** Answers about the status page; its editor reads them. */

export type StatusState = 'up' | 'unknown' | 'maintenance' | 'degraded' | 'outage';
export type NoticeStage = 'investigating' | 'identified' | 'monitoring' | 'resolved' | 'planned' | 'underway';
export type NoticeImpact = 'none' | 'degraded' | 'outage';

export interface NoticeJson {
  readonly id: string;
  readonly kind: 'incident' | 'maintenance';
  readonly title: string;
  readonly impact: NoticeImpact;
  readonly components: readonly string[];
  readonly start: string;
  /** null while an incident goes on. */
  readonly end: string | null;
  readonly phase: 'planned' | 'open' | 'over';
  /** Oldest first. */
  readonly updates: readonly { readonly time: string; readonly stage: NoticeStage; readonly text: string }[];
  /** Fingerprint of the alert that it came from. */
  readonly alert: string | null;
  /** It is resolved when the alert has ended. */
  readonly follow: boolean;
  readonly created_by: string;
  /** It follows from a maintenance window of the alerts, and is changed there. */
  readonly announced: boolean;
}

export interface StatusJson {
  readonly title: string;
  /** Where readers find the page. */
  readonly address: string;
  readonly state: StatusState;
  readonly components: readonly {
    readonly name: string;
    /** Its part of the addresses of badges. */
    readonly slug: string;
    readonly state: StatusState;
    readonly targets: readonly string[];
    /** Targets of the configuration that do not exist. */
    readonly unknown_targets: readonly string[];
    readonly uptime_90d: number | null;
  }[];
  readonly incidents: readonly NoticeJson[];
}

export interface StatusExportJson {
  readonly files: readonly { readonly path: string; readonly text: string }[];
}
