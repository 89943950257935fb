/**
 * Sends the telemetry of a process to a monitor in another process, in addition to the exporters of the environment: every span
 * (sampled or not), every log record and all metrics, by OTLP/HTTP protobuf. It sends once a second (or interval), all signals
 * at one wake-up, and earlier when a buffer is half full. A trace can be read about a second after it ended. A process without
 * spans and records sends its metrics every five seconds: each collection costs CPU time here and in the monitor. Buffers are
 * bounded and dropped records are counted; while the monitor is away, one body of each signal is kept.
 */
import type { ReadableLogRecord } from '@opentelemetry/sdk-logs';
import type { ReadableSpan } from '@opentelemetry/sdk-trace';
import type { Clock } from '../../base/clock.ts';
import { every } from '../../base/clock.ts';
import type { Logger } from '../../base/logger.ts';
import type { DropCount, ExportCount } from '../metrics/drop-count.ts';
import type { LiveReader } from '../metrics/live-reader.ts';
import { IdlePace } from './idle-pace.ts';
import { encodeMetrics } from './otlp-metrics.ts';
import { OtlpPost } from './otlp-post.ts';
import { encodeLogs, encodeSpans } from './otlp-records.ts';
import type { RecordBuffer } from './record-buffer.ts';
import type { Signal } from '../environment.ts';

/** Metrics are collected shortly before the full second, because rules are evaluated at the full second. */
const OFFSET_MS = -150;

export interface MonitorRoadOptions {
  /** Base of OTLP/HTTP: `/v1/traces` and so on are appended. */
  readonly url: string;
  /** Bearer token of the monitor. */
  readonly token?: string | undefined;
  readonly live: LiveReader;
  readonly spans: RecordBuffer<ReadableSpan>;
  readonly logs: RecordBuffer<ReadableLogRecord>;
  readonly drops: DropCount;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly intervalMs: number;
}

const EXPORTER = 'monitor';

export class MonitorRoad {
  readonly #options: MonitorRoadOptions;
  readonly #posts: Readonly<Record<Signal, OtlpPost>>;
  readonly #pace: IdlePace;
  readonly #stop: () => void;
  #failing = false;
  #knowsResource = false;
  #collecting = false;

  constructor(options: MonitorRoadOptions) {
    this.#options = options;
    const { clock, logger, intervalMs } = options;
    this.#pace = new IdlePace(intervalMs);
    this.#posts = { traces: this.#postOf('traces'), metrics: this.#postOf('metrics'), logs: this.#postOf('logs') };
    const failed = (error: unknown): void =>
      logger.debug({ error: String(error) }, 'Telemetry for the monitor could not be collected.');
    // Not awaited: a monitor that does not answer must not delay the next interval.
    const tick = (): void => {
      if (!this.#isDue()) return;
      void Promise.all([this.#sendMetrics(), this.#sendSpans(), this.#sendLogs()]).catch(failed);
    };
    this.#stop = every(clock, intervalMs, tick, failed, OFFSET_MS);
    // Called while a span or record ends, so the work is deferred.
    options.spans.onHalfFull = () => void setImmediate(() => void this.#sendSpans().catch(failed)).unref();
    options.logs.onHalfFull = () => void setImmediate(() => void this.#sendLogs().catch(failed)).unref();
  }

  #isDue(): boolean {
    const { spans, logs } = this.#options;
    return this.#pace.isDue(
      spans.size === 0 && logs.size === 0 && !Object.values(this.#posts).some(({ busy }) => busy),
    );
  }

  /** Sends all buffered data. Resolves after the attempt; never rejects. */
  async flush(): Promise<void> {
    // The first round completes requests that are under way; the second sends the data that waited for them.
    for (let round = 0; round < 2; round += 1)
      await Promise.allSettled([this.#sendSpans(), this.#sendLogs(), this.#sendMetrics()]);
  }

  /** Drops and counts unsent data. Call `flush` before. */
  close(): void {
    this.#stop();
    this.#options.spans.onHalfFull = undefined;
    this.#options.logs.onHalfFull = undefined;
    for (const post of Object.values(this.#posts)) post.close();
    this.#count('traces').dropped += this.#leftOf(this.#options.spans);
    this.#count('logs').dropped += this.#leftOf(this.#options.logs);
  }

  #leftOf(buffer: RecordBuffer<unknown>): number {
    const { items, dropped } = buffer.drain();
    return items.length + dropped;
  }

  #count(signal: Signal): ExportCount {
    return this.#options.drops.of(signal, EXPORTER);
  }

  #postOf(signal: Signal): OtlpPost {
    const { url, token, logger } = this.#options;
    const count = this.#count(signal);
    return new OtlpPost({
      url: `${url.replace(/\/+$/, '')}/v1/${signal}`,
      token,
      ended: (items, sent, reason) => {
        if (sent) count.sent += items;
        else count.dropped += items;
        if (sent !== this.#failing) return;
        this.#failing = !sent;
        if (sent) logger.info({}, 'The monitor accepts telemetry again.');
        else logger.warn({ reason }, `The monitor accepts no telemetry (${reason}); it is dropped and counted.`);
      },
    });
  }

  async #sendRecords<T>(
    signal: Signal,
    buffer: RecordBuffer<T>,
    encode: (items: readonly T[]) => Buffer,
  ): Promise<void> {
    const post = this.#posts[signal];
    if (post.busy) await post.retry();
    await this.#resourceKnown();
    if (post.busy) return;
    const { items, dropped } = buffer.drain();
    this.#count(signal).dropped += dropped;
    if (items.length > 0) await post.send(encode(items), items.length);
  }

  #sendSpans(): Promise<void> {
    return this.#sendRecords('traces', this.#options.spans, encodeSpans);
  }

  #sendLogs(): Promise<void> {
    return this.#sendRecords('logs', this.#options.logs, encodeLogs);
  }

  async #sendMetrics(): Promise<void> {
    const post = this.#posts.metrics;
    // Metrics are cumulative: while one body is held, another collection adds nothing.
    if (post.busy) await post.retry();
    if (post.busy || this.#collecting) return;
    this.#collecting = true;
    try {
      await this.#resourceKnown();
      const { resourceMetrics } = await this.#options.live.collect();
      if (!post.busy) await post.send(encodeMetrics(resourceMetrics), 1);
    } finally {
      this.#collecting = false;
    }
  }

  /** Detectors may add attributes later. Nothing is sent before, because the service would appear under two identities. */
  async #resourceKnown(): Promise<void> {
    if (this.#knowsResource) return;
    const { resource } = (await this.#options.live.collect()).resourceMetrics;
    if (resource.asyncAttributesPending) await resource.waitForAsyncAttributes?.();
    this.#knowsResource = true;
  }
}
