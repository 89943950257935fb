/**
 * A choice of traces that shows the shape of all: the time they cover is cut into equal parts, and each part gives its
 * slowest trace and one more, a failed one when it has one. A peak cannot hide behind many newer traces, as it would
 * among the newest alone.
 */
import type { TraceSummary } from '../../model/ports.ts';

interface Part {
  slowest: TraceSummary;
  other: TraceSummary | undefined;
}

/** At most `limit` of the traces, newest first as they are given; all of them when there are no more than that. */
export function spread(newestFirst: readonly TraceSummary[], limit: number): readonly TraceSummary[] {
  const newest = newestFirst[0]?.startUnixNano;
  const oldest = newestFirst.at(-1)?.startUnixNano;
  if (newestFirst.length <= limit || newest === undefined || oldest === undefined) return newestFirst;
  const count = Math.max(1, Math.floor(limit / 2));
  const span = Number(newest - oldest) + 1;
  const parts = new Map<number, Part>();
  for (const trace of newestFirst) {
    const at = Math.floor((Number(trace.startUnixNano - oldest) / span) * count);
    const part = parts.get(at);
    if (part === undefined) parts.set(at, { slowest: trace, other: undefined });
    else add(part, trace);
  }
  const chosen = new Set([...parts.values()].flatMap(({ slowest, other = slowest }) => [slowest, other]));
  return newestFirst.filter((trace) => chosen.has(trace)).slice(0, limit);
}

function add(part: Part, trace: TraceSummary): void {
  const isSlowest = trace.durationMs > part.slowest.durationMs;
  const left = isSlowest ? part.slowest : trace;
  if (isSlowest) part.slowest = trace;
  if (part.other === undefined || (left.errors > 0 && part.other.errors === 0)) part.other = left;
}
