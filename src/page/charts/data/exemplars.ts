/** Exemplars of a latency chart: single requests with their traces, as dots. */
import { useEffect, useState } from 'preact/hooks';
import { getJson } from '../../state/api.ts';

export interface ExemplarDot {
  readonly timeMs: number;
  readonly value: number;
  readonly traceId: string;
}

interface Answer {
  readonly data: readonly {
    readonly exemplars: readonly { readonly labels: Record<string, string>; value: string; timestamp: number }[];
  }[];
}

/** More dots hide the line; the slowest are those that people look for. */
export const MAX_DOTS = 60;
const REFRESH_MS = 15_000;

/** The slowest with a trace, in the order of time. Pure. */
export function dotsOf({ data }: Answer): ExemplarDot[] {
  const all = data.flatMap(({ exemplars }) =>
    exemplars.map(({ labels, value, timestamp }) => ({
      timeMs: timestamp * 1_000,
      value: Number(value),
      traceId: labels['trace_id'] ?? labels['traceID'] ?? '',
    })),
  );
  const known = all.filter(({ value, traceId }) => Number.isFinite(value) && /^[0-9a-f]{16,32}$/.test(traceId));
  const slowest = known.sort((a, b) => b.value - a.value).slice(0, MAX_DOTS);
  return slowest.sort((a, b) => a.timeMs - b.timeMs);
}

const NONE: readonly ExemplarDot[] = [];

/** `expr` undefined: no exemplars. */
export function useExemplars(expr: string | undefined, fromMs: number, toMs: number): readonly ExemplarDot[] {
  const [dots, setDots] = useState(NONE);
  // Both ends move each step: asked for again only when they moved by the interval.
  const turn = Math.floor(toMs / REFRESH_MS);
  const span = Math.round((toMs - fromMs) / 1_000);
  useEffect(() => {
    if (expr === undefined || span <= 0) return undefined;
    const abort = new AbortController();
    const params = new URLSearchParams({ query: expr, start: String(fromMs / 1_000), end: String(toMs / 1_000) });
    getJson<Answer>(`/api/v1/query_exemplars?${params}`, abort.signal)
      .then((answer) => setDots(dotsOf(answer)))
      .catch(() => setDots(NONE));
    return () => abort.abort();
  }, [expr, turn, span]);
  return dots;
}
