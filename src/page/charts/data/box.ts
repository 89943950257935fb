/** A box on the duration chart as the address writes it: `FROM,TO,MIN,MAX` in milliseconds. Pure. */

export interface Box {
  readonly fromMs: number;
  readonly toMs: number;
  readonly minMs: number;
  readonly maxMs: number;
}

interface Measured {
  readonly startMs: number;
  readonly durationMs: number;
}

/** Durations keep microseconds. */
const micro = (ms: number): number => Math.round(ms * 1_000) / 1_000;

export function boxText({ fromMs, toMs, minMs, maxMs }: Box): string {
  return [Math.floor(fromMs), Math.ceil(toMs), micro(minMs), micro(maxMs)].join(',');
}

/** Undefined for a text that is no box. */
export function boxOf(text: string): Box | undefined {
  const numbers = text.split(',').map(Number);
  const [fromMs, toMs, minMs, maxMs] = numbers;
  const isBox = numbers.length === 4 && numbers.every((one) => Number.isFinite(one) && one >= 0);
  return isBox && fromMs <= toMs && minMs <= maxMs ? { fromMs, toMs, minMs, maxMs } : undefined;
}

/** Between two corners, in any order. */
export function boxBetween(a: Measured, b: Measured): Box {
  return {
    fromMs: Math.min(a.startMs, b.startMs),
    toMs: Math.max(a.startMs, b.startMs),
    minMs: Math.max(0, Math.min(a.durationMs, b.durationMs)),
    maxMs: Math.max(a.durationMs, b.durationMs),
  };
}

/** The slowest tenth of the traces; undefined when there are too few to have one. */
export function slowestOf(traces: readonly Measured[]): Box | undefined {
  if (traces.length < 10) return undefined;
  const sorted = traces.map(({ durationMs }) => durationMs).sort((a, b) => a - b);
  const times = traces.map(({ startMs }) => startMs);
  return {
    fromMs: Math.min(...times),
    toMs: Math.max(...times),
    minMs: sorted[Math.floor(sorted.length * 0.9)],
    maxMs: sorted[sorted.length - 1] * 2,
  };
}
