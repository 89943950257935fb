/**
 * Exporters are code of other authors: they may throw, answer twice, never answer, or be slow. The guard makes each batch
 * end exactly once within a limit and counts its outcome; the gate before a batch processor counts the items that the queue
 * cannot take, and replaces values that an exporter could not serialise. Nothing here waits, so a request is never delayed
 * by an exporter.
 */
import type { ExportResult } from '@opentelemetry/core';
import { context, ROOT_CONTEXT } from '@opentelemetry/api';
import { ExportResultCode, suppressTracing } from '@opentelemetry/core';
import type { LogRecordExporter, LogRecordProcessor } from '@opentelemetry/sdk-logs';
import type { InstrumentType, PushMetricExporter } from '@opentelemetry/sdk-metrics';
import type { ReadableSpan, SpanExporter, SpanProcessor } from '@opentelemetry/sdk-trace';
import type { Logger } from '../../base/logger.ts';
import type { ExportCount } from '../metrics/drop-count.ts';
import { outside } from '../road/outside.ts';
import { soundenLog, soundMetrics, soundSpan } from './sound-values.ts';

/** The items between the gate and the end of their export. */
export interface Flow {
  readonly count: ExportCount;
  /** Items in the processor's queue. */
  queued: number;
  /** Items that were given to the exporter and whose export has not ended. */
  inFlight: number;
  readonly timeoutMs: number;
  /**
   * The SDK keeps the process alive by a timer until it gets the result of its export. It gets a result after this time at
   * most, and the export continues. Undefined: it gets the result when the export has ended.
   */
  readonly answerWithinMs: number | undefined;
  readonly logger: Logger;
  /** Whether the last batch failed. One line is logged when failures begin and one when they end, not one for each batch. */
  failing: boolean;
  /** Monotonic ms before which nothing is sent: an exporter that has just failed would probably fail again. */
  restUntilMs: number;
  /** True after the items under way were counted as dropped. Nothing is counted afterwards. */
  closed: boolean;
}

/** Pause after a failure. Items that do not fit the queue meanwhile are dropped before they are serialised. */
const REST_MS = 1_000;

export function createFlow(count: ExportCount, timeoutMs: number, logger: Logger, answerWithinMs?: number): Flow {
  return {
    count,
    queued: 0,
    inFlight: 0,
    timeoutMs,
    answerWithinMs,
    logger,
    failing: false,
    restUntilMs: 0,
    closed: false,
  };
}

/** Counts the items that are still under way as dropped. Call it when nothing more will be sent. */
export function closeFlow(flow: Flow): void {
  flow.closed = true;
  flow.count.dropped += flow.queued + flow.inFlight;
  flow.queued = 0;
  flow.inFlight = 0;
}

function report(flow: Flow, items: number, result: ExportResult): void {
  const failed = result.code !== ExportResultCode.SUCCESS;
  flow.restUntilMs = failed ? performance.now() + REST_MS : 0;
  if (failed) flow.count.dropped += items;
  else flow.count.sent += items;
  if (failed === flow.failing) return;
  flow.failing = failed;
  const fields = { signal: flow.count.signal, exporter: flow.count.exporter };
  if (failed)
    flow.logger.warn({ ...fields, reason: reasonOf(result) }, 'An exporter fails; its items are dropped and counted.');
  else flow.logger.info({ ...fields, dropped: flow.count.dropped }, 'The exporter works again.');
}

const reasonOf = (result: ExportResult): string => (result.error?.message ?? 'no reason given').slice(0, 200);

