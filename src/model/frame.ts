/**
 * The messages from a stack process to the monitor over the fork's IPC channel (`serialization: 'advanced'`).
 * One frame is in flight at a time: the monitor acknowledges each by its number, and frames in between are skipped
 * and counted, so a stopped monitor costs no memory. The resource is constant and is sent with the first frame of a
 * connection.
 */
import type { CareCall, CareReply } from './care.ts';
import type { Health } from './health.ts';
import type { RouteLesson } from './learned-route.ts';
import type { Attributes, LogRecord, SpanRecord } from './records.ts';

/** A data point of one collection, as the SDK's MetricReader gives it, without classes. */
export interface FramePoint {
  readonly attributes: Attributes;
  readonly startMs: number;
  readonly endMs: number;
  readonly value: number | FrameHistogram | FrameExponentialHistogram;
}

export interface FrameHistogram {
  readonly kind: 'histogram';
  readonly bounds: readonly number[];
  /** One count more than there are bounds; the counts are not cumulative. */
  readonly counts: readonly number[];
  readonly sum: number;
  readonly count: number;
}

export interface FrameExponentialHistogram {
  readonly kind: 'exponential';
  readonly scale: number;
  readonly zeroCount: number;
  readonly zeroThreshold: number;
  readonly positive: { readonly offset: number; readonly counts: readonly number[] };
  readonly negative: { readonly offset: number; readonly counts: readonly number[] };
  readonly sum: number;
  readonly count: number;
}

export interface FrameMetric {
  /** OpenTelemetry name and UCUM unit; the monitor translates. */
  readonly name: string;
  readonly unit: string;
  readonly description: string;
  readonly kind: 'sum' | 'gauge' | 'histogram' | 'exponential_histogram';
  readonly monotonic: boolean;
  readonly points: readonly FramePoint[];
}

export interface Frame {
  readonly kind: 'frame';
  readonly sequence: number;
  /** The sender's wall clock when the frame was made. */
  readonly timeMs: number;
  /** The machine's monotonic clock at the same moment; absent in recorded frames. */
  readonly machineMs?: number | undefined;
  readonly resource?: Attributes | undefined;
  /** Empty in a frame that carries no collection: the values of the one before still hold. */
  readonly metrics: readonly FrameMetric[];
  readonly spans: readonly Omit<SpanRecord, 'resource'>[];
  readonly logs: readonly Omit<LogRecord, 'resource'>[];
  /** The balancer's own part of `/health`. */
  readonly health?: Health | undefined;
  /** Frames skipped and items dropped since the last one. */
  readonly skippedFrames: number;
  readonly droppedSpans: number;
  readonly droppedLogs: number;
}

/**
 * Messages of the monitor to the stack: the monitor is ready, it has accepted a frame, a finished log line for the
 * stack's files and console, or routes of the application that its spans told.
 */
export type ToStack =
  | { readonly kind: 'ack'; readonly sequence: number }
  | { readonly kind: 'ready' }
  | { readonly kind: 'care'; readonly id: number; readonly call: CareCall }
  | { readonly kind: 'routes'; readonly lessons: readonly RouteLesson[] }
  | { readonly kind: 'line'; readonly line: string };

/** The message of the stack to the monitor besides frames: the answer to a call of its API. */
export interface CareAnswer {
  readonly kind: 'care_answer';
  readonly id: number;
  readonly reply: CareReply;
}
