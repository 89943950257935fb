/**
 * Sends one frame of all new telemetry to the monitor each second (or interval) over process IPC. One frame is in flight: while
 * the monitor has not acknowledged it, ticks are skipped and counted and the bounded buffers fill, so a stopped monitor costs no
 * memory. The first frame of a connection carries the resource, after its asynchronous attributes have arrived. While nothing
 * happens, most frames carry no metrics (`IdlePace`): they show only that the process answers.
 */
import type { ReadableLogRecord } from '@opentelemetry/sdk-logs';
import type { ResourceMetrics } from '@opentelemetry/sdk-metrics';
import type { ReadableSpan } from '@opentelemetry/sdk-trace';
import type { Clock } from '../../base/clock.ts';
import { every, machineMonotonicMs } from '../../base/clock.ts';
import type { Logger } from '../../base/logger.ts';
import type { Frame } from '../../model/frame.ts';
import type { Health } from '../../model/health.ts';
import type { Attributes } from '../../model/records.ts';
import { toFrameMetrics } from './collect-to-frame.ts';
import { IdlePace } from './idle-pace.ts';
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
  readonly isBusy: () => boolean;
  resourceSent: boolean;
  /** Sequence number of the frame that the monitor has not acknowledged yet. */
  awaited: number | undefined;
}

export class FrameSender {
  readonly #options: FrameSenderOptions;
  readonly #stop: () => void;
  readonly #pace: IdlePace;
  #connection: Connection | undefined;
  #lastState = '';
  #sequence = 0;
  #skipped = 0;
  #skippedEver = 0;
  #busy = false;

  constructor(options: FrameSenderOptions) {
    this.#options = options;
    this.#pace = new IdlePace(options.intervalMs);
    this.#stop = every(
      options.clock,
      options.intervalMs,
      () => this.#tick((health) => this.#isDue(health)),
      (error) => options.logger.warn({ error: String(error) }, 'A frame could not be made.'),
      COLLECT_OFFSET_MS,
    );
  }

  /** Frames skipped since the start. */
  get skipped(): number {
    return this.#skippedEver;
  }

  /**
   * Begins a connection and discards an earlier one with its unacknowledged frame. `isBusy` is asked at each interval: whether
   * something has happened since the interval before that is neither a span nor a log record.
   */
  connect(send: SendFrame, isBusy: () => boolean = () => false): void {
    this.#connection = { send, isBusy, resourceSent: false, awaited: undefined };
  }

  disconnect(): void {
    this.#connection = undefined;
  }

  /** The monitor has accepted frame `sequence`. */
  acknowledge(sequence: number): void {
    if (this.#connection?.awaited === sequence) this.#connection.awaited = undefined;
  }

  /** Makes and sends one complete frame. Called once before a shutdown. */
  tick(): Promise<void> {
    return this.#tick(() => true);
  }

  /** Whether this frame carries metrics. */
  #isDue(health: Health | undefined): boolean {
    const { spans, logs } = this.#options;
    const state = stateOf(health);
    const changed = state !== this.#lastState;
    this.#lastState = state;
    const isBusy = this.#connection?.isBusy() === true;
    const isDue = this.#pace.isDue(spans.size === 0 && logs.size === 0 && !changed);
    return isDue || isBusy || this.#connection?.resourceSent !== true;
  }

  async #tick(isDue: (health: Health | undefined) => boolean): Promise<void> {
    const connection = this.#connection;
    if (connection === undefined) return;
    if (this.#busy || connection.awaited !== undefined) {
      this.#skipped += 1;
      this.#skippedEver += 1;
      return;
    }
    this.#busy = true;
    try {
      const health = this.#options.health?.();
      await this.#sendOn(connection, isDue(health) ? await this.#collect() : undefined, health);
    } finally {
      this.#busy = false;
    }
  }

  async #collect(): Promise<ResourceMetrics> {
    const { live, logger } = this.#options;
    const { resourceMetrics, errors } = await live.collect();
    if (errors.length > 0) logger.debug({ errors: errors.map(String).slice(0, 5) }, 'A collection had errors.');
    return resourceMetrics;
  }

  async #sendOn(
    connection: Connection,
    collected: ResourceMetrics | undefined,
    health: Health | undefined,
  ): Promise<void> {
    const { clock } = this.#options;
    const resource = connection.resourceSent ? undefined : collected?.resource;
    if (resource?.asyncAttributesPending === true) await resource.waitForAsyncAttributes?.();
    if (this.#connection !== connection) return;
    const spans = this.#options.spans.drain();
    const logs = this.#options.logs.drain();
    this.#sequence += 1;
    const frame: Frame = {
      kind: 'frame',
      sequence: this.#sequence,
      timeMs: clock.now(),
      machineMs: machineMonotonicMs(),
      resource: resource?.attributes as Attributes | undefined,
      metrics: collected === undefined ? [] : toFrameMetrics(collected),
      spans: spans.items.map(toSpanRecord),
      logs: logs.items.map(toLogRecord),
      health,
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

/** The part of a health report that changes only when something happens. */
function stateOf(health: Health | undefined): string {
  if (health === undefined) return '';
  const components = Object.entries(health.components).map(([name, { status, reason, active_requests: active }]) => [
    name,
    status,
    reason,
    active,
  ]);
  return JSON.stringify([health.queue_size, components]);
}