/** Calls `send` so that `done` is called exactly once. */
function guard(
  flow: Flow,
  items: number,
  send: (done: (result: ExportResult) => void) => void,
  done: (result: ExportResult) => void,
): void {
  let ended = false;
  let answered = false;
  const answer = (result: ExportResult): void => {
    if (answered) return;
    answered = true;
    done(result);
  };
  if (flow.answerWithinMs !== undefined)
    setTimeout(() => answer({ code: ExportResultCode.SUCCESS }), flow.answerWithinMs).unref();
  flow.queued = Math.max(0, flow.queued - items);
  flow.inFlight += items;
  const end = (result: ExportResult): void => {
    if (ended) return;
    ended = true;
    clearTimeout(timer);
    if (!flow.closed) {
      flow.inFlight -= items;
      report(flow, items, result);
    }
    answer(result);
  };
  const fail = (error: unknown): void =>
    end({ code: ExportResultCode.FAILED, error: error instanceof Error ? error : new Error(String(error)) });
  const restMs = Math.max(0, flow.restUntilMs - performance.now());
  const limitMs = flow.timeoutMs + restMs;
  const timer = setTimeout(() => fail(new Error(`no answer within ${flow.timeoutMs} ms`)), limitMs);
  timer.unref();
  const begin = (): void => {
    try {
      const returned: unknown = outside(() =>
        context.with(suppressTracing(ROOT_CONTEXT), () =>
          send((result) => end(result ?? { code: ExportResultCode.FAILED })),
        ),
      );
      // An `async export()` that rejects would otherwise be an unhandled rejection.
      if (returned instanceof Promise) returned.catch(fail);
    } catch (error) {
      fail(error);
    }
  };
  if (restMs > 0) setTimeout(begin, restMs).unref();
  else begin();
}

export function guardSpanExporter(exporter: SpanExporter, flow: Flow): SpanExporter {
  return {
    export: (spans, done) => guard(flow, spans.length, (end) => exporter.export(spans, end), done),
    forceFlush: async () => exporter.forceFlush?.(),
    shutdown: () => exporter.shutdown(),
  };
}

export function guardLogExporter(exporter: LogRecordExporter, flow: Flow): LogRecordExporter {
  return {
    export: (records, done) => guard(flow, records.length, (end) => exporter.export(records, end), done),
    forceFlush: async () => exporter.forceFlush?.(),
    shutdown: () => exporter.shutdown(),
  };
}

/** An exporter that may also choose the limit of attribute sets, as readers do. */
export type LimitedExporter = PushMetricExporter & { selectCardinalityLimit?(type: InstrumentType): number };

/** Metrics are cumulative: the next batch makes up for a lost one, so a batch counts as one item. */
export function guardMetricExporter(exporter: LimitedExporter, flow: Flow): LimitedExporter {
  const guarded: LimitedExporter = {
    export: (batch, done) => guard(flow, 1, (end) => exporter.export(soundMetrics(batch), end), done),
    forceFlush: async () => exporter.forceFlush?.(),
    shutdown: () => exporter.shutdown(),
  };
  if (exporter.selectAggregation) guarded.selectAggregation = exporter.selectAggregation.bind(exporter);
  if (exporter.selectAggregationTemporality) {
    guarded.selectAggregationTemporality = exporter.selectAggregationTemporality.bind(exporter);
  }
  if (exporter.selectCardinalityLimit) guarded.selectCardinalityLimit = exporter.selectCardinalityLimit.bind(exporter);
  return guarded;
}

const takes = (flow: Flow, capacity: number): boolean => {
  if (flow.queued < capacity) {
    flow.queued += 1;
    return true;
  }
  flow.count.dropped += 1;
  return false;
};

/** Passes sampled spans while the queue has room. Other spans are recorded for the monitor only. */
export function gateSpans(inner: SpanProcessor, flow: Flow, capacity: number): SpanProcessor {
  return {
    onStart: () => {},
    onEnd(span: ReadableSpan) {
      if ((span.spanContext().traceFlags & 1) === 1 && takes(flow, capacity)) inner.onEnd(soundSpan(span));
    },
    forceFlush: () => inner.forceFlush(),
    shutdown: () => inner.shutdown(),
  };
}

export function gateLogs(inner: LogRecordProcessor, flow: Flow, capacity: number): LogRecordProcessor {
  return {
    onEmit(record, context) {
      if (!takes(flow, capacity)) return;
      soundenLog(record);
      inner.onEmit(record, context);
    },
    forceFlush: () => inner.forceFlush(),
    shutdown: () => inner.shutdown(),
  };
}
