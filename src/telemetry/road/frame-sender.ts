/**
 * Sends one frame of all new telemetry to the monitor each second (or interval) over process IPC. One frame is in flight: while
 * the monitor has not acknowledged it, ticks are skipped and counted and the bounded buffers fill, so a stopped monitor costs no
 * memory. The first frame of a connection carries the resource, after its asynchronous attributes have arrived.
 */
import type { ReadableLogRecord } from '@opentelemetry/sdk-logs';
import type { ReadableSpan } from '@opentelemetry/sdk-trace';
import type { Clock } from '../../base/clock.ts';
import { every, machineMonotonicMs } from '../../base/clock.ts';
import type { Logger } from '../../base/logger.ts';
import type { Frame } from '../../model/frame.ts';
import type { Health } from '../../model/health.ts';
import type { Attributes } from '../../model/records.ts';
import { toFrameMetrics } from './collect-to-frame.ts';
import type { LiveReader } from '../metrics/live-reader.ts';
import type { RecordBuffer } from './record-buffer.ts';
import { toLogRecord, toSpanRecord } from '../spans/span-record.ts';

/** Frames are made shortly before each full interval of the wall clock, because rules are evaluated at that time and need them. */
const COLLECT_OFFSET_MS = -150;

/** Passes a frame to the channel. May throw when the channel is closed. */
export type SendFrame = (frame: Frame) => void;

export interface FrameSenderOptions {
  readonly live: LiveReader;
  readonly spans: RecordBuffer<ReadableSpan>;
  readonly logs: RecordBuffer<ReadableLogRecord>;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly health?: (() => Health | undefined) | undefined;
  readonly intervalMs: number;
}

interface Connection {
  readonly send: SendFrame;
  resourceSent: boolean;
  /** Sequence number of the frame that the monitor has not acknowledged yet. */
  awaited: number | undefined;
}

export class FrameSender {
  readonly #options: FrameSenderOptions;
  readonly #stop: () => void;
  #connection: Connection | undefined;
  #sequence = 0;
  #skipped = 0;
  #skippedEver = 0;
  #busy = false;

  constructor(options: FrameSenderOptions) {
    this.#options = options;
    this.#stop = every(
      options.clock,
      options.intervalMs,
      () => this.tick(),
      (error) => options.logger.warn({ error: String(error) }, 'A frame could not be made.'),
      COLLECT_OFFSET_MS,
    );
  }

  /** Frames skipped since the start. */
  get skipped(): number {
    return this.#skippedEver;
  }

  /** Begins a connection and discards an earlier one with its unacknowledged frame. */
  connect(send: SendFrame): void {
    this.#connection = { send, resourceSent: false, awaited: undefined };
  }

  disconnect(): void {
    this.#connection = undefined;
  }

  /** The monitor has accepted frame `sequence`. */
  acknowledge(sequence: number): void {
    if (this.#connection?.awaited === sequence) this.#connection.awaited = undefined;
  }

  /** Makes and sends one frame. Called by the timer, and once before a shutdown. */
  async tick(): Promise<void> {
    const connection = this.#connection;
    if (connection === undefined) return;
    if (this.#busy || connection.awaited !== undefined) {
      this.#skipped += 1;
      this.#skippedEver += 1;
      return;
    }
    this.#busy = true;
    try {
      await this.#sendOn(connection);
    } finally {
      this.#busy = false;
    }
  }

  async #sendOn(connection: Connection): Promise<void> {
    const { live, clock, health } = this.#options;
    const { resourceMetrics, errors } = await live.collect();
    if (errors.length > 0)
      this.#options.logger.debug({ errors: errors.map(String).slice(0, 5) }, 'A collection had errors.');
    const { resource } = resourceMetrics;
    if (!connection.resourceSent && resource.asyncAttributesPending) await resource.waitForAsyncAttributes?.();
    if (this.#connection !== connection) return;
    const spans = this.#options.spans.drain();
    const logs = this.#options.logs.drain();
    this.#sequence += 1;
    const frame: Frame = {
      kind: 'frame',
      sequence: this.#sequence,
      timeMs: clock.now(),
      machineMs: machineMonotonicMs(),
      resource: connection.resourceSent ? undefined : (resource.attributes as Attributes),
      metrics: toFrameMetrics(resourceMetrics),
      spans: spans.items.map(toSpanRecord),
      logs: logs.items.map(toLogRecord),
      health: health?.(),
      skippedFrames: this.#skipped,
      droppedSpans: spans.dropped,
      droppedLogs: logs.dropped,
    };
    connection.awaited = frame.sequence;
    try {
      connection.send(frame);
    } catch (error) {
      this.#options.logger.debug({ error: String(error) }, 'The channel to the monitor is closed.');
      if (this.#connection === connection) this.#connection = undefined;
      return;
    }
    connection.resourceSent = true;
    this.#skipped = 0;
  }

  close(): void {
    this.#stop();
    this.#connection = undefined;
  }
}
