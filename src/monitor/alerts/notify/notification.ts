/**
 * A notification and the port that delivers it. The first half of the data is Alertmanager's (its webhook payload and its
 * templates); the second half is Vitrine's: the facts that a person needs before opening a page.
 */

export type NotifyReason =
  | 'first notification'
  | 'new alerts added'
  | 'some alerts resolved'
  | 'all alerts resolved'
  | 'repeat interval elapsed';

/** Label names or annotation names with their values; null-prototype, so that `__proto__` stays data. */
export type Texts = Readonly<Record<string, string>>;

export interface Links {
  /** Vitrine's page of the alert. */
  readonly page: string;
  /** Vitrine's page with a new silence of the alert filled in. */
  readonly silence: string;
  /** The annotation `runbook_url`, when it is an http(s) URL. */
  readonly runbook?: string | undefined;
}

export interface NotifiedAlert {
  readonly status: 'firing' | 'resolved';
  readonly labels: Texts;
  readonly annotations: Texts;
  readonly startsAtMs: number;
  /** Absent while the alert fires. */
  readonly endsAtMs?: number | undefined;
  readonly generatorUrl: string;
  /** 16 hex digits, as Alertmanager computes them from the labels. */
  readonly fingerprint: string;

  /** One line: the annotation `summary`, `description` or `message`, else the reason of the rule, else the name. */
  readonly summary: string;
  /** The last value of the rule's query; absent for alerts that another program sent. */
  readonly value?: number | undefined;
  /** The condition as people read it, such as `> 0.1`. */
  readonly threshold?: string | undefined;
  readonly links: Links;
  /** Set when a person has acknowledged the alert. */
  readonly acknowledgedBy?: string | undefined;
}

export interface Picture {
  readonly png: Buffer;
  /** The text for readers that show no picture. */
  readonly alt: string;
}

/** The newest line of level error that belongs to the alert. */
export interface ErrorLine {
  readonly text: string;
  readonly service: string;
  readonly atMs: number;
  readonly link: string;
}

/** A slow or failed trace that belongs to the alert. */
export interface TraceHint {
  readonly traceId: string;
  readonly name: string;
  readonly durationMs: number;
  readonly failed: boolean;
  readonly link: string;
}

export interface Notification {
  /** Name of the receiver in the configuration. */
  readonly receiver: string;
  /** `resolved` when every alert is resolved. */
  readonly status: 'firing' | 'resolved';
  /** Without those that `send_resolved: false` leaves out. */
  readonly alerts: readonly NotifiedAlert[];
  readonly reason: NotifyReason;
  /** The same for all notifications of one group: the key by which a receiver threads or updates messages. */
  readonly groupKey: string;
  readonly groupLabels: Texts;
  readonly commonLabels: Texts;
  readonly commonAnnotations: Texts;
  /** Labels of the route, already rendered. */
  readonly routeLabels: Texts;
  readonly externalUrl: string;

  /** One line about the whole group. */
  readonly summary: string;
  /** When the oldest alert of the notification began. */
  readonly sinceMs: number;
  readonly links: Links;
  /** Draws the chart of the first alert. Undefined when there is nothing to draw. */
  readonly picture: () => Promise<Picture | undefined>;
  readonly errorLine?: ErrorLine | undefined;
  readonly trace?: TraceHint | undefined;
  /** The `memory` that this receiver returned for this group before, such as the id of the message to update. */
  readonly memory: Texts;
  /** Set for a message that a person sends to try the receiver. */
  readonly isTest?: boolean | undefined;
}

/** Why a delivery failed, in Alertmanager's words (its metric `alertmanager_notifications_failed_total`). */
export type FailureReason =
  | 'other'
  | 'clientError'
  | 'serverError'
  | 'rateLimited'
  | 'authError'
  | 'contextCanceled'
  | 'contextDeadlineExceeded';

export type Delivery =
  | {
      readonly kind: 'delivered';
      /** Kept until the group's next first notification, and handed over with the next notification of the group. */
      readonly memory?: Texts | undefined;
    }
  | {
      readonly kind: 'failed';
      readonly reason: FailureReason;
      /** False when the same message would fail again. */
      readonly retry: boolean;
      /** From `Retry-After`. */
      readonly retryAfterMs?: number | undefined;
      /** One sentence for people. It must not contain a secret, and no URL beyond its host. */
      readonly message: string;
    };

/** One entry of one receiver, such as the first webhook of receiver `ops`. */
export interface Receiver {
  /** Whether resolved alerts are sent too. */
  readonly sendResolved: boolean;
  /**
   * Sends once; the pipeline repeats and waits. Never throws for the world's mistakes, and gives up soon after `signal`
   * aborts.
   */
  send(notification: Notification, signal: AbortSignal): Promise<Delivery>;
}
