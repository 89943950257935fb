/**
 * Puts the times of a frame on the receiver's clock. Both processes are on one machine and share its monotonic clock, so the
 * difference of their wall clocks is known exactly: a sender whose clock was set back or forward continues without a gap.
 */
import { machineMonotonicMs, type Clock } from '../../../base/clock.ts';
import type { Frame } from '../../../model/frame.ts';

/**
 * Smaller differences are ignored: they come from the resolution of the clocks, or from a clock that is being slowed down.
 */
const TOLERATED_MS = 250;

/** Milliseconds to add to the frame's times; 0 when the sender's clock agrees with `clock`. */
export function frameSkewMs({ timeMs, machineMs }: Frame, clock: Clock, machineNowMs = machineMonotonicMs()): number {
  if (machineMs === undefined) return 0;
  const onTheWayMs = Math.max(0, machineNowMs - machineMs);
  const skewMs = clock.now() - onTheWayMs - timeMs;
  return Math.abs(skewMs) < TOLERATED_MS ? 0 : Math.round(skewMs);
}

/**
 * The frame with `skewMs` added to its times. Start times of metrics stay, because a changed start time marks a reset. What is
 * later than the frame itself was stamped before the sender's clock was set back, while the frame was put together: such a time
 * is right already, and moving it would put the series ahead by the whole step and shut out what follows.
 */
export function shiftedFrame(frame: Frame, skewMs: number): Frame {
  if (skewMs === 0) return frame;
  const latestMs = skewMs > 0 ? frame.timeMs + TOLERATED_MS : Infinity;
  const nanos = BigInt(skewMs) * 1_000_000n;
  const shiftedMs = (ms: number): number => (ms > latestMs ? ms : ms + skewMs);
  const shiftedNanos = (time: bigint): bigint => (Number(time / 1_000_000n) > latestMs ? time : time + nanos);
  return {
    ...frame,
    timeMs: frame.timeMs + skewMs,
    metrics: frame.metrics.map((metric) => ({
      ...metric,
      points: metric.points.map((point) => ({ ...point, endMs: shiftedMs(point.endMs) })),
    })),
    spans: frame.spans.map((span) => ({
      ...span,
      startUnixNano: shiftedNanos(span.startUnixNano),
      endUnixNano: shiftedNanos(span.endUnixNano),
    })),
    logs: frame.logs.map((log) => ({
      ...log,
      timeUnixNano: log.timeUnixNano === 0n ? 0n : shiftedNanos(log.timeUnixNano),
      observedUnixNano: log.observedUnixNano === 0n ? 0n : shiftedNanos(log.observedUnixNano),
    })),
  };
}
