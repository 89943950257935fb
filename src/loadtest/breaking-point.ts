/**
 * The breaking point of a ramp: the first second from which errors or latency stay far above their level under light load.
 * It is a hint where to look, not a verdict.
 */

export interface RampSecond {
  readonly second: number;
  readonly load: number;
  readonly requests: number;
  readonly failed: number;
  readonly p95_ms: number | null;
}

export interface BreakingPoint {
  readonly second: number;
  /** Active users, or the rate, at that time. */
  readonly load: number;
  /** Requests answered per second at that time. */
  readonly throughput_rps: number;
  readonly reason: string;
}

const LIGHT_SECONDS = 3;
const ERROR_SHARE = 0.05;
const SLOWDOWN = 4;
/** Below this, a multiple of the latency under light load is noise. */
const LEAST_P95_MS = 20;
/** The change must last for this many seconds, or until the end. */
const LASTING_SECONDS = 3;

export function breakingPoint(series: readonly RampSecond[]): BreakingPoint | null {
  const light = series.slice(0, LIGHT_SECONDS).flatMap(({ p95_ms }) => (p95_ms === null ? [] : [p95_ms]));
  if (light.length === 0 || series.length <= LIGHT_SECONDS) return null;
  const usualMs = light.sort((a, b) => a - b)[Math.floor(light.length / 2)];
  const limitMs = Math.max(LEAST_P95_MS, usualMs * SLOWDOWN);
  const trouble = ({ requests, failed, p95_ms }: RampSecond): string | undefined => {
    if (requests > 0 && failed / requests > ERROR_SHARE)
      return `${Math.round((failed / requests) * 100)} % of requests failed`;
    if (p95_ms !== null && p95_ms > limitMs) return `p95 rose from ${round(usualMs)} ms to ${round(p95_ms)} ms`;
    return undefined;
  };
  for (let i = LIGHT_SECONDS; i < series.length; i += 1) {
    const lasting = series.slice(i, i + LASTING_SECONDS);
    const reason = trouble(series[i]);
    if (reason !== undefined && lasting.every((second) => trouble(second) !== undefined)) {
      const { second, load, requests } = series[i];
      return { second, load, throughput_rps: requests, reason };
    }
  }
  return null;
}

const round = (ms: number): number => Number(ms.toPrecision(3));
