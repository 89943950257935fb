/**
 * The shapes of every JSON body and every WebSocket message that the API sends and the page reads, as types only. Bodies
 * that other programs read (`/health`, `/api/metrics`, `/api/services`, `/api/timeseries`) have snake_case names that end
 * with the unit. Messages between this API and its own page have this project's usual names. Times are milliseconds since
 * the epoch unless a name says otherwise; durations are seconds in figures and milliseconds in traces. `null` means that
 * nothing was measured, never zero.
 */
import type { AlertState } from '../../model/alert.ts';
import type { Health, ReportedStatus, TargetFigures } from '../../model/health.ts';
import type { AttributeValue, SpanKind, SpanStatus } from '../../model/records.ts';
import type { SearchPage } from './search-outcome.ts';

/** In seconds. Percentiles are estimated from histogram buckets. */
export interface LatencyFigures {
  readonly average_seconds: number | null;
  readonly p50_seconds: number | null;
  readonly p95_seconds: number | null;
  readonly p99_seconds: number | null;
}

/** Requests of one place (the balancer, a service, the servers together) over the window. */
export interface TrafficFigures extends LatencyFigures {
  readonly requests: number;
  readonly requests_per_second: number;
  readonly errors: number;
  /** 5xx responses and failures divided by all requests, 0 to 1. */
  readonly error_ratio: number | null;
  /** Requests by class of the status code: `2xx` … `5xx`, `other`. */
  readonly by_status: Readonly<Record<string, number>>;
  /** Mean time until the first byte of the answer: all phases but the transfer. Null for a place that measures no phases. */
  readonly first_byte_seconds: number | null;
}

export interface ServiceFigures {
  readonly service: string;
  readonly instances: number;
  readonly traffic: TrafficFigures | null;
  readonly cpu_cores: number | null;
  readonly memory_bytes: number | null;
  /** The uptime of the instance that started last. */
  readonly uptime_seconds: number | null;
}

export type Phase = 'queue' | 'cache' | 'connect' | 'upstream' | 'transfer';

/**
 * The request ledger of one route: the mean time of each phase of a request, in seconds. Means are used because they add up.
 */
export interface RouteLedger {
  readonly method: string;
  readonly route: string;
  readonly requests_per_second: number;
  readonly error_ratio: number;
  readonly mean_seconds: number;
  readonly phases: Readonly<Record<Phase, number>>;
  /** The same figures for the minutes before the window; null when there was no request then. */
  readonly before: { readonly mean_seconds: number; readonly phases: Readonly<Record<Phase, number>> } | null;
  /** Share of the time of all routes, 0 to 1. */
  readonly time_share: number;
}

export interface CacheFigures {
  readonly hits: number;
  readonly misses: number;
  readonly stale: number;
  readonly bypassed: number;
  readonly errors: number;
  /** hits (including stale answers) / (hits + misses); null without look-ups. */
  readonly hit_ratio: number | null;
  readonly lookup_average_seconds: number | null;
  readonly entries: number | null;
  readonly size_bytes: number | null;
}

export interface UpstreamFigures {
  readonly upstream: string;
  readonly up: boolean;
  readonly requests_per_second: number;
  readonly errors: number;
  readonly error_ratio: number | null;
}

export interface ComponentUptime {
  readonly component: string;
  readonly uptime_seconds: number;
}

/** `GET /api/metrics`, and a part of each live frame. Covers the last 60 s, or less when the process is younger. */
export interface CurrentFigures {
  readonly time: string;
  readonly window_seconds: number;
  /** The figures that the balancer measured; null without traffic. */
  readonly balancer: TrafficFigures | null;
  /** All servers together: the figures that they report, or the balancer's count of the requests that it sent to them. */
  readonly server: { readonly requests_per_second: number; readonly source: 'services' | 'upstreams' } | null;
  readonly services: readonly ServiceFigures[];
  readonly cache: CacheFigures | null;
  readonly queue_size: number | null;
  readonly upstreams: readonly UpstreamFigures[];
  readonly components: readonly ComponentUptime[];
  readonly routes: readonly RouteLedger[];
  /** Cores used by all processes of the stack together, and their memory. */
  readonly cpu_cores: number | null;
  readonly memory_bytes: number | null;
  /** Synthetic checks; in `GET /api/metrics`, when there is a target. */
  readonly targets?: readonly TargetFigures[];
}

export type Severity = 'critical' | 'warning' | 'info';

export interface AlertView {
  /** Made of the alert's labels, so it does not change during the life of the alert. */
  readonly fingerprint: string;
  readonly name: string;
  readonly severity: Severity;
  readonly state: AlertState | 'resolved';
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
  readonly activeAtMs: number;
  readonly firedAtMs: number | null;
  readonly resolvedAtMs: number | null;
  readonly value: number | null;
  readonly reason: string;
}

export interface AlertsAnswer {
  readonly alerts: readonly AlertView[];
}

export interface LiveFrame {
  readonly kind: 'frame';
  readonly timeMs: number;
  readonly health: Health;
  readonly current: CurrentFigures;
  readonly alerts: readonly AlertView[];
}

/** Figures of the last 15 minutes in columns, oldest first, for sparklines. The page gets them on every connection. */
export interface LiveHistory {
  readonly stepMs: number;
  readonly timesMs: readonly number[];
  readonly requestsPerSecond: readonly (number | null)[];
  readonly serverRequestsPerSecond: readonly (number | null)[];
  readonly averageSeconds: readonly (number | null)[];
  readonly p95Seconds: readonly (number | null)[];
  readonly errorRatio: readonly (number | null)[];
  readonly hitRatio: readonly (number | null)[];
  readonly cpuCores: readonly (number | null)[];
}

export interface LiveHello {
  readonly kind: 'hello';
  readonly version: string;
  readonly history: LiveHistory;
}

export interface ExpressionSeries {
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number | null;
}

export interface ExpressionResult {
  readonly expr: string;
  readonly timeMs: number;
  readonly series: readonly ExpressionSeries[];
  readonly error?: string;
  /** Prometheus' warnings about the values, at most ten; absent without any. */
  readonly warnings?: readonly string[];
}

export interface LiveResults {
  readonly kind: 'results';
  readonly results: readonly ExpressionResult[];
}

/** The part of the viewer's last message that was refused. */
export interface LiveRefusal {
  readonly kind: 'refused';
  readonly reason: string;
}

export type ServerMessage = LiveHello | LiveFrame | LiveResults | LiveRefusal;

/** Replaces the subscriptions of this viewer; at most 16 PromQL expressions. */
export interface ClientMessage {
  readonly subscribe: readonly string[];
}

export interface TraceSummaryView {
  readonly traceId: string;
  readonly service: string;
  readonly name: string;
  readonly startMs: number;
  readonly durationMs: number;
  readonly spans: number;
  readonly errors: number;
  readonly services: readonly string[];
  /** False when its root, or the parent of a span, has not come. */
  readonly whole: boolean;
}

export interface TracesAnswer extends Partial<SearchPage> {
  readonly traces: readonly TraceSummaryView[];
  readonly more: boolean;
}

export type WireAttributes = Readonly<Record<string, AttributeValue>>;

export interface SpanView {
  readonly spanId: string;
  readonly parentSpanId: string;
  readonly service: string;
  readonly name: string;
  readonly kind: SpanKind;
  /** Offset from the start of the trace. */
  readonly startOffsetMs: number;
  readonly durationMs: number;
  /** Nanoseconds since the epoch as decimal digits: they do not fit a JSON number. */
  readonly startUnixNano: string;
  readonly status: SpanStatus;
  readonly statusMessage: string;
  readonly attributes: WireAttributes;
  readonly events: readonly {
    readonly name: string;
    readonly offsetMs: number;
    readonly attributes: WireAttributes;
  }[];
  readonly resource: WireAttributes;
}

export interface LogView {
  /** For `around`; absent for a line of a live tail that the store refused. */
  readonly id?: string;
  readonly timeMs: number;
  readonly timeUnixNano: string;
  readonly severityNumber: number;
  readonly severity: string;
  readonly service: string;
  /** The body as text; an object is written as JSON. */
  readonly message: string;
  readonly attributes: WireAttributes;
  readonly traceId: string;
  readonly spanId: string;
}

export interface TraceAnswer {
  readonly traceId: string;
  readonly startMs: number;
  readonly durationMs: number;
  /** Sorted by start. A parent may be missing. */
  readonly spans: readonly SpanView[];
  readonly logs: readonly LogView[];
  /** The spans that the trace's duration is made of, with the time that each accounts for, the longest first. */
  readonly criticalPath: readonly { readonly spanId: string; readonly ms: number }[];
  readonly errorOrigins: readonly string[];
}

/** A line of a search. */
export interface FoundLine extends LogView {
  /** Its place in `resources` of the answer. */
  readonly resource: number;
}

export interface LogsAnswer extends SearchPage {
  readonly logs: readonly FoundLine[];
  /** The attributes of the senders' resources, each once. */
  readonly resources: readonly WireAttributes[];
  readonly more: boolean;
}

export interface ServiceRow {
  readonly service: string;
  readonly state: ReportedStatus | 'no_data';
  /** The reason for the state, one sentence; empty when healthy. */
  readonly reason: string;
  readonly requests_per_second: number | null;
  readonly error_ratio: number | null;
  readonly p95_seconds: number | null;
  /** Mean time to the first byte; null for a service that measures no phases. Where it is known, it decides what is slow. */
  readonly first_byte_seconds: number | null;
  readonly cpu_cores: number | null;
  readonly logs_per_minute: number | null;
  readonly uptime_seconds: number | null;
  /** One mark for each of the last 15 minutes, oldest first. */
  readonly strip: readonly (ReportedStatus | 'no_data')[];
}

export interface ServicesAnswer {
  readonly time: string;
  readonly services: readonly ServiceRow[];
}
